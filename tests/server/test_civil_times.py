"""Times that name no zone are the company's, at whatever door they come in."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from engine.people.logins import create_user
from engine.records.csv_import import import_csv
from engine.records.writer import Author
from server.operations.answers import when
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living
from tests.stages.office.reception import Reception

NINE, IN_UTC = "2026-12-10 09:00", "2026-12-10T08:00+00:00"


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        with story.installation.database.begin() as tx:
            create_user(tx, "wendy", ["author"], name="Wendy", email="wendy@sayso.test")
        yield story


def starts(story: Story) -> list[str]:
    """When the entries of the calendar start, the oldest first."""
    with story.installation.database.read() as tx:
        events = tx.schema.tables["events"]
        rows = tx.db.scalars(select(events.c.start).order_by(events.c.id))
        return [moment.isoformat(timespec="minutes") for moment in rows]


def booked(story: Story, step: dict[str, Any]) -> list[str]:
    """When an entry of the calendar starts that this step makes of INV-1."""
    story.approve(
        {
            "schema": 1,
            "name": "Book a call",
            "description": "For a test.",
            "module": "invoices",
            "trigger": {"type": "record_saved"},
            "conditions": {"field": "subject", "op": "changed_to", "value": "call"},
            "steps": [{"id": "book", **step}],
        }
    )
    story.tell({"save": "INV-1", "values": {"subject": "call"}})
    return starts(story)


def test_T23_records_written_and_imported(story: Story) -> None:
    clerk = Reception(story.installation, story.clock)
    clerk.ask("wendy", "write_record", module="events", values={"title": "a", "start": NINE})
    sheet = BytesIO(b"title,start\nb,2026-12-10 09:00\nc,2026-03-29 02:30\n")
    import_csv(story.installation.database, "events", sheet, author=Author("wendy"))
    assert starts(story) == [IN_UTC, IN_UTC, "2026-03-29T01:00+00:00"]


def test_T23_conditions_and_moments_that_are_asked_for(story: Story) -> None:
    clerk = Reception(story.installation, story.clock)
    clerk.ask("wendy", "write_record", module="events", values={"title": "a", "start": NINE})
    for value, found in ((NINE, 1), ("2026-12-10 09:01", 0), ("2026-12-10T08:00Z", 1)):
        condition = {"field": "start", "op": "at_least", "value": value}
        asked = clerk.ask("wendy", "search_records", module="events", where=condition)
        assert len(asked["records"]) == found
    with story.installation.database.read() as tx:
        assert [
            moment.isoformat(timespec="minutes")
            for text in (NINE, "2026-03-29T02:30", "2026-12-10")
            if (moment := when(tx, text))
        ] == [IN_UTC, "2026-03-29T01:00+00:00", "2026-12-09T23:00+00:00"]


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        (NINE, IN_UTC),
        ("2026-12-10", IN_UTC),
        # INV-1 is due on 8 February: the day that the field holds, at 9 o'clock as any other day.
        ("{{ record.due_date }}", "2026-02-08T08:00+00:00"),
        ("{{ record.due_date }} 10:00", "2026-02-08T09:00+00:00"),
    ],
)
def test_T23_an_entry_in_the_calendar(story: Story, start: str, moment: str) -> None:
    step = {"type": "create_event", "title": "Call", "assign_to": "alice", "start": start}
    assert booked(story, step) == [moment]


@pytest.mark.parametrize(
    ("value", "start"),
    [
        (NINE, IN_UTC),
        ("2026-12-10", IN_UTC),
        ("{{ record.due_date }}", "2026-02-08T08:00+00:00"),
    ],
)
def test_T23_a_field_of_a_record_that_a_step_fills(story: Story, value: str, start: str) -> None:
    values = {"title": "Call", "start": value}
    step = {"type": "create_record", "module": "events", "values": values}
    assert booked(story, step) == [start]
