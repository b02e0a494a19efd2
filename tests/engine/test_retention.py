"""What is kept no longer than the settings say, and what is kept whatever they say."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, update

from engine.people import audit
from engine.records.events import SHOWN
from engine.records.tables import AUDIT, ENTRIES, EVENTS, RUNS
from engine.runs.retention import Keep
from tests.databases import Pair, TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import Office, prepare

NOTE = {"id": "note", "type": "add_note", "text": "Seen."}
KEEP = Keep(events=10, steps=20, audit=30)


@pytest.fixture
def pair(template_database: TemplateDatabase) -> Pair:
    return template_database("office", prepare)


@pytest.fixture
def office(pair: Pair, clock: Clock) -> Iterator[Office]:
    with Office.at(pair.database_url, clock.now, keep=KEEP) as office:
        yield office


def events(office: Office, module: str) -> list[int]:
    with office.database.read() as tx:
        query = select(EVENTS.c.id).where(EVENTS.c.module == module).order_by(EVENTS.c.id)
        return list(tx.db.scalars(query))


def count_entries(office: Office) -> int:
    with office.database.read() as tx:
        return tx.count(ENTRIES)


def test_of_old_changes_the_newest_of_each_record_are_kept(office: Office, clock: Clock) -> None:
    office.create("invoices", account="ACME")
    for number in range(SHOWN + 4):
        office.update("invoices", 1, count=number + 1)
    office.worker.work()
    every = events(office, "invoices")
    clock.advance(days=9, hours=23)
    office.worker.work()
    assert events(office, "invoices") == every
    clock.advance(days=1)
    office.worker.work()
    assert events(office, "invoices") == every[-SHOWN:]
    assert len(events(office, "accounts")) == 1


def test_changes_that_no_workflow_was_asked_about_are_kept(office: Office, clock: Clock) -> None:
    office.create("invoices", account="ACME")
    for number in range(SHOWN + 4):
        office.update("invoices", 1, count=number + 1)
    every = events(office, "invoices")
    with office.database.begin() as tx:
        tx.db.execute(update(EVENTS).values(pending=True))
    clock.advance(days=40)
    office.worker.forget()
    assert events(office, "invoices") == every


def test_the_steps_of_ended_runs_are_forgotten_and_a_recurrence_still_knows_of_them(
    office: Office, clock: Clock
) -> None:
    office.activate(trigger={"type": "record_saved"}, recurrence="once", steps=[NOTE])
    office.create("invoices", account="ACME", memo="one")
    office.worker.work()
    assert (office.runs(), count_entries(office)) == (["done: finished"], 1)
    clock.advance(days=21)
    office.worker.work()
    assert (office.runs(), count_entries(office)) == (["done: finished"], 0)
    office.update("invoices", 1, memo="two")
    office.worker.work()
    assert office.runs() == ["done: finished"]
    assert len(office.rows("notes", "text")) == 1


def test_runs_that_wait_failed_or_need_a_person_keep_their_steps(
    office: Office, clock: Clock
) -> None:
    wait = {"id": "rest", "type": "wait", "days": 100}
    office.activate(trigger={"type": "record_created"}, recurrence="once", steps=[NOTE, wait])
    for _ in range(3):
        office.create("invoices", account="ACME")
    office.worker.work()
    with office.database.begin() as tx:
        ended = {"ended_at": tx.now, "due": None}
        tx.db.execute(update(RUNS).where(RUNS.c.id == 2).values(state="failed", **ended))
        tx.db.execute(update(RUNS).where(RUNS.c.id == 3).values(state="paused", due=None))
    before = count_entries(office)
    clock.advance(days=90)
    office.worker.work()
    assert count_entries(office) == before == 6


def test_old_acts_are_forgotten(office: Office, clock: Clock) -> None:
    with office.database.begin() as tx:
        audit.record(tx, "alice", "try", "run/1")
    clock.advance(days=29)
    with office.database.begin() as tx:
        audit.record(tx, "alice", "try", "run/2")
    clock.advance(days=2)
    office.worker.work()
    with office.database.read() as tx:
        assert list(tx.db.scalars(select(AUDIT.c.object))) == ["run/2"]


def test_a_round_takes_many_batches_and_comes_once_a_day(office: Office, clock: Clock) -> None:
    rows = [
        {"at": clock.now(), "actor": "alice", "verb": "look", "object": f"run/{number}"}
        for number in range(1_203)
    ]
    with office.database.begin() as tx:
        tx.db.execute(AUDIT.insert(), rows)
    clock.advance(days=31)
    office.worker.work()
    with office.database.begin() as tx:
        assert tx.count(AUDIT) == 0
        tx.db.execute(AUDIT.insert(), rows)
    clock.advance(hours=23)
    office.worker.work()
    with office.database.read() as tx:
        assert tx.count(AUDIT) == len(rows)
    clock.advance(hours=2)
    office.worker.work()
    with office.database.read() as tx:
        assert tx.count(AUDIT) == 0


def test_without_settings_everything_is_kept_for_ever(pair: Pair, clock: Clock) -> None:
    with Office.at(pair.database_url, clock.now) as office:
        with office.database.begin() as tx:
            audit.record(tx, "alice", "try", "run/1")
        clock.advance(days=4_000)
        office.worker.work()
        with office.database.read() as tx:
            assert tx.db.scalar(select(func.count()).select_from(AUDIT)) == 1
