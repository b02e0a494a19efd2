"""What can be wrong with the parts of a schedule: the key, what is wrong, and what to do."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from functools import cache
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

from engine.problems import suggest

Finding = tuple[str, str, str]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAP_YEAR = 2024
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def time_problems(at: str | None) -> Iterator[Finding]:
    if at is not None and not _TIME.fullmatch(at):
        hour, _, minute = at.strip().partition(":")
        padded = f"{hour:0>2}:{minute or '00'}"
        meant = padded if _TIME.fullmatch(padded) else "09:00"
        yield "at", f"`{at}` is not a time of day.", f'Write hours and minutes, such as "{meant}".'


def weekday_problems(names: Sequence[str] | None) -> Iterator[Finding]:
    if names is not None and not names:
        yield "weekdays", "It names no day.", 'Write some, such as ["mon", "thu"].'
    for position, name in enumerate(names or ()):
        yield from weekday_problem(f"weekdays.{position}", name)


def weekday_problem(path: str, name: str) -> Iterator[Finding]:
    if name not in WEEKDAYS:
        short = name.strip().casefold()[:3]
        yield path, f"There is no weekday `{name}`.", suggest(short, WEEKDAYS, "Weekdays")


def day_problems(days: Sequence[int | str]) -> Iterator[Finding]:
    if not days:
        yield "days", "It names no day.", 'Write some, such as [1, 15, "last"].'
    for position, day in enumerate(days):
        if day != "last" and not (isinstance(day, int) and 1 <= day <= 31):
            remedy = 'Write a number from 1 to 31, or "last".'
            yield f"days.{position}", f"No month has a day {day!r}.", remedy


def date_problems(path: str, text: str | None) -> Iterator[Finding]:
    if text is not None and not _is_date(text):
        yield path, f"`{text}` is not a date.", "Write year, month and day, such as `2026-07-14`."


def yearly_problems(dates: Sequence[str] | None) -> Iterator[Finding]:
    if dates is not None and not dates:
        yield "dates", "It names no day.", 'Write some, such as ["07-14"].'
    for position, text in enumerate(dates or ()):
        if not _is_date(f"{LEAP_YEAR}-{text}"):
            message = f"`{text}` is not a day of the year."
            yield f"dates.{position}", message, "Write month and day, such as `07-14` for 14 July."


def cron_problems(cron: str | None) -> Iterator[Finding]:
    if cron is None:
        return
    if len(cron.split()) != 5:
        message = f"`{cron}` has not five fields."
    else:
        try:
            CronSim(cron, dt.datetime.min)
            return
        except CronSimError as error:
            message = f"`{cron}` is not a schedule: {str(error).lower()}."
    remedy = "Write minute, hour, day of the month, month and day of the week, such as `0 8 * * 1`."
    yield "cron", message, remedy


def zone_problems(name: str | None) -> Iterator[Finding]:
    if name is None or name in _zone_names():
        return
    city = name.strip().replace(" ", "_").casefold()
    found = [zone for zone in _zone_names() if zone.casefold().endswith(f"/{city}")]
    meant = {name.casefold(): found[0]} if found else {}
    remedy = suggest(name, _zone_names(), "Such as", meant)
    yield "timezone", f"There is no time zone `{name}`.", remedy


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
