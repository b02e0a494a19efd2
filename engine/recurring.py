"""When a schedule falls due: its next occasion, the rule in words, and what is wrong with it."""

import datetime as dt
import re
from calendar import month_name
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict

from engine.calendar import Calendar, day_or_last
from engine.problems import suggest

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

KEYED = (
    "at",
    "weekdays",
    "interval",
    "anchor",
    *MONTH_DAYS,
    "on_missing_day",
    "dates",
    "date",
    "cron",
)
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
        """As one says it: "every second Monday at 08:00", with the zone if not the company's."""
        if any(self.problems()):
            return "on a schedule that has to be corrected"
        elsewhere = self.timezone not in (None, calendar.timezone.key)
        zone = f" ({self.timezone} time)" if elsewhere else ""
        return f"{_cron_words(self.cron) if self.cron else self._words()}{zone}"

    def problems(self) -> Iterator[Finding]:
        """What makes no sense here: the key, what is wrong with it, and what to do."""
        yield from self._problems_of_kind()
        yield from time_problems(self.at)
        yield from weekday_problems("weekdays", self.weekdays or ())
        yield from self._interval_problems()
        yield from self._month_problems()
        yield from date_problems("anchor", self.anchor)
        yield from date_problems("date", self.date)
        yield from yearly_problems(self.dates or ())
        yield from cron_problems(self.cron)
        yield from zone_problems(self.timezone)

    # What makes no sense

    def _problems_of_kind(self) -> Iterator[Finding]:
        given = {
            name for name in KEYED if getattr(self, name) != type(self).model_fields[name].default
        }
        if self.cron is not None:
            for name in sorted(given - {"cron"}) + ["every"] * (self.every is not None):
                yield name, f"`{name}` does not go with `cron`.", "Leave one of the two out."
            return
        if self.every is None:
            yield "every", "it does not say how often.", 'Write "every": "day", or give a `cron`.'
            return
        if self.every not in KEYS:
            yield "every", f"`{self.every}` is no frequency.", suggest(self.every, KEYS, "Possible")
            return
        for name in sorted(given - KEYS[self.every] - {"cron"}):
            fitting = [every for every, keys in KEYS.items() if name in keys]
            remedy = f"It goes with {' or '.join(fitting)}."
            yield name, f"`{name}` does not go with every {self.every}.", remedy
        if self.every != "hour" and self.at is None:
            yield "at", "it does not say at what time.", 'Write "at": "09:00".'
        if self.every == "once" and self.date is None:
            yield "date", "it does not say on which day.", 'Write "date": "2026-07-14".'
        if self.every == "year" and not self.dates:
            yield "dates", "it does not say on which days.", 'Write "dates": ["07-14"].'

    def _interval_problems(self) -> Iterator[Finding]:
        if self.interval < 1:
            yield "interval", f"`{self.interval}` is no interval.", "Write 2 for every second one."
        elif self.interval > 1 and self.anchor is None and self.every in KEYS:
            remedy = 'Give a day it starts from, like "anchor": "2026-01-05".'
            yield "anchor", f"every {self.interval} {self.every}s needs a first day.", remedy

    def _month_problems(self) -> Iterator[Finding]:
        chosen = [name for name in MONTH_DAYS if getattr(self, name) is not None]
        if self.every == "month" and not chosen and self.anchor is None:
            yield "days", "it does not say on which day.", 'Write "days": [1, 15, "last"].'
        for name in chosen[1:]:
            yield name, f"`{name}` does not go with `{chosen[0]}`.", "Leave one of the two out."
        for place, day in enumerate(self.days or ()):
            if not (day == "last" or (isinstance(day, int) and 1 <= day <= 31)):
                yield f"days.{place}", f"`{day}` is no day of a month.", 'Write 1 to 31, or "last".'
        if self.working_day is not None and (self.working_day == 0 or abs(self.working_day) > 23):
            yield "working_day", f"there is no working day {self.working_day}.", "Write 1, or -1."
        if self.nth_weekday:
            yield from weekday_problems("nth_weekday.weekday", [self.nth_weekday.weekday])
            if self.nth_weekday.nth not in (1, 2, 3, 4, 5, -1):
                told = f"there is no weekday number {self.nth_weekday.nth} in a month."
                yield "nth_weekday.nth", told, "Write 1 to 5, or -1 for the last."
        if self.on_missing_day not in MISSING_DAY:
            told = f"`{self.on_missing_day}` is not possible."
            yield "on_missing_day", told, suggest(self.on_missing_day, MISSING_DAY, "Possible")

    # When

    def _moments(self, after: dt.datetime, calendar: Calendar) -> Iterator[dt.datetime]:
        if any(self.problems()):
            return
        if self.timezone:
            calendar = replace(calendar, timezone=ZoneInfo(self.timezone))
        if self.every == "hour":
            yield from _hours(after, calendar.timezone)
        latest = after
        for local in self._local_times(after.astimezone(calendar.timezone), calendar):
            moment = calendar.at(local.date(), local.time())
            if moment > latest:  # two local times may share a moment, where the clocks skip them
                yield moment
                latest = moment

    def _local_times(self, after: dt.datetime, calendar: Calendar) -> Iterator[dt.datetime]:
        if self.cron:
            return CronSim(self.cron, after.replace(tzinfo=None))
        time = dt.time.fromisoformat(self.at or "00:00")
        return (dt.datetime.combine(day, time) for day in self._days(after.date(), calendar))

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


def _hours(after: dt.datetime, zone: ZoneInfo) -> Iterator[dt.datetime]:
    """Each time the clocks of a zone show a full hour, also the one they show twice."""
    moment = after.astimezone(dt.UTC).replace(second=0, microsecond=0)
    while True:
        moment += dt.timedelta(minutes=60 - moment.astimezone(zone).minute)
        yield moment


def _nth_weekday(year: int, month: int, asked: NthWeekday) -> set[dt.date]:
    """The day asked for; none in a month that has no fifth."""
    first, last = dt.date(year, month, 1), day_or_last(year, month, 31)
    wanted = WEEKDAYS.index(asked.weekday)
    if asked.nth == -1:
        return {last - dt.timedelta(days=(last.weekday() - wanted) % 7)}
    found = first + dt.timedelta(days=(wanted - first.weekday()) % 7 + 7 * (asked.nth - 1))
    return {found} if found.month == month else set()


def _month_and_day(text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    return int(month), int(day)


# What makes no sense, one key at a time


def time_problems(at: str | None) -> Iterator[Finding]:
    if at is not None and not _TIME.fullmatch(at):
        yield "at", f"`{at}` is no time of day.", "Write it like 09:00."


def weekday_problems(path: str, names: Iterable[str]) -> Iterator[Finding]:
    for place, name in enumerate(names):
        if name not in WEEKDAYS:
            where = path if path.startswith("nth") else f"{path}.{place}"
            yield where, f"`{name}` is no weekday.", suggest(name, WEEKDAYS, "Weekdays")


def date_problems(path: str, text: str | None) -> Iterator[Finding]:
    try:
        if text is not None:
            dt.date.fromisoformat(text)
    except ValueError:
        yield path, f"`{text}` is no day.", "Write it like 2026-07-14."


def yearly_problems(dates: Iterable[str]) -> Iterator[Finding]:
    for place, text in enumerate(dates):
        try:
            dt.date(_LEAP_YEAR, *_month_and_day(text))
        except (ValueError, TypeError):
            yield f"dates.{place}", f"`{text}` is no day of the year.", "Write it like 07-14."


def cron_problems(cron: str | None) -> Iterator[Finding]:
    try:
        if cron is not None:
            CronSim(cron, dt.datetime(_LEAP_YEAR, 1, 1))
    except CronSimError as error:
        remedy = "Write five fields, like 0 8 * * 1."
        yield "cron", f"`{cron}` is no cron expression: {error}.", remedy


def zone_problems(name: str | None) -> Iterator[Finding]:
    if name is not None and name not in available_timezones():
        yield "timezone", f"there is no time zone `{name}`.", suggest(name, available_timezones())


# In words


def _cron_words(cron: str) -> str:
    return f"by the cron expression {cron}"


def _every(interval: int, what: str) -> str:
    if interval == 1:
        return f"every {what}"
    ordinal = {2: "second", **_ORDINALS}.get(interval)
    return f"every {ordinal} {what}" if ordinal and interval > 1 else f"every {interval} {what}s"


def _listed(names: Iterable[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def _counted(number: int) -> str:
    """The word before a counted thing: "first ", "last ", "2nd last "."""
    if number == -1:
        return "last "
    if number < 0:
        return f"{_suffixed(-number)} last "
    return f"{_ORDINALS.get(number, _suffixed(number))} "


def _suffixed(number: int) -> str:
    ending = "th" if 10 < number < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _spoken(month: int, day: int) -> str:
    return f"{day} {month_name[month]}"
