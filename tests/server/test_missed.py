"""An occasion that was missed is no run: lists say which one it was."""

from typing import Any

import pytest

from tests.fakes import Clock
from tests.stages.office.reception import Reception

DAILY = {"type": "schedule", "every": "day", "at": "10:00"}
ONCE = {"type": "schedule", "every": "once", "date": "2026-03-10", "at": "10:00"}
NOTE = {"id": "note", "type": "add_note", "text": "Seen."}


def only(reception: Reception) -> dict[str, Any]:
    (line,) = reception.ask("vera", "list_schedules")["schedules"]
    return {name: line[name] for name in ("status", "last_at", "missed_at")}


def test_T26_a_missed_occasion_is_no_last_run(reception: Reception, clock: Clock) -> None:
    reception.approved(trigger=DAILY, recurrence="every", steps=[NOTE])
    clock.advance(hours=1, minutes=1)
    reception.installation.worker.work()
    ran = {"status": "on", "last_at": "2026-03-10T09:00:00+00:00", "missed_at": None}
    assert only(reception) == ran
    clock.advance(days=1, hours=8)
    reception.installation.worker.work()
    assert only(reception) == {**ran, "missed_at": "2026-03-11T09:00:00+00:00"}
    with reception.browser("bob") as bob:
        assert "missed 11 Mar 2026, 10:00" in bob.get("/planner").text
    clock.advance(hours=16)
    reception.installation.worker.work()
    assert only(reception) == {**ran, "last_at": "2026-03-12T09:00:00+00:00"}


@pytest.mark.parametrize(
    ("late", "status"), [({"minutes": 1}, "completed"), ({"hours": 8}, "missed")]
)
def test_T26_a_single_day_that_was_missed_is_missed_and_not_completed(
    reception: Reception, clock: Clock, late: dict[str, int], status: str
) -> None:
    workflow = reception.approved(trigger=ONCE, recurrence="every", steps=[NOTE])
    clock.advance(hours=1)
    clock.advance(**late)
    reception.installation.worker.work()
    assert only(reception)["status"] == status
    assert reception.ask("vera", "list_runs", workflow=workflow)["total"] == 2 * (
        status != "missed"
    )
    with reception.browser("bob") as bob:
        assert status.capitalize() in bob.get("/planner").text
