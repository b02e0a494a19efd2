"""Days and moments as one company counts them: time zone, working days, words like `today-30d`."""

import re
from calendar import monthrange
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, islice
from typing import Literal, cast, overload
from zoneinfo import ZoneInfo

import holidays

from engine.phrases import mark, mark_count, say, say_count, worded
from engine.problems import BadValue
from engine.schema.civil_times import moment_of

Unit = Literal["min", "h", "d", "wd", "w", "m", "y"]
LENGTHS: dict[Unit, tuple[str, str]] = {
    "min": mark_count("{count} minute", "{count} minutes"),
    "h": mark_count("{count} hour", "{count} hours"),
    "d": mark_count("{count} day", "{count} days"),
    "wd": mark_count("{count} working day", "{count} working days"),
    "w": mark_count("{count} week", "{count} weeks"),
    "m": mark_count("{count} month", "{count} months"),
    "y": mark_count("{count} year", "{count} years"),
}
DAYS = {
    "now": mark("now"),
    "today": mark("today"),
    "tomorrow": mark("tomorrow"),
    "yesterday": mark("yesterday"),
}
MONDAY_TO_FRIDAY = frozenset(range(5))

_DAY_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_ELAPSED = {"min": timedelta(minutes=1), "h": timedelta(hours=1)}
_OFFSET = re.compile(r"([+-])\s*(\d{1,4})(min|h|d|wd|w|m|y)", re.ASCII)
_MOMENT = re.compile(r"(now|today|tomorrow|yesterday)\s*([+-].*)?", re.ASCII)
_LONGEST_YEARS = 999


@dataclass(frozen=True)
class Calendar:
    """Which days a company works, and what its clocks show. Weekdays run from Monday, 0."""

    timezone: ZoneInfo
    working_weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    holidays: Container[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.working_weekdays or not self.working_weekdays <= set(range(7)):
            raise BadValue(
                "Working days must be some days of the week.",
                "Count them from Monday, 0, to Sunday, 6.",
            )

    @classmethod
    def of(
        cls,
        timezone: ZoneInfo | str,
        country: str | None = None,
        subdivision: str | None = None,
        extra_holidays: Iterable[date] = (),
        working_weekdays: Iterable[int] = MONDAY_TO_FRIDAY,
    ) -> "Calendar":
        """With the public holidays of a country (two letters) or a part of it, and others."""
        zone = timezone if isinstance(timezone, ZoneInfo) else ZoneInfo(timezone)
        days_off = DaysOff(country, subdivision, frozenset(extra_holidays))
        return cls(zone, frozenset(working_weekdays), days_off)

    def today(self, now: datetime) -> date:
        return now.astimezone(self.timezone).date()

    def is_working_day(self, day: date) -> bool:
        return day.weekday() in self.working_weekdays and day not in self.holidays

    def add_working_days(self, day: date, n: int) -> date:
        """The nth working day after `day`; before it if n is negative; with 0 `day` or the next."""
        step = timedelta(days=-1 if n < 0 else 1)
        first = day if n == 0 else day + step
        days = (first + step * i for i in count())
        return next(islice(filter(self.is_working_day, days), max(abs(n) - 1, 0), None))

    def nth_working_day(self, year: int, month: int, n: int) -> date | None:
        """1 is the month's first, -1 its last; None where the month has no such working day."""
        days = (date(year, month, 1 + i) for i in range(monthrange(year, month)[1]))
        working = [day for day in days if self.is_working_day(day)]
        if not 1 <= abs(n) <= len(working):
            return None
        return working[n - 1 if n > 0 else n]

    def at(self, day: date, at: time) -> datetime:
        """That local time, in UTC.

        Where the clocks skip it, the next minute they show; where they show it twice, the first.
        """
        return moment_of(day, at, self.timezone)


@dataclass(frozen=True)
class DaysOff:
    """The public holidays of a country, worked out by the year as asked for, and extra days."""

    country: str | None = None
    subdivision: str | None = None
    extra: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        known = holidays.list_supported_countries()
        if self.country is None:
            if self.subdivision is not None:
                raise BadValue(f"`{self.subdivision}` is part of no country.", "Name its country.")
        elif self.country not in known:
            raise BadValue(
                f"No public holidays are known for a country `{self.country}`.",
                "Use its two-letter code, such as `FR`.",
            )
        elif self.subdivision is not None and self.subdivision not in known[self.country]:
            parts = ", ".join(known[self.country]) or "no parts are known"
            raise BadValue(f"`{self.subdivision}` is not a part of {self.country}.", f"{parts}.")

    def __contains__(self, day: object) -> bool:
        if day in self.extra:
            return True
        if self.country is None or not isinstance(day, date):
            return False
        return day in _public_holidays(self.country, self.subdivision, day.year)


@dataclass(frozen=True)
class Offset:
    """So many units forward, or back if negative: `-30d`, `+5wd`, `-48h`, `+1m`."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount:+d}{self.unit}"

    def words(self) -> str:
        """How long, without the direction: "30 days"."""
        return say_count(*LENGTHS[self.unit], abs(self.amount))


@dataclass(frozen=True)
class Moment:
    """A day or a moment told from the present: `today`, `tomorrow+5wd`, `now-48h`."""

    word: str
    offset: Offset | None = None

    def __str__(self) -> str:
        return f"{self.word}{self.offset or ''}"

    def problem(self) -> tuple[str, str] | None:
        """What is wrong with it and what to do: a day has no time of day to count hours from."""
        if self.offset is None or self.word == "now" or self.offset.unit not in _ELAPSED:
            return None
        units = LENGTHS[self.offset.unit][1].removeprefix("{count} ")
        return (
            f"`{self}` counts {units} from a day, and a day has no time.",
            f"Write `now{self.offset}`, or count in days, such as `{self.word}+1d`.",
        )

    def resolve(self, now: datetime, calendar: Calendar) -> date | datetime:
        """A date, or for `now` an aware datetime in UTC.

        Hours from a day are a problem to report; should one get here, they count from midnight.
        """
        if self.word == "now":
            start: date = now.astimezone(UTC)
        else:
            start = calendar.today(now) + timedelta(days=_DAY_WORDS[self.word])
        return shift(start, self.offset, calendar) if self.offset else start

    def words(self) -> str:
        """As one says it: "30 days ago", "in 5 working days", "2 weeks after tomorrow"."""
        return self._said(mark("in {length}"))

    def from_now(self) -> str:
        """The same where "in 5 days" would not read: "5 days from now"."""
        return self._said(mark("{length} from now"))

    def _said(self, ahead: str) -> str:
        if self.offset is None or (self.offset.amount == 0 and self.offset.unit != "wd"):
            return worded(DAYS[self.word])
        if self.offset.amount == 0:
            return say("{day}, or the next working day", day=worded(DAYS[self.word]))
        length, later = self.offset.words(), self.offset.amount > 0
        if self.word in ("tomorrow", "yesterday"):
            told = mark("{length} after {day}") if later else mark("{length} before {day}")
            return say(told, length=length, day=worded(DAYS[self.word]))
        told = say(ahead if later else mark("{length} ago"), length=length)
        by_the_clock = self.word == "now" and self.offset.unit not in _ELAPSED
        return say("{moment} at this time", moment=told) if by_the_clock else told


def parse_offset(text: str) -> Offset | None:
    """`-30d` and its like; None if it is anything else, or longer than a calendar reaches."""
    if not (found := _OFFSET.fullmatch(text.strip())):
        return None
    amount, unit = (
        int(found[1] + found[2]),
        cast(Unit, found[3]),
    )  # the pattern lists the units
    return None if unit == "y" and abs(amount) > _LONGEST_YEARS else Offset(amount, unit)


def parse_moment(word: str) -> Moment | None:
    """`today`, `tomorrow`, `yesterday` or `now`, with at most one offset; None if anything else."""
    if not (found := _MOMENT.fullmatch(word.strip())):
        return None
    if found[2] is None:
        return Moment(found[1])
    offset = parse_offset(found[2])
    return Moment(found[1], offset) if offset else None


def add_months(day: date, n: int) -> date:
    """The same day n months on, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError("date value out of range")
    return day_or_last(year, month + 1, day.day)


def day_or_last(year: int, month: int, day: int) -> date:
    """That day of the month, or the month's last one if the month is shorter."""
    return date(year, month, min(day, monthrange(year, month)[1]))


@overload
def shift(moment: datetime, offset: Offset, calendar: Calendar) -> datetime: ...
@overload
def shift(moment: date, offset: Offset, calendar: Calendar) -> date: ...
def shift(moment: date, offset: Offset, calendar: Calendar) -> date:
    """A date gives a date, an aware datetime one in UTC; hours from a date count from its midnight.

    Hours and minutes are elapsed time; all else keeps the local time of day across clock changes.
    Raises OverflowError outside the years 1 to 9999.
    """
    if elapsed := _ELAPSED.get(offset.unit):
        start = moment if isinstance(moment, datetime) else calendar.at(moment, time.min)
        return start.astimezone(UTC) + offset.amount * elapsed
    move = _moves(offset, calendar)
    if not isinstance(moment, datetime):
        return move(moment)
    local = moment.astimezone(calendar.timezone)
    day = move(local.date())
    stays = day == local.date()
    return moment.astimezone(UTC) if stays else calendar.at(day, local.time())


def _moves(offset: Offset, calendar: Calendar) -> Callable[[date], date]:
    n = offset.amount
    match offset.unit:
        case "wd":
            return lambda day: calendar.add_working_days(day, n)
        case "m" | "y":
            return lambda day: add_months(day, n * 12 if offset.unit == "y" else n)
        case _:
            return lambda day: day + timedelta(days=n * 7 if offset.unit == "w" else n)


@lru_cache(maxsize=1024)
def _public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    # A whole year, never changed after: the library's own growing calendar is unsafe among threads.
    return frozenset(holidays.country_holidays(country, subdivision, years=year, expand=False))
