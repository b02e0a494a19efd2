"""Runs that wait for something to come about: told in a rehearsal, ended by what becomes of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import select, text

from engine.records import rota
from engine.records.database import Database
from engine.records.tables import RUNS
from engine.records.writer import Author, Records
from engine.review import decisions
from engine.runs.rehearsal import rehearse
from engine.runs.switching import switch_off
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living, local

PAID: dict[str, Any] = {
    "name": "Invoices - Wait for the money",
    "module": "invoices",
    "trigger": {"type": "record_modified", "fields": ["subject"]},
    "steps": [
        {
            "id": "money",
            "type": "wait",
            "until_conditions": {"field": "balance", "op": "equals", "value": 0},
            "timeout": {"days": 10},
        },
        {
            "id": "call",
            "type": "create_task",
            "title": "Too late: {{ steps.money.timed_out }}",
            "assign_to": "alice",
            "wait_for_completion": True,
        },
        {"id": "log", "type": "add_note", "text": "It is {{ steps.call.status }}"},
    ],
}
SECOND = {"field": "number", "op": "equals", "value": "INV-2"}
GIVE = {"id": "give", "type": "assign", "to": "round_robin:Sales"}
TOGETHER = {
    **PAID,
    "trigger": {"type": "schedule", "every": "day", "at": "10:00"},
    "conditions": {"field": "number", "op": "in", "value": ["INV-1", "INV-2"]},
    "group_by": "account",
}


def waits(story: Story) -> list[tuple[str, str | None]]:
    with story.installation.database.read() as tx:
        query = select(RUNS.c.state, RUNS.c.awaits).order_by(RUNS.c.id)
        return [(row.state, row.awaits) for row in tx.db.execute(query)]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_rehearsal_tells_what_would_be_waited_for_and_goes_on(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with (
        living({}, template_database, clock) as story,
        story.installation.database.read() as tx,
    ):
        (told,) = rehearse(tx, Workflow.model_validate(PAID), [1])
    assert told.path == (
        "Wait until the balance is 0, 10 days at most (would wait, until 2026-03-20 09:00 at most)",
        "Create the task “Too late: [timed out of money]” for alice, due in 1 day, and wait until "
        "it is Done or Cancelled (would wait until the task is Done or Cancelled)",
        "Write the note “It is [status of call]” on it",
    )
    task, note = (effect.effect["values"] for effect in told.effects)
    assert isinstance(task, dict)
    assert isinstance(note, dict)
    assert (task["title"], note["text"]) == ("Too late: no", "It is Done")


def test_a_record_that_is_deleted_ends_the_waiting(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.approve(PAID)
        story.tell({"save": "INV-1", "values": {"subject": "Go"}})
        assert waits(story) == [("waiting", "invoices/1")]
        story.tell({"delete": "INV-1"})
        assert waits(story) == [("stopped", None)]


def test_a_task_that_is_deleted_is_not_waited_for(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.approve(PAID)
        story.tell({"save": "INV-5", "values": {"subject": "Go"}})
        assert waits(story) == [("waiting", "tasks/1")]
        story.tell({"delete": "TASK-1"})
        assert waits(story) == [("done", None)]


def test_records_taken_together_are_waited_for_until_it_holds_of_all(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"begins": "2026-03-10T09:55"}, template_database, clock) as story:
        story.approve(TOGETHER)
        story.tell({"at": "2026-03-10T10:00"})
        story.tell({"save": "INV-1", "values": {"balance": 0}})
        assert waits(story) == [("waiting", "invoices/1")]
        story.tell({"save": "INV-2", "values": {"balance": 0}})
        story.clock.set(local("2026-03-10T10:30"))
        story.tell({"tick": True})
        assert waits(story) == [("waiting", "tasks/1")]


def test_a_workflow_that_is_switched_off_meanwhile_holds_what_waits(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.approve(PAID)
        story.tell({"save": "INV-1", "values": {"subject": "Go"}})
        with story.installation.database.begin() as tx:
            switch_off(tx, story.workflow)
        story.tell({"save": "INV-1", "values": {"balance": 0}})
        assert waits(story) == [("paused", "invoices/1")]
        with story.installation.database.begin() as tx:
            decisions.switch_on(tx, story.installation.library, story.workflow, "alice")
        clock.advance(minutes=15)
        story.tell({"tick": True})
        assert waits(story) == [("waiting", "tasks/1")]


@pytest.mark.parametrize("pairs", ["postgres"], indirect=True)
def test_a_change_while_the_run_begins_to_wait_is_not_overlooked(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    """While a run looks and begins to wait, nobody else changes its record: who tries, waits."""
    begin = {"id": "turn", "type": "if", "conditions": SECOND, "then": [GIVE]}
    with living({}, template_database, clock) as story:
        story.approve({**PAID, "steps": [begin, PAID["steps"][0]]})
        worker, database = story.installation.worker, story.installation.database

        def save(id: int, **values: Any) -> None:
            with database.begin() as tx:
                Records(tx, Author("alice")).update("invoices", id, values)
            replace(worker).match()

        save(1, subject="Go")
        save(2, subject="Go")
        with ThreadPoolExecutor(2) as pool:
            with database.begin() as ahead:
                rota.take(ahead, "Sales")
                carried = pool.submit(worker.carry)  # has looked at the first, and awaits its turn
                until(lambda: waiting_for_locks(database) == 1)
                saved = pool.submit(save, 1, balance=0)
                until(lambda: saved.done() or waiting_for_locks(database) == 2)
            assert (carried.result(), saved.result()) == (2, None)
        worker.work()
        assert waits(story) == [("done", None), ("waiting", "invoices/2")]


def waiting_for_locks(database: Database) -> int:
    """How many transactions stand before a lock of another one."""
    with database.read() as tx:
        return int(tx.db.scalar(text("select count(*) from pg_locks where not granted")) or 0)


def until(comes_true: Callable[[], bool]) -> None:
    end = monotonic() + 10
    while not comes_true():
        assert monotonic() < end
        Event().wait(0.02)


@pytest.mark.parametrize(
    ("begins", "wait", "ends"),
    [
        # Two days after a start at 09:00 is the second day at 09:00, however late that start was.
        ("2026-03-10T09:00", {"days": 2, "at": "09:00"}, "2026-03-12T09:00"),
        ("2026-03-10T17:30", {"days": 2, "at": "09:00"}, "2026-03-12T09:00"),
        ("2026-03-10T07:00", {"days": 2, "at": "09:00"}, "2026-03-12T09:00"),
        ("2026-03-13T17:30", {"days": 1, "working_days": True, "at": "08:00"}, "2026-03-16T08:00"),
        ("2026-03-10T17:30", {"days": 6, "at": "08:00", "weekday": "mon"}, "2026-03-16T08:00"),
        ("2026-03-10T17:30", {"days": 7, "at": "08:00", "weekday": "mon"}, "2026-03-23T08:00"),
        # INV-1 is due on 1 April: the day is the date's own, before and after nine o'clock.
        ("2026-03-10T17:30", {"until": "due_date", "at": "08:00"}, "2026-04-01T08:00"),
        ("2026-03-10T17:30", {"until": "due_date", "days": -3, "at": "11:00"}, "2026-03-29T11:00"),
        # Without a day that is counted, the next time the clock shows it.
        ("2026-03-10T17:30", {"at": "09:00"}, "2026-03-11T09:00"),
        ("2026-03-10T17:30", {"hours": 5, "at": "09:00"}, "2026-03-11T09:00"),
    ],
)
@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_T10_the_day_is_counted_and_then_the_time_on_that_day(
    template_database: TemplateDatabase, clock: Clock, begins: str, wait: dict[str, Any], ends: str
) -> None:
    steps = [{"id": "rest", "type": "wait", **wait}, {"id": "log", "type": "add_note", "text": "x"}]
    with living({"begins": begins}, template_database, clock) as story:
        story.approve({**PAID, "steps": steps})
        story.tell({"save": "INV-1", "values": {"subject": "Go", "due_date": "2026-04-01"}})
        with story.installation.database.read() as tx:
            assert tx.db.scalars(select(RUNS.c.due)).all() == [local(ends)]
