"""Windows: open from one half hour to another, both included, over midnight, on some days."""

from datetime import UTC, datetime, time

import pytest

from engine.blocks.checking import Checking
from engine.company.calendar import Calendar
from engine.company.windows import Window
from engine.conditions import Binder
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.workflows.checks import check
from engine.workflows.workflow import Workflow

PARIS = Calendar.of("Europe/Paris", country="FR")


def local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=PARIS.timezone)


def opens(window: dict[str, object], moment: str) -> str:
    """ "open", or when it opens."""
    found = Window.model_validate(window).opens(local(moment), PARIS)
    return "open" if found is None else f"{found.astimezone(PARIS.timezone):%Y-%m-%d %H:%M}"


SCHEMA = Schema(Module.model_validate(each) for each in starter("modules"))
NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
CHECKING = Checking(Binder(SCHEMA, SCHEMA.module("invoices"), NOW, PARIS))
PAID = {"field": "status", "op": "equals", "value": "Paid"}
DAY = {"from": "08:00", "to": "18:00"}
NIGHT = {"from": "22:00", "to": "06:00"}
WORKING = {**DAY, "days": "working_days"}
FRIDAY_NIGHT = {**NIGHT, "days": ["fri"]}


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        (DAY, "2026-03-10T07:59", "2026-03-10 08:00"),
        (DAY, "2026-03-10T08:00", "open"),
        (DAY, "2026-03-10T18:00:59", "open"),
        (DAY, "2026-03-10T18:01", "2026-03-11 08:00"),
        (NIGHT, "2026-03-10T23:30", "open"),
        (NIGHT, "2026-03-10T06:00", "open"),
        (NIGHT, "2026-03-10T12:00", "2026-03-10 22:00"),
        (WORKING, "2026-04-03T17:00", "open"),
        # Good Friday is worked in most of France; Easter Monday is not.
        (WORKING, "2026-04-03T18:30", "2026-04-07 08:00"),
        (WORKING, "2026-04-06T12:00", "2026-04-07 08:00"),
        # The small hours of Saturday belong to the night that began on Friday.
        (FRIDAY_NIGHT, "2026-03-14T05:00", "open"),
        (FRIDAY_NIGHT, "2026-03-13T05:00", "2026-03-13 22:00"),
        (FRIDAY_NIGHT, "2026-03-14T22:30", "2026-03-20 22:00"),
        # Opens at the next minute that the clocks show.
        ({"from": "02:30", "to": "05:00"}, "2026-03-29T01:00", "2026-03-29 03:00"),
        ({"from": "02:00", "to": "03:00"}, "2026-10-25T02:30", "open"),
    ],
)
def test_a_window_is_open_or_tells_when_it_opens(
    window: dict[str, object], moment: str, expected: str
) -> None:
    assert opens(window, moment) == expected


def test_the_hour_that_comes_twice_is_open_both_times() -> None:
    window = Window.model_validate({"from": "02:00", "to": "03:00"})
    moment = local("2026-10-25T02:30")
    assert [window.holds(moment.replace(fold=fold), PARIS) for fold in (0, 1)] == [True, True]


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (DAY, "between 08:00 and 18:00"),
        (NIGHT, "between 22:00 and 06:00 the next day"),
        (WORKING, "between 08:00 and 18:00 on working days"),
        ({**DAY, "days": ["tue", "mon"]}, "between 08:00 and 18:00 on Monday and Tuesday"),
    ],
)
def test_it_is_told_in_words(window: dict[str, object], words: str) -> None:
    assert Window.model_validate(window).words() == words


@pytest.mark.parametrize(
    ("window", "path", "message"),
    [
        ({"from": "8:00", "to": "18:00"}, "from", "`8:00` is no time at which"),
        ({"from": "08:00", "to": "08:30"}, "to", "from 08:00 to 08:30 is less than an hour."),
        ({"from": "08:00", "to": "08:00"}, "to", "from 08:00 to 08:00 is less than an hour."),
        ({**DAY, "days": "weekdays"}, "days", "`weekdays` is no day it could open on."),
        ({**DAY, "days": []}, "days", "it names no day."),
    ],
)
def test_what_makes_no_sense_is_told(window: dict[str, object], path: str, message: str) -> None:
    (problem,) = Window.model_validate(window).problems()
    assert (problem.path, problem.message[: len(message)]) == (path, message)


@pytest.mark.parametrize(
    ("window", "clock", "shown"),
    [
        (DAY, "08:00", True),
        (DAY, "18:00", True),
        (DAY, "18:01", False),
        (NIGHT, "23:00", True),
        (NIGHT, "05:59", True),
        (NIGHT, "12:00", False),
        ({"from": "09:00", "to": "09:00"}, "09:00", True),
        ({"from": "09:00", "to": "09:00"}, "09:01", False),
    ],
)
def test_a_window_shows_a_time_of_day(window: dict[str, object], clock: str, shown: bool) -> None:
    assert Window.model_validate(window).shows(time.fromisoformat(clock)) is shown


@pytest.mark.parametrize(
    ("window", "at", "refused"),
    [
        ({"from": "09:00", "to": "12:00"}, "15:00", True),
        ({"from": "09:00", "to": "12:00"}, "12:00", False),
        ({"from": "22:00", "to": "06:00"}, "15:00", True),
        (None, "15:00", False),
        ({"from": "9", "to": "12:00"}, "15:00", False),  # what is wrong there is the window
    ],
)
def test_T8_a_message_at_a_time_outside_the_window_is_refused(
    window: dict[str, object] | None, at: str, refused: bool
) -> None:
    step = {"id": "m", "type": "send_email", "to": ["x@y.test"], "subject": "S", "body": "B"}
    document = {
        "name": "W",
        "module": "invoices",
        "trigger": {"type": "record_created"},
        "steps": [{"id": "a", "type": "if", "conditions": PAID, "then": [{**step, "at": at}]}],
        **({"window": window} if window else {}),
    }
    found = [
        each for each in check(Workflow.model_validate(document), CHECKING) if "at" in each.path
    ]
    told = [(each.path, each.message.rpartition(", and ")[2]) for each in found]
    assert told == ([("steps.0.then.0.at", f"{at} is outside.")] if refused else [])
