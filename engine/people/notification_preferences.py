"""How a user wants to hear of things: in Sayso, by mail at once, or by one mail a day."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.problems import BadValue

Way = Literal["bell", "email", "digest"]
MORNING = time(8)
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Notice:
    """One way in which one user is told, and when a mail about it is to be sent."""

    user: str
    way: Way
    send_at: datetime | None = None


def ways(user: str, wishes: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> Iterator[Notice]:
    """How this user is told. A digest takes the place of single mails."""
    if wishes.get("notify_bell") is not False:
        yield Notice(user, "bell")
    if not wishes.get("email"):
        return
    if wishes.get("notify_digest"):
        yield Notice(user, "digest", next_digest(wishes, now, zone))
    elif wishes.get("notify_email"):
        yield Notice(user, "email", now)


def next_digest(wishes: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> datetime:
    """The next time of day that the user has chosen, by the clock where the user is."""
    there = own_zone(wishes, zone)
    at = clock(str(wishes.get("digest_at") or "")) or MORNING
    day = now.astimezone(there).date()
    today = datetime.combine(day, at, there)
    return today if today > now else datetime.combine(day + timedelta(days=1), at, there)


def own_zone(wishes: Mapping[str, Any], zone: ZoneInfo) -> ZoneInfo:
    """The user's own time zone; the company's where that is none."""
    try:
        return ZoneInfo(str(wishes.get("timezone") or zone.key))
    except (ZoneInfoNotFoundError, ValueError):
        return zone


def clock(text: str) -> time | None:
    """A time of day as people write it, 07:30."""
    found = CLOCK.fullmatch(text.strip())
    return time(int(found[1]), int(found[2])) if found else None


def wished(text: str) -> str:
    """A time of day as it is kept. Raises `BadValue`."""
    if (found := clock(text)) is None:
        raise BadValue(f"`{text}` is no time of day.", "Write it like 07:30.")
    return found.isoformat("minutes")
