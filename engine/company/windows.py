"""The hours in which a workflow may begin and write to people: its window, in the company's day."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.company.calendar import Calendar
from engine.company.schedule import WEEKDAYS, Recurring
from engine.phrases import listed, mark, say, weekday_name
from engine.problems import Problem, suggest

WORKING_DAYS = "working_days"
_HALF_HOUR = re.compile(r"([01]\d|2[0-3]):[03]0", re.ASCII)
_DAY = 24 * 60
_SHORTEST = 60  # minutes
_FURTHEST = 3660  # days to look ahead: a company that never opens has nothing to wait for
_LOOKS = 1500  # at the occasions of a schedule, or at days on which the window opens


class Window(BaseModel):
    """From one half hour to another, both included; one that ends before it begins ends next day.

    `days` are those on which it opens: the small hours of a window over midnight belong to the day
    before. Without `days` it opens every day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", description="It opens then, like 08:00; full or half hours.")
    to: str = Field(description="It closes after then, like 18:00; before `from`: the next day.")
    days: tuple[str, ...] | None = Field(
        None, description='On which days it opens: "working_days", or ["mon", "tue"].'
    )

    @field_validator("days", mode="before")
    @classmethod
    def _one_word(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    def opens(self, now: datetime, calendar: Calendar) -> datetime | None:
        """When it is open next, in UTC; None if it is open now."""
        local = now.astimezone(calendar.timezone)
        today = local.date()
        minute = local.replace(second=0, microsecond=0, tzinfo=None)
        for day in (today - timedelta(days=1), today):
            first, last = self._bounds(day)
            if first <= minute <= last and self.opens_on(day, calendar):
                return None
        return self._next(now, today, calendar)

    def holds(self, now: datetime, calendar: Calendar) -> bool:
        """Whether it is open then."""
        return self.opens(now, calendar) is None

    def shows(self, clock: time) -> bool:
        """Whether it is open at this time of day, on a day on which it opens."""
        first, last = time.fromisoformat(self.from_), time.fromisoformat(self.to)
        within = first <= clock, clock <= last
        return any(within) if last < first else all(within)

    def words(self) -> str:
        """As one says it: "between 08:00 and 18:00 on working days"."""
        over_night = mark("between {first} and {last} the next day")
        told = over_night if self.to < self.from_ else mark("between {first} and {last}")
        hours = say(told, first=self.from_, last=self.to)
        if self.days is None:
            return hours
        return say("{hours} on {days}", hours=hours, days=listed(self._day_words()))

    def problems(self) -> Iterator[Problem]:
        """What makes no sense here."""
        ends = {"from": self.from_, "to": self.to}
        wrong = {key: at for key, at in ends.items() if not _HALF_HOUR.fullmatch(at)}
        for key, at in wrong.items():
            remedy = "Write full or half hours, such as 08:00 or 17:30."
            yield Problem(key, f"`{at}` is no time at which a window opens or closes.", remedy)
        if not wrong and self._length() < _SHORTEST:
            message = f"from {self.from_} to {self.to} is less than an hour."
            yield Problem("to", message, "Leave at least an hour between `from` and `to`.")
        yield from self._day_problems()

    def _next(self, now: datetime, today: date, calendar: Calendar) -> datetime:
        opening = time.fromisoformat(self.from_)
        for ahead in range(_FURTHEST):
            day = today + timedelta(days=ahead)
            if self.opens_on(day, calendar) and (at := calendar.at(day, opening)) > now:
                return at
        return calendar.at(today + timedelta(days=_FURTHEST), opening)

    def _bounds(self, day: date) -> tuple[datetime, datetime]:
        """The first and the last minute of the window that opens on a day, as clocks show them."""
        later = timedelta(days=self.to < self.from_)
        first = datetime.combine(day, time.fromisoformat(self.from_))
        return first, datetime.combine(day + later, time.fromisoformat(self.to))

    def opens_on(self, day: date, calendar: Calendar) -> bool:
        """Whether that is one of its days."""
        if self.days is None or WEEKDAYS[day.weekday()] in self.days:
            return True
        return WORKING_DAYS in self.days and calendar.is_working_day(day)

    def _length(self) -> int:
        first, last = (int(at[:2]) * 60 + int(at[3:]) for at in (self.from_, self.to))
        return (last - first) % _DAY

    def _day_words(self) -> Iterator[str]:
        if WORKING_DAYS in (self.days or ()):
            yield say("working days")
        yield from (
            weekday_name(place) for place, key in enumerate(WEEKDAYS) if key in (self.days or ())
        )

    def _day_problems(self) -> Iterator[Problem]:
        if self.days == ():
            remedy = 'Leave `days` out, or write some, such as ["mon", "tue"].'
            yield Problem("days", "it names no day.", remedy)
        for name in self.days or ():
            if name not in (*WEEKDAYS, WORKING_DAYS):
                short = name.strip().casefold()[:3]
                known = short if short in WEEKDAYS else name
                remedy = suggest(known, (WORKING_DAYS, *WEEKDAYS), "There are")
                yield Problem("days", f"`{name}` is no day it could open on.", remedy)


def next_inside(
    rule: Recurring, window: Window | None, after: datetime, calendar: Calendar
) -> datetime | None:
    """The first occasion strictly after that moment while the window is open; None if none is."""
    occasion = rule.next_after(after, calendar)
    for _ in range(_LOOKS):
        if occasion is None or window is None:
            return occasion
        opening = window.opens(occasion, calendar)
        if opening is None:
            return occasion
        # Nothing between here and the opening can be inside: look from there on.
        occasion = rule.next_after(opening - timedelta(microseconds=1), calendar)
    return None


def next_dates(
    rule: Recurring, window: Window | None, now: datetime, calendar: Calendar, number: int = 3
) -> list[datetime]:
    """The next occasions while the window is open, in UTC; fewer where there are no more."""
    found: list[datetime] = []
    at = next_inside(rule, window, now, calendar)
    while at is not None and len(found) < number:
        found.append(at)
        at = next_inside(rule, window, at, calendar)
    return found
