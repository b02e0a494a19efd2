"""R45: the planner lists what is scheduled; after three silent intervals the scheduler is down."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.installation import Installation
from engine.queue import beat
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of
from tests.stages.office.reception import REMIND, Reception, furnish, opened

DAILY: dict[str, Any] = {
    "name": "Invoices - Each morning",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "window": {"from": "08:00", "to": "18:00", "days": "working_days"},
}
WEEKLY: dict[str, Any] = {
    "name": "Invoices - Each Monday",
    "trigger": {"type": "schedule", "every": "week", "weekdays": ["mon"], "at": "08:00"},
}


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with opened(template_database("reception", furnish), clock, tmp_path) as found:
        yield found


def planned(reception: Reception) -> dict[str, dict[str, Any]]:
    found = reception.ask("vera", "list_schedules")["schedules"]
    return {each["name"]: each for each in found}


def test_each_is_listed_with_frequency_status_last_and_next_run(
    reception: Reception, clock: Clock
) -> None:
    daily, weekly = reception.approved(**DAILY), reception.approved(**WEEKLY)
    reception.approved(name="Invoices - By hand")
    clock.advance(days=1)
    reception.installation.worker.work()
    reception.ask("alice", "toggle_workflow", workflow=weekly, active=False)
    assert planned(reception) == {
        "Invoices - Each morning": {
            "workflow": daily,
            "name": "Invoices - Each morning",
            "module": "invoices",
            "frequency": "every day at 09:00, between 08:00 and 18:00 on working days",
            "status": "on",
            "last_at": "2026-03-11T08:00:00+00:00",
            "missed_at": None,
            "next_at": "2026-03-12T08:00:00+00:00",
        },
        "Invoices - Each Monday": {
            "workflow": weekly,
            "name": "Invoices - Each Monday",
            "module": "invoices",
            "frequency": "every Monday at 08:00",
            "status": "off",
            "last_at": None,
            "missed_at": None,
            "next_at": None,
        },
    }


def test_how_often_is_changed_by_a_draft_that_somebody_approves(reception: Reception) -> None:
    weekly = reception.approved(**WEEKLY)
    trigger = {"every": "month", "working_day": 1, "at": "07:00"}
    told = reception.ask("alice", "change_schedule", workflow=weekly, trigger=trigger)
    assert told["problems"] == []
    assert planned(reception)["Invoices - Each Monday"]["frequency"] == "every Monday at 08:00"
    document = reception.ask("alice", "get_workflow", workflow=weekly)["document"]
    assert document["trigger"] == {"type": "schedule", **trigger}


def test_after_three_silent_intervals_the_scheduler_is_said_to_be_down(
    reception: Reception, clock: Clock
) -> None:
    beat(reception.installation.worker)
    clock.advance(seconds=180)
    assert reception.ask("vera", "get_scheduler")["status"] == "up"
    clock.advance(seconds=1)
    told = reception.ask("vera", "get_scheduler")
    assert (told["ok"], told["status"]) == (False, "scheduler down")
    assert "more than 3 intervals of 60 seconds ago" in told["why"]
    assert reception.ask("vera", "list_alerts")["health"]["scheduler"]["why"] == told["why"]
    page = browser_of(reception.installation, "vera").get("/planner").text
    assert "Scheduler down" in page


def test_one_that_lives_but_leaves_schedules_lying_is_down_too(
    reception: Reception, clock: Clock
) -> None:
    reception.approved(**DAILY)
    clock.advance(days=1, minutes=5)
    beat(reception.installation.worker)
    told = reception.ask("vera", "get_scheduler")
    assert (told["status"], "has not been started" in told["why"]) == ("scheduler down", True)
    reception.installation.worker.work()
    assert reception.ask("vera", "get_scheduler")["ok"] is True


def test_the_page_switches_off_and_on_and_sends_another_frequency_for_review(
    reception: Reception,
) -> None:
    daily = reception.approved(**DAILY)
    installation: Installation = reception.installation
    author = browser_of(installation, "alice")
    page = author.get("/planner").text
    for word in ("Invoices - Each morning", "every day at 09:00", f"/workflows/{daily}/pause"):
        assert word in page
    wrong = author.post(f"/planner/{daily}", data={"every": "week", "at": "9"})
    assert (wrong.status_code, "is not a time of day" in wrong.text) == (422, True)
    sent = author.post(f"/planner/{daily}", data={"every": "hour", "at": "09:00"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/reviews/2")
    assert "hourly" in author.get("/reviews/2").text
    author.post(f"/workflows/{daily}/pause", data={"running": "hold"})
    assert "Resume" in author.get("/planner").text
    assert "Switch o" not in browser_of(installation, "vera").get("/planner").text


def test_a_company_that_moves_takes_its_schedules_along(reception: Reception, clock: Clock) -> None:
    reception.approved(**DAILY)
    clock.advance(hours=6)
    reception.installation.worker.work()
    admin = browser_of(reception.installation, "root")
    form = {
        "timezone": "America/New_York", "country": "US", "subdivision": "NY",
        "working_weekdays": ["mon", "tue", "wed", "thu", "fri"], "holidays": "2026-03-11",
        "scheduled_limit": "5",
    }  # fmt: skip
    answer = admin.post("/system/calendar", data={**form, "timezone": "Atlantis", "holidays": "x"})
    assert answer.status_code == 422
    for told in ("There is no time zone “Atlantis”", "“x” is not a date"):
        assert told in answer.text
    assert planned(reception)["Invoices - Each morning"]["next_at"] == "2026-03-11T08:00:00+00:00"
    assert admin.post("/system/calendar", data=form).status_code == 303
    # The 11th is a day off now, and 9 o'clock in New York is 13:00 UTC.
    assert planned(reception)["Invoices - Each morning"]["next_at"] == "2026-03-12T13:00:00+00:00"
    kept = reception.ask("vera", "get_calendar")
    assert (kept["timezone"], kept["holidays"]) == ("America/New_York", ["2026-03-11"])


def test_only_an_admin_changes_the_calendar(reception: Reception) -> None:
    answer = browser_of(reception.installation, "alice").get("/system/calendar")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("given", "trigger"),
    [
        ({"every": "half_hour", "at": "09:00"}, {"every": "half_hour"}),
        (
            {"every": "month", "at": "09:00", "nth_weekday": "2 tue", "on_missing_day": "skip"},
            {
                "every": "month",
                "at": "09:00",
                "nth_weekday": {"nth": 2, "weekday": "tue"},
                "on_missing_day": "skip",
            },
        ),
        (
            {"every": "month", "at": "09:00", "days": "1, 15, last", "date": "2026-01-01"},
            {"every": "month", "at": "09:00", "days": [1, 15, "last"]},
        ),
        ({"every": "cron", "cron": "0 9 * * 1-5", "at": "10:00"}, {"cron": "0 9 * * 1-5"}),
    ],
)
def test_the_answers_of_the_form_become_a_schedule(
    reception: Reception, given: dict[str, str], trigger: dict[str, Any]
) -> None:
    daily = reception.approved(**DAILY)
    author = browser_of(reception.installation, "alice")
    assert author.post(f"/planner/{daily}", data=given).status_code == 303
    document = reception.ask("alice", "get_workflow", workflow=daily)["document"]
    assert document["trigger"] == {"type": "schedule", **trigger}


def test_another_frequency_does_not_send_an_unfinished_draft_for_review(
    reception: Reception,
) -> None:
    daily = reception.approved(**DAILY)
    reception.ask(
        "alice", "draft_workflow", document={**REMIND, **DAILY, "steps": []}, workflow=daily
    )
    reception.drafted()
    author = browser_of(reception.installation, "alice")
    answer = author.post(f"/planner/{daily}", data={"every": "hour"})
    assert (answer.status_code, "does nothing yet" in answer.text) == (422, True)
    reception.ask("alice", "draft_workflow", document={**REMIND, **DAILY}, workflow=daily)
    answer = author.post(f"/planner/{daily}", data={"every": "hour"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/workflows/{daily}")
