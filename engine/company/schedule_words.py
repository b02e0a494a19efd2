"""The words for a schedule: how one says "every second", "the 7th" and "14 July"."""

import datetime as dt
import re
from typing import Literal

from cronsim import CronSim

from engine.phrases import mark, mark_count, month_name, say, say_count, weekday_name, worded

Unit = Literal["day", "week", "month", "year"]
PLACES = {
    1: mark("first"),
    2: mark("second"),
    3: mark("third"),
    4: mark("fourth"),
    5: mark("fifth"),
}
SUFFIXED = {
    0: mark("{number}th"),
    1: mark("{number}st"),
    2: mark("{number}nd"),
    3: mark("{number}rd"),
}
EVERY = {
    "day": (
        mark("every day"),
        mark("every {place} day"),
        mark_count("every {count} day", "every {count} days"),
    ),
    "week": (
        mark("every week"),
        mark("every {place} week"),
        mark_count("every {count} week", "every {count} weeks"),
    ),
    "month": (
        mark("every month"),
        mark("every {place} month"),
        mark_count("every {count} month", "every {count} months"),
    ),
    "year": (
        mark("every year"),
        mark("every {place} year"),
        mark_count("every {count} year", "every {count} years"),
    ),
}
_NUMBERED = re.compile(r"\b(\d+)th\b")
_STEPPED = re.compile(r"(every (?!day)\w+ day of the month)(?! from)")
_EITHER = re.compile(r" and on (.+?)(?: in ((?:every \w+ month|[A-Z][a-z]{2,}).*))?$")


def cron_words(cron: str) -> str:
    """What cron does: of a day of the month and one of the week, either is enough."""
    words = CronSim(cron, dt.datetime.min).explain()
    words = _NUMBERED.sub(lambda number: suffixed(int(number[1])), words[0].lower() + words[1:])
    words = words.replace("day of month", "day of the month")
    words = _STEPPED.sub(r"\1, counted from the 1st", words).replace(" if it's on", ", if it is on")
    days, weekdays = cron.split()[2], cron.split()[4]
    if not (days.startswith("*") or weekdays.startswith("*")):
        words = _EITHER.sub(_also, words)
    skips = days.isdecimal() and int(days) > 28 and weekdays == "*"
    return f"{words}, where there is such a day" if skips else words


def _also(rest: re.Match[str]) -> str:
    """What cron has behind its days of the month: weekdays, and the months that all of it is in."""
    weekdays, months = rest.groups()
    every = "" if weekdays.startswith(("the ", "every ")) else "every "
    return f", and also on {every}{weekdays}{f', both in {months}' if months else ''}"


def every(interval: int, unit: Unit) -> str:
    """ "every day", "every second day"; past the fifth, "every 6 days"."""
    each, placed, several = EVERY[unit]
    if interval == 1:
        return say(each)
    if interval in PLACES:
        return say(placed, place=worded(PLACES[interval]))
    return say_count(*several, interval)


def nth(n: int, one: str, last: str, from_end: str, **slots: str) -> str:
    """One of several, counted from the start or, below zero, from the end."""
    if n == -1:
        return say(last, **slots)
    place = worded(PLACES[abs(n)]) if abs(n) in PLACES else suffixed(abs(n))
    return say(from_end if n < 0 else one, place=place, **slots)


def suffixed(n: int) -> str:
    ending = 0 if 10 < n % 100 < 14 else n % 10
    return say(SUFFIXED.get(ending, SUFFIXED[0]), number=n)


def spoken(month: int, day: int) -> str:
    """ "14 July"."""
    return say("{day} {month}", day=day, month=month_name(month))


def dated(day: dt.date) -> str:
    """ "Monday 9 March 2026"."""
    date = spoken(day.month, day.day)
    return say(
        "{weekday} {date} {year}", weekday=weekday_name(day.weekday()), date=date, year=day.year
    )
