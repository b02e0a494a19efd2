"""R44: with a limit of 2 scheduled workflows the third is refused, and told what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.problems import Invalid
from server.operations.calendars import change_calendar
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.reception import Reception, furnish, opened

DAILY: dict[str, Any] = {"trigger": {"type": "schedule", "every": "day", "at": "09:00"}}
REFUSED = "the company's limit is 2 scheduled workflows, and there are 2 of them active."
REMEDY = "Switch one of them off, or ask an admin to raise the limit (System, Calendar)."


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with opened(template_database("reception", furnish), clock, tmp_path) as found:
        change_calendar(found.desk("root"), {"scheduled_limit": 2})
        yield found


def problems(reception: Reception, workflow: int) -> list[tuple[str, str, str]]:
    found = reception.ask("alice", "get_workflow", workflow=workflow)["problems"]
    return [(each["path"], each["message"], each["remedy"]) for each in found]


def test_the_third_is_refused_when_it_is_drafted_and_when_it_is_submitted(
    reception: Reception,
) -> None:
    reception.approved(**DAILY)
    reception.approved(**DAILY)
    third = reception.drafted(**DAILY)
    assert problems(reception, third["workflow"]) == [("trigger", REFUSED, REMEDY)]
    with pytest.raises(Invalid, match="limit is 2 scheduled workflows"):
        reception.approved(**DAILY)


def test_what_is_no_schedule_or_is_one_of_the_two_has_room(reception: Reception) -> None:
    first = reception.approved(**DAILY)
    reception.approved(**DAILY)
    reception.approved()
    document = reception.ask("alice", "get_workflow", workflow=first)["document"]
    again = reception.ask("alice", "draft_workflow", document=document, workflow=first)
    assert problems(reception, again["workflow"]) == []


def test_only_active_ones_count_and_one_that_comes_back_may_find_no_room(
    reception: Reception,
) -> None:
    first = reception.approved(**DAILY)
    reception.approved(**DAILY)
    reception.ask("alice", "toggle_workflow", workflow=first, active=False)
    reception.approved(**DAILY)
    with pytest.raises(Invalid, match="limit is 2 scheduled workflows"):
        reception.ask("alice", "toggle_workflow", workflow=first, active=True)
    change_calendar(reception.desk("root"), {"scheduled_limit": 3})
    told = reception.ask("alice", "toggle_workflow", workflow=first, active=True)
    assert told["state"] == "active"
    assert reception.ask("alice", "list_schedules")["active"] == 3
