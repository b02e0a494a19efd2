"""The company's clock and calendar as an admin writes them: time zone, working days, holidays."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from engine.company.calendar import DaysOff
from engine.company.company import Company
from engine.company.schedule_checks import WEEKDAYS, date_problems, weekday_problem, zone_problems
from engine.problems import BadValue, Invalid, Problem

KEYS = ("timezone", "country", "subdivision", "working_weekdays", "holidays", "scheduled_limit")
MOST = 10_000


def with_calendar(company: Company, given: Mapping[str, Any]) -> Company:
    """The company with another clock and calendar. Raises `Invalid` with all that is wrong.

    Days of the week are named (`mon`), holidays are dates; a country is its two letters.
    """
    wanted = {**{key: getattr(company, key) for key in KEYS}, **given}
    wanted["country"] = (wanted["country"] or "").strip().upper() or None
    wanted["subdivision"] = (wanted["subdivision"] or "").strip() or None
    if problems := list(_problems(wanted, given)):
        raise Invalid(*problems)
    if "working_weekdays" in given:
        named = {WEEKDAYS.index(name) for name in given["working_weekdays"]}
        wanted["working_weekdays"] = tuple(sorted(named))
    if "holidays" in given:
        wanted["holidays"] = tuple(sorted({date.fromisoformat(day) for day in given["holidays"]}))
    # Made anew: a copy would keep the calendar that the old company has worked out.
    return Company.model_validate({**company.model_dump(), **wanted})


def _problems(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Problem]:
    for _, message, remedy in zone_problems(wanted["timezone"]):
        yield Problem("timezone", message, remedy)
    try:
        DaysOff(wanted["country"], wanted["subdivision"])
    except BadValue as bad:
        path = "subdivision" if "subdivision" in given and wanted["subdivision"] else "country"
        yield Problem(path, bad.message, bad.remedy)
    yield from _weekdays(given.get("working_weekdays"))
    for place, text in enumerate(given.get("holidays", ())):
        for path, message, remedy in date_problems(f"holidays.{place}", text):
            yield Problem(path, message, remedy)
    if not 0 <= wanted["scheduled_limit"] <= MOST:
        message = f"a limit of {wanted['scheduled_limit']} scheduled workflows is none."
        yield Problem("scheduled_limit", message, f"Write a number from 0 to {MOST:,}.")


def _weekdays(names: Sequence[str] | None) -> Iterator[Problem]:
    if names is not None and not names:
        message = "a company without a working day would never do anything."
        yield Problem("working_weekdays", message, "Choose one day at least.")
    for place, name in enumerate(names or ()):
        for path, message, remedy in weekday_problem(f"working_weekdays.{place}", name):
            yield Problem(path, message, remedy)
