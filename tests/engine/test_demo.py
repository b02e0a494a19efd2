"""The demo: its records as the use cases want them, and its history as it really happened."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.installation import Installation
from engine.people.audit import listed
from engine.records.tables import ENTRIES, EVENTS, RUNS, VERSIONS, WORKFLOWS
from engine.runs.audience import audience
from engine.settings import Settings
from engine.starter.demo_records import COMPANY, add, is_empty, samples
from engine.starter.demo_workflows import open_demo
from engine.workflows.library import examine
from engine.workflows.workflow import Workflow
from tests.databases import Pair
from tests.fakes import Clock
from tests.stages.demo.story import load_reference

PAST_DUE_AND_SENT: dict[str, Any] = {
    "name": "Past due",
    "module": "invoices",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "conditions": {
        "all": [
            {"field": "status", "op": "equals", "value": "Sent"},
            {"field": "due_date", "op": "less_than", "value": "today"},
            {"field": "balance", "op": "greater_than", "value": 0},
        ]
    },
    "steps": [{"id": "mail", "type": "send_email", "to": ["account"], "subject": "s", "body": "b"}],
}


@pytest.fixture
def installation(pair: Pair, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    """An installation where nobody has done anything yet; its mail would go to a server."""
    settings = Settings(
        database_url=pair.database_url,
        queue_url=pair.queue_url,
        data_dir=tmp_path,
        smtp_url="smtp://127.0.0.1:1",
    )
    installation = Installation.of(settings, clock.now)
    installation.prepare(COMPANY)
    yield installation
    installation.close()


def test_the_reference_records_are_those_of_the_use_cases(installation: Installation) -> None:
    with installation.database.begin() as tx:
        load_reference(tx)
        found = audience(tx, Workflow.model_validate(PAST_DUE_AND_SENT))
        invoices = tx.schema.tables["invoices"]
        rows = tx.db.execute(select(invoices.c.number, invoices.c.due_date))
        due = {row.number: row.due_date for row in rows}
        pending = tx.count(EVENTS, EVENTS.c.pending)
    assert [record["number"] for record in found.records] == [
        "INV-1",
        "INV-2",
        "INV-6",
        "INV-7",
        "INV-10",
    ]
    assert (due["INV-3"], due["INV-9"], pending) == (date(2026, 3, 10), None, 0)


def test_the_dates_of_the_demo_move_with_today(installation: Installation, clock: Clock) -> None:
    clock.set(datetime(2026, 7, 14, 5, 30, tzinfo=UTC))
    with installation.database.begin() as tx:
        for sample in samples(tx, tx.company.calendar.today(tx.now), more=False):
            add(tx, sample)
        invoices, tickets = tx.schema.tables["invoices"], tx.schema.tables["tickets"]
        due = tx.db.scalar(select(invoices.c.due_date).where(invoices.c.number == "INV-3"))
        created = tx.db.scalar(select(tickets.c.created_at).where(tickets.c.number == "TK-1"))
        latest = tx.db.scalar(select(func.max(EVENTS.c.at)))
    assert due == date(2026, 7, 14)
    assert created == datetime(2026, 7, 12, 6, 30, tzinfo=UTC), "08:30 in Paris, in summer"
    assert latest == clock.now(), "nothing has happened in the future"


def test_the_demo_has_lived_through_the_past_days(installation: Installation, clock: Clock) -> None:
    open_demo(installation.database, installation.world)
    with installation.database.read() as tx:
        rows = tx.db.execute(select(WORKFLOWS.c.name, WORKFLOWS.c.state))
        states = {row.name: row.state for row in rows}
        runs = Counter(tx.db.scalars(select(RUNS.c.state)))
        outcomes = Counter(tx.db.scalars(select(ENTRIES.c.outcome)))
        mails = Counter(tx.db.scalars(select(tx.schema.tables["emails"].c.status)))
        pending = tx.count(EVENTS, EVENTS.c.pending)
        overdue = tx.count(RUNS, RUNS.c.due <= tx.now)
        ended = tx.db.scalar(select(func.max(RUNS.c.ended_at)))
    assert states == {
        "Invoices - Remind when overdue": "active",
        "Tickets - Confirm to the customer": "active",
        "Opportunities - Announce big deals": "in_review",
        "Tickets - Suggest category and priority": "draft",
        "Opportunities - Follow up after 7 quiet days": "paused",
    }
    assert set(runs) == {"done", "waiting", "failed"}
    assert {"done", "failed", "skipped"} <= set(outcomes)
    assert set(mails) == {"captured"}, "what is past is not sent again"
    assert (pending, overdue) == (0, 0), "nothing is left to be done"
    assert ended is not None
    assert ended <= clock.now()


def test_the_demo_reminds_of_all_that_is_past_due_and_each_reader_in_one_language(
    installation: Installation,
) -> None:
    open_demo(installation.database, installation.world)
    with installation.database.read() as tx:
        emails = tx.schema.tables["emails"]
        first = {
            row.to: row.body.splitlines()[0]
            for row in tx.db.execute(select(emails.c.to, emails.c.body))
        }
        kinds = set(tx.db.scalars(select(tx.schema.tables["templates"].c.kind)))
    assert first["accounts@harbourpress.test"] == "Dear Harbour Press,", "whose status is Overdue"
    assert first["accounts@lumen.test"] == "Bonjour Lumen Theatre,"
    assert first["accounts@kilnclay.test"] == "Hola, Kiln & Clay:"
    assert first["vera@irisoptics.test"] == "Guten Tag Vera Lang,"
    assert kinds == {"E-mail", "Text message", "PDF"}


def test_every_version_of_the_demo_was_approved_by_another_person(
    installation: Installation,
) -> None:
    open_demo(installation.database, installation.world)
    with installation.database.read() as tx:
        decided = tx.db.execute(select(VERSIONS).where(VERSIONS.c.state == "approved")).all()
        acts = Counter(row.verb for row in listed(tx))
    assert decided
    assert all(row.decided_by == "admin" and "admin" not in row.authors for row in decided)
    assert acts["approve workflow"] == len(decided)


def test_every_workflow_of_the_demo_is_sound(installation: Installation) -> None:
    open_demo(installation.database, installation.world)
    with installation.database.read() as tx:
        documents = [row.document for row in tx.db.execute(select(VERSIONS))]
        documents += tx.db.scalars(select(WORKFLOWS.c.draft).where(WORKFLOWS.c.draft.is_not(None)))
        faults = [examine(tx, document, installation.unsafe).problems for document in documents]
    assert faults == [()] * len(documents)


def test_the_demo_is_only_for_an_installation_that_nobody_uses(installation: Installation) -> None:
    with installation.database.read() as tx:
        assert is_empty(tx)
    with installation.database.begin() as tx:
        load_reference(tx)
        assert not is_empty(tx)


def test_the_waiting_run_goes_on_when_its_time_comes(
    installation: Installation, clock: Clock
) -> None:
    open_demo(installation.database, installation.world)
    clock.advance(days=5)
    installation.worker.world.smtp_url = ""
    installation.worker.work()
    with installation.database.read() as tx:
        waiting = tx.count(RUNS, RUNS.c.state == "waiting", RUNS.c.started_at < clock.now())
        tasks = tx.schema.tables["tasks"]
        called = tx.count(tasks, tasks.c.title.startswith("Call ACME"))
    assert called >= 1
    assert waiting <= 2
