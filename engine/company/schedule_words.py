"""The words for a schedule: how one says "every second", "the 7th" and "14 July"."""

import datetime as dt
from calendar import month_name

from cronsim import CronSim

ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def cron_words(cron: str) -> str:
    words = CronSim(cron, dt.datetime.min).explain()
    return words[0].lower() + words[1:]


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
