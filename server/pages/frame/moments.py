"""Moments and spans of time as people read them, in the company's time zone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from engine.records.transaction import Transaction
from engine.schema.english import count
from server.pages.frame.views import When

NEVER: When = {"iso": "", "text": "", "ago": ""}
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def moment(tx: Transaction, at: datetime | None, none: str = "") -> When:
    """A moment in absolute words and as seen from now; `none` stands for no moment."""
    if at is None:
        return {"iso": "", "text": none, "ago": none}
    local = at.astimezone(tx.company.calendar.timezone)
    return {"iso": local.isoformat(), "text": stamp(local), "ago": ago(at - tx.now)}


def coming(tx: Transaction, dates: Iterable[datetime]) -> str:
    """The next times of a schedule: "Mon 16 Mar 2026, 08:00 · Mon 23 Mar 2026, 08:00"."""
    local = (at.astimezone(tx.company.calendar.timezone) for at in dates)
    return " · ".join(f"{at:%a} {stamp(at)}" for at in local)


def stamp(local: datetime) -> str:
    """A local time: "10 Mar 2026, 09:00"."""
    return f"{local.day} {local:%b %Y, %H:%M}"


def ago(distance: timedelta) -> str:
    """How far away a moment is, in the words that the browser will use too."""
    seconds = distance.total_seconds()
    for unit, size in UNITS:
        if abs(seconds) >= size - 0.5:
            return _relative(round(seconds / size), unit)
    return "in a moment" if seconds > 0 else "just now"


def took(start: datetime, end: datetime | None, now: datetime) -> str:
    """How long something took, or has taken until now."""
    seconds = max(((end or now) - start).total_seconds(), 0)
    if seconds < 0.05:
        return "at once"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for size, unit, most in ((60, "min", 3600), (3600, "h", 2 * 86400)):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def _relative(number: int, unit: str) -> str:
    near = {("day", -1): "yesterday", ("day", 1): "tomorrow"}
    if (unit, number) in near:
        return near[unit, number]
    words = count(abs(number), unit)
    return f"in {words}" if number > 0 else f"{words} ago"
