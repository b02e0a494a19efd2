"""When a schedule falls due: the next occasion after a moment, the rule in words, what is wrong with it."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim
from pydantic import BaseModel, ConfigDict

from engine.calendar import Calendar, day_or_last

Finding = tuple[str, str, str]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY_NAMES = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
MISSING_DAY = ("last_day", "skip")
REPEATED = frozenset({"at", "interval", "anchor"})
MONTH_DAYS = ("days", "working_day", "nth_weekday")
KEYS: Mapping[str, frozenset[str]] = {
    "hour": frozenset(),
    "day": REPEATED,
    "week": REPEATED | {"weekdays"},
    "month": REPEATED | {"on_missing_day", *MONTH_DAYS},
    "year": REPEATED | {"on_missing_day", "dates"},
    "once": frozenset({"at", "date"}),
}

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_HORIZON_YEARS = 50
_LEAP_YEAR = 2024
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}


class NthWeekday(BaseModel):
    """The second Tuesday of a month: nth 2, weekday tue. -1 is the last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nth: int
    weekday: str


class Recurring(BaseModel):
    """When something happens again and again, or once.

    An occasion is a local time: where the clocks skip it, it falls on the next minute they show;
    where they show it twice, on the first. Nothing happens before the anchor. Words and occasions
    are those of a schedule without problems; one with problems has no occasions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: str | None = None
    at: str | None = None
    weekdays: tuple[str, ...] | None = None
    interval: int = 1
    anchor: str | None = None
    days: tuple[int | str, ...] | None = None
    on_missing_day: str = "last_day"
    working_day: int | None = None
    nth_weekday: NthWeekday | None = None
    dates: tuple[str, ...] | None = None
    date: str | None = None
    cron: str | None = None
    timezone: str | None = None

    def next_after(self, after: dt.datetime, calendar: Calendar) -> dt.datetime | None:
        """The first occasion strictly after that moment, in UTC; None if none comes in 50 years."""
        return next(self._moments(after, calendar), None)

    def occasions(
        self, start: dt.datetime, end: dt.datetime, calendar: Calendar
    ) -> Iterator[dt.datetime]:
        """Every occasion after `start`, up to and including `end`, each once and in order."""
        return takewhile(lambda moment: moment <= end, self._moments(start, calendar))

    def past(self, now: dt.datetime, calendar: Calendar) -> bool:
        """Whether this was to happen once, and that moment is gone."""
        if self.every != "once" or any(self.problems()):
            return False
        return self.next_after(now, calendar) is None

    def words(self, calendar: Calendar) -> str:
        """As one says it: "every second Monday at 08:00". Names the time zone if not the company's."""
        if any(self.problems()):
            return "on a schedule that has to be corrected"
        elsewhere = self.timezone not in (None, calendar.timezone.key)
        zone = f" ({self.timezone} time)" if elsewhere else ""
        return f"{_cron_words(self.cron) if self.cron else self._words()}{zone}"

    def problems(self) -> Iterator[Finding]:
        """What makes no sense here: the key, what is wrong with it, and what to do."""
        yield from self._problems_of_kind()
        yield from _time_problems(self.at)
        yield from _weekday_problems(self.weekdays)
        yield from self._interval_problems()
        yield from self._month_problems()
        yield from _date_problems("anchor", self.anchor)
        yield from _date_problems("date", self.date)
        yield from _yearly_problems(self.dates)
        yield from _cron_problems(self.cron)
        yield from _zone_problems(self.timezone)

    # When

    def _moments(self, after: dt.datetime, calendar: Calendar) -> Iterator[dt.datetime]:
        if any(self.problems()):
            return
        if self.timezone:
            calendar = replace(calendar, timezone=ZoneInfo(self.timezone))
        latest = after
        for local in self._local_times(after.astimezone(calendar.timezone), calendar):
            moment = calendar.at(local.date(), local.time())
            if moment > latest:  # two local times may share a moment, where the clocks skip them
                yield moment
                latest = moment

    def _local_times(self, after: dt.datetime, calendar: Calendar) -> Iterator[dt.datetime]:
        if self.cron:
            return CronSim(self.cron, after.replace(tzinfo=None))
        hours = [dt.time(hour) for hour in range(24)]
        times = [dt.time.fromisoformat(self.at)] if self.at else hours
        days = self._days(after.date(), calendar)
        return (dt.datetime.combine(day, time) for day in days for time in times)

    def _days(self, start: dt.date, calendar: Calendar) -> Iterator[dt.date]:
        if self.date:
            yield dt.date.fromisoformat(self.date)
            return
        anchor = self._anchor
        first = max(start, anchor)
        last = first.replace(year=min(first.year + _HORIZON_YEARS, dt.MAXYEAR), day=1)
        period = self._period(first)
        period += (self._period(anchor) - period) % self.interval
        for number in range(period, self._period(last), self.interval):
            days = sorted(self._days_in(number, calendar))
            yield from (day for day in days if day >= anchor)

    @property
    def _anchor(self) -> dt.date:
        # Without one, the first day of all: a Monday, and the first of a month.
        return dt.date.fromisoformat(self.anchor) if self.anchor else dt.date.min

    def _period(self, day: dt.date) -> int:
        match self.every:
            case "week":
                return (day.toordinal() - 1) // 7
            case "month":
                return day.year * 12 + day.month - 1
            case "year":
                return day.year
            case _:
                return day.toordinal()

    def _days_in(self, period: int, calendar: Calendar) -> set[dt.date]:
        match self.every:
            case "week":
                return {dt.date.fromordinal(period * 7 + 1 + n) for n in self._weekday_numbers}
            case "month":
                return self._days_in_month(period // 12, period % 12 + 1, calendar)
            case "year":
                pairs = [_month_and_day(text) for text in self.dates or ()]
                return {day for pair in pairs if (day := self._day(period, *pair))}
            case _:
                return {dt.date.fromordinal(period)}

    def _days_in_month(self, year: int, month: int, calendar: Calendar) -> set[dt.date]:
        if self.working_day:
            found = calendar.nth_working_day(year, month, self.working_day)
            return {found} if found else set()
        if self.nth_weekday:
            return _nth_weekday(year, month, self.nth_weekday)
        return {day for n in self._month_days if (day := self._day(year, month, n))}

    def _day(self, year: int, month: int, day: int | str) -> dt.date | None:
        if day == "last":
            return day_or_last(year, month, 31)
        found = day_or_last(year, month, int(day))
        return found if found.day == day or self.on_missing_day == "last_day" else None

    @property
    def _weekday_numbers(self) -> list[int]:
        if self.weekdays is None:
            return [self._anchor.weekday()]
        return sorted({WEEKDAYS.index(name) for name in self.weekdays})

    @property
    def _month_days(self) -> tuple[int | str, ...]:
        return (self._anchor.day,) if self.days is None else self.days

    # In words

    def _words(self) -> str:
        match self.every:
            case "hour":
                return "hourly"
            case "day":
                return f"{_every(self.interval, 'day')} at {self.at}"
            case "week":
                return f"{self._week_words()} at {self.at}"
            case "month":
                month = "each month" if self.interval == 1 else _every(self.interval, "month")
                return f"on {self._month_words()} of {month}{self._rest()} at {self.at}"
            case "year":
                year = "each year" if self.interval == 1 else _every(self.interval, "year")
                dates = _listed(_spoken(*_month_and_day(text)) for text in sorted(self.dates or ()))
                return f"on {dates} {year}{self._rest()} at {self.at}"
            case _:
                day = dt.date.fromisoformat(self.date or "")
                return f"once, on {_spoken(day.month, day.day)} {day.year} at {self.at}"

    def _week_words(self) -> str:
        names = [WEEKDAY_NAMES[number] for number in self._weekday_numbers]
        if self.interval == 1 or (len(names) == 1 and self.interval in _ORDINALS):
            return _every(self.interval, _listed(names))
        return f"{_every(self.interval, 'week')} on {_listed(names)}"

    def _month_words(self) -> str:
        if self.working_day:
            return f"the {_counted(self.working_day)}working day"
        if self.nth_weekday:
            name = WEEKDAY_NAMES[WEEKDAYS.index(self.nth_weekday.weekday)]
            return f"the {_counted(self.nth_weekday.nth)}{name}"
        numbers = sorted({day for day in self._month_days if isinstance(day, int)})
        days = [f"the {_suffixed(day)}" for day in numbers]
        return _listed(days + ["the last day"] * ("last" in self._month_days))

    def _rest(self) -> str:
        """What becomes of a day that not every month has."""
        if self.every == "year":
            missing = "02-29" in (self.dates or ())
        elif self.working_day or self.nth_weekday:
            return ""
        else:
            missing = any(isinstance(day, int) and day > 28 for day in self._month_days)
        if not missing:
            return ""
        skip = self.on_missing_day == "skip"
        return ", if there is such a day," if skip else ", or the month's last day,"
