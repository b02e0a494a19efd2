"""Days and times as people write them, and what they mean on the clocks of one time zone.

The one place where a time that names no zone is given one.
"""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any


def as_written(raw: Any) -> date | datetime | None:
    """The day or the time, with a zone or without one, that stands there; None if neither does."""
    if isinstance(raw, str):
        return _parsed(date, raw) or _parsed(datetime, raw)
    return raw if isinstance(raw, date) else None


def read_day(raw: Any, zone: tzinfo) -> date | None:
    """The day that is meant; None if this is neither a day nor a time.

    A day stays what it is, and a time in full is of the day that is written. A moment in UTC, as
    records hold them, is of the day that it is in the zone.
    """
    known = as_written(raw)
    if not isinstance(known, datetime):
        return known
    if isinstance(raw, datetime) and raw.tzinfo is UTC:
        with suppress(OverflowError):
            return known.astimezone(zone).date()
    return known.date()


def read_moment(raw: Any, zone: tzinfo) -> datetime | None:
    """The moment that is meant, in UTC; of a day the first. None if no calendar has it."""
    try:
        match as_written(raw):
            case datetime(tzinfo=None) as shown:
                return moment_of(shown.date(), shown.time(), zone)
            case datetime() as moment:
                return moment.astimezone(UTC)
            case date() as day:
                return moment_of(day, time(), zone)
    except OverflowError:
        pass
    return None


def moment_of(day: date, at: time, zone: tzinfo) -> datetime:
    """When the clocks of the zone show that time of that day, in UTC.

    Where they skip it, the next minute they show; where they show it twice, the first.
    """
    local = datetime.combine(day, at.replace(tzinfo=None, fold=0), zone)
    if not _exists(local):
        local = local.replace(second=0, microsecond=0)
    while not _exists(local):
        local += timedelta(minutes=1)
    return local.astimezone(UTC)


def _exists(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(local.tzinfo) == local


def _parsed(kind: type[date], text: str) -> date | None:
    try:
        return kind.fromisoformat(text.strip())
    except ValueError:
        return None
