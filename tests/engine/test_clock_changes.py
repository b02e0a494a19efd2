"""One workflow in three time zones, across both changes of the clocks: each occasion once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from engine.records.tables import RUNS
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

TICK = timedelta(minutes=10)
# Where the clocks go forward by an hour and back, and where they do so by half an hour.
CHANGES = [
    ("Europe/Paris", date(2026, 3, 29)),
    ("Europe/Paris", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
]
NIGHTLY = {"type": "schedule", "every": "day", "at": "02:30"}
BY_CRON = {"type": "schedule", "cron": "30 2 * * *"}
HOURLY = {"type": "schedule", "every": "hour"}
POLL = {"type": "schedule", "every": "half_hour"}
# The next minute that the clocks show, where they skip 02:30; the first, where they show it twice.
NIGHT_OF_CHANGE = {
    ("Europe/Paris", 3): "2026-03-29T03:00+02:00",
    ("Europe/Paris", 10): "2026-10-25T02:30+02:00",
    ("America/New_York", 3): "2026-03-08T03:00-04:00",
    ("America/New_York", 11): "2026-11-01T02:30-05:00",
    ("Australia/Lord_Howe", 4): "2026-04-05T02:30+10:30",
    ("Australia/Lord_Howe", 10): "2026-10-04T02:30+11:00",
}


def document(trigger: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Invoices - By the clock",
        "module": "invoices",
        "trigger": trigger,
        "conditions": {"field": "number", "op": "equals", "value": "INV-1"},
        "steps": [{"id": "log", "type": "add_note", "text": "Once"}],
    }


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        start += timedelta(minutes=1)
        yield start


def lived(story: Story, end: datetime) -> list[datetime]:
    """Let the worker look every ten minutes until then. Gives when runs began."""
    while story.clock.now() < end:
        story.clock.advance(seconds=TICK.total_seconds())
        story.installation.worker.work()
    with story.installation.database.read() as tx:
        return list(tx.db.scalars(select(RUNS.c.started_at).order_by(RUNS.c.started_at)))


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize("trigger", [NIGHTLY, BY_CRON, HOURLY, POLL], ids=str)
@pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)
def test_each_occasion_comes_once_though_the_clocks_change(
    zone: str, day: date, trigger: dict[str, Any], template_database: TemplateDatabase, clock: Clock
) -> None:
    there = ZoneInfo(zone)
    noon = datetime.combine(day, time(12), there).astimezone(UTC)
    first = datetime.combine(day - timedelta(days=1), time(12), there).astimezone(UTC)
    with living({"company": {"timezone": zone}}, template_database, clock) as story:
        clock.set(first)
        story.approve(document(trigger))
        begun = lived(story, noon)
    if "at" in trigger or "cron" in trigger:
        assert begun == [datetime.fromisoformat(NIGHT_OF_CHANGE[zone, day.month])]
        return
    step = 60 if trigger == HOURLY else 30
    shown = (moment for moment in minutes(first, noon) if _round(moment, there, step))
    assert begun == list(shown)


def _round(moment: datetime, zone: ZoneInfo, step: int) -> bool:
    """Whether the clocks of a zone show a full or a half hour."""
    return moment.astimezone(zone).minute % step == 0
