"""R46: the scheduler is the engine, a scheduled workflow a rule: two resources of the API."""

from pathlib import Path
from typing import Any

from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.reception import furnish, opened, served

DAILY: dict[str, Any] = {"trigger": {"type": "schedule", "every": "day", "at": "09:00"}}


def test_the_scheduler_and_what_is_scheduled_are_two_resources(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> None:
    pair = template_database("reception", furnish)
    with opened(pair, clock, tmp_path) as reception, served(reception):
        reception.approved()
        client = reception.client("alice")
        assert client.get("/api/schedules").json()["schedules"] == []
        workflow = reception.approved(**DAILY)
        (rule,) = client.get("/api/schedules").json()["schedules"]
        engine = client.get("/api/scheduler").json()
    assert (rule["workflow"], rule["frequency"]) == (workflow, "every day at 09:00")
    assert {"status", "last_tick", "interval_seconds", "next_at"} <= set(engine)
    assert not set(rule) & {"last_tick", "interval_seconds"}
