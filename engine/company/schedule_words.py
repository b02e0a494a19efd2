"""The words for a schedule: how one says "every second", "the 7th" and "14 July"."""

import datetime as dt
import re
from calendar import day_name, month_name

from cronsim import CronSim

ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
_NUMBERED = re.compile(r"\b(\d+)th\b")
_STEPPED = re.compile(r"(every (?!day)\w+ day of the month)(?! from)")
_EITHER = re.compile(r" and on (.+?)(?: in ((?:every \w+ month|[A-Z][a-z]{2,}).*))?$")


def cron_words(cron: str) -> str:
    """What cron does: of a day of the month and one of the week, either is enough."""
    words = CronSim(cron, dt.datetime.min).explain()
    words = _NUMBERED.sub(lambda number: suffixed(int(number[1])), words[0].lower() + words[1:])
    words = words.replace("day of month", "day of the month")
    words = _STEPPED.sub(r"\1, counted from the 1st", words)
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


def every(interval: int, what: str) -> str:
    """ "every day", "every second day"; past the fifth, "every 6 days"."""
    if interval == 1:
        return f"every {what}"
    if interval in ORDINALS:
        return f"every {ORDINALS[interval]} {what}"
    return f"every {interval} {what}s"


def counted(n: int) -> str:
    """ "the first ", "the 7th ", "the last ", "the second to last "."""
    if n == -1:
        return "last "
    place = ORDINALS.get(abs(n), suffixed(abs(n)))
    return f"{place} to last " if n < 0 else f"{place} "


def suffixed(n: int) -> str:
    ending = "th" if 10 < n % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def spoken(month: int, day: int) -> str:
    return f"{day} {month_name[month]}"


def dated(day: dt.date) -> str:
    """ "Monday 9 March 2026"."""
    return f"{day_name[day.weekday()]} {spoken(day.month, day.day)} {day.year}"
