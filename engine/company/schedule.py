"""When a schedule falls due: its next occasion, the rule in words, and what is wrong with it."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim
from pydantic import BaseModel, ConfigDict, Field

from engine.company.calendar import Calendar, day_or_last
from engine.company.schedule_checks import (
    WEEKDAYS,
    Finding,
    cron_problems,
    date_problems,
    day_problems,
    time_problems,
    weekday_problem,
    weekday_problems,
    yearly_problems,
    zone_problems,
)
from engine.company.schedule_words import (
    PLACES,
    cron_words,
    dated,
    every,
    nth,
    spoken,
    suffixed,
)
from engine.phrases import listed, mark, say, weekday_name, worded
from engine.problems import KnownAs, suggest

__all__ = ["WEEKDAYS", "WEEKDAY_NAMES", "NthWeekday", "Recurring"]

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
ROUNDS = {"half_hour": 30, "hour": 60}  # minutes
KEYS: Mapping[str, frozenset[str]] = {
    "half_hour": frozenset(),
    "hour": frozenset(),
    "day": REPEATED,
    "week": REPEATED | {"weekdays"},
    "month": REPEATED | {"on_missing_day", *MONTH_DAYS},
    "year": REPEATED | {"on_missing_day", "dates"},
    "once": frozenset({"at", "date"}),
}

_HORIZON_YEARS = 50
_SURE = 15  # working days that a month has, with all its holidays


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

    every: str | None = Field(None, description="half_hour, hour, day, week, month, year or once.")
    at: Annotated[str | None, KnownAs(("time", "hour", "time_of_day"))] = Field(
        None, description="The time of day, like 09:00."
    )
    weekdays: Annotated[tuple[str, ...] | None, KnownAs(("day", "on", "weekday"))] = Field(
        None, description="Of a week: mon, tue, ..."
    )
    interval: int = Field(1, description="Only each so many: 2 with week is every second week.")
    anchor: Annotated[str | None, KnownAs(("start", "starting", "from", "first"))] = Field(
        None, description="A day the counting of the interval begins at."
    )
    days: Annotated[tuple[int | str, ...] | None, KnownAs(("day", "on", "day_of_month"))] = Field(
        None, description='Of a month: [1, 15, "last"].'
    )
    on_missing_day: str = Field(
        "last_day", description="A month without that day: last_day, or skip it."
    )
    working_day: int | None = Field(None, description="Of a month: 1 is the first, -1 the last.")
    nth_weekday: NthWeekday | None = Field(None, description="Of a month: its second Tuesday.")
    dates: tuple[str, ...] | None = Field(None, description='Of a year: ["07-14"].')
    date: Annotated[str | None, KnownAs(("day", "on"))] = Field(
        None, description="Of once: the day."
    )
    cron: str | None = Field(None, description="Five cron fields, in place of all of these.")
    timezone: Annotated[str | None, KnownAs(("tz", "zone"))] = Field(
        None, description="The company's, unless another is named."
    )

    def next_after(self, after: dt.datetime, calendar: Calendar) -> dt.datetime | None:
        """The first occasion strictly after that moment, in UTC; None if none comes in 50 years."""
        return next(self._moments(after, calendar), None)

    def occasions(
        self, start: dt.datetime, end: dt.datetime, calendar: Calendar
    ) -> Iterator[dt.datetime]:
        """Every occasion after `start`, up to and including `end`, each once and in order."""
        return takewhile(lambda moment: moment <= end, self._moments(start, calendar))

    def never(self, now: dt.datetime, calendar: Calendar) -> bool:
        """Whether no day will ever be such a day, sound as it is written."""
        return not any(self.problems()) and self.next_after(now, calendar) is None

    @property
    def polls(self) -> bool:
        """Whether it only looks again and again: what one look misses, the next one finds."""
        return self.every == "half_hour"

    def past(self, now: dt.datetime, calendar: Calendar) -> bool:
        """Whether this was to happen once, and that moment is gone."""
        return self.every == "once" and self.never(now, calendar)

    def words(self, calendar: Calendar) -> str:
        """As one says it: "every second Monday at 08:00", with the zone if not the company's."""
        if any(self.problems()):
            return say("on a schedule that has to be corrected")
        told = cron_words(self.cron) if self.cron else self._words()
        if self.timezone not in (None, calendar.timezone.key):
            told = say("{rule} ({zone} time)", rule=told, zone=self.timezone)
        if self.anchor:
            told = say("{rule}, from {date} on", rule=told, date=dated(self._anchor))
        return told

    def problems(self) -> Iterator[Finding]:
        """What makes no sense here: the key, what is wrong with it, and what to do."""
        yield from self._problems_of_kind()
        yield from time_problems(self.at)
        yield from weekday_problems(self.weekdays)
        yield from self._interval_problems()
        yield from self._month_problems()
        yield from date_problems("anchor", self.anchor)
        yield from date_problems("date", self.date)
        yield from yearly_problems(self.dates)
        yield from cron_problems(self.cron)
        yield from zone_problems(self.timezone)

    # When

    def _moments(self, after: dt.datetime, calendar: Calendar) -> Iterator[dt.datetime]:
        if any(self.problems()):
            return
        if self.timezone:
            calendar = replace(calendar, timezone=ZoneInfo(self.timezone))
        if step := ROUNDS.get(self.every or ""):
            yield from _rounds(after, calendar.timezone, step)
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
            case "half_hour":
                return say("every half hour")
            case "hour":
                return say("hourly")
            case "day":
                return self._at(every(self.interval, "day"))
            case "week":
                return self._at(self._week_words())
            case "month":
                months = say("each month") if self.interval == 1 else every(self.interval, "month")
                days = say("on {days} of {months}", days=self._month_words(), months=months)
                return self._at(f"{days}{self._rest()}")
            case "year":
                years = say("each year") if self.interval == 1 else every(self.interval, "year")
                dates = listed(spoken(*_month_and_day(text)) for text in sorted(self.dates or ()))
                days = say("on {dates} {years}", dates=dates, years=years)
                return self._at(f"{days}{self._rest()}")
            case _:
                day = dt.date.fromisoformat(self.date or "")
                date = spoken(day.month, day.day)
                return self._at(say("once, on {date} {year}", date=date, year=day.year))

    def _at(self, days: str) -> str:
        return say("{days} at {time}", days=days, time=self.at)

    def _week_words(self) -> str:
        names = listed(weekday_name(number) for number in self._weekday_numbers)
        several = len(self._weekday_numbers) != 1
        if self.interval == 1:
            return say("every {days}", days=names)
        if not several and self.interval in PLACES:
            return say("every {place} {days}", place=worded(PLACES[self.interval]), days=names)
        return say("{weeks} on {days}", weeks=every(self.interval, "week"), days=names)

    def _month_words(self) -> str:
        if self.working_day:
            return nth(
                self.working_day,
                mark("the {place} working day"),
                mark("the last working day"),
                mark("the {place} to last working day"),
            )
        if self.nth_weekday:
            return nth(
                self.nth_weekday.nth,
                mark("the {place} {weekday}"),
                mark("the last {weekday}"),
                mark("the {place} to last {weekday}"),
                weekday=weekday_name(WEEKDAYS.index(self.nth_weekday.weekday)),
            )
        numbers = sorted({day for day in self._month_days if isinstance(day, int)})
        days = [say("the {day}", day=suffixed(day)) for day in numbers]
        return listed(days + [say("the last day")] * ("last" in self._month_days))

    def _rest(self) -> str:
        """What becomes of a day that not every month has."""
        if self.working_day:
            return say(", if there are so many,") if abs(self.working_day) > _SURE else ""
        if self.nth_weekday:
            return say(", if there is one,") if self.nth_weekday.nth == max(PLACES) else ""
        days = [int(text[3:]) for text in self.dates or () if text == "02-29"]
        days += [day for day in self._month_days if isinstance(day, int) and self.every == "month"]
        if not any(day > 28 for day in days):
            return ""
        if self.on_missing_day == "skip":
            return say(", if there is such a day,")
        return say(", or the month's last day,")

    # What is wrong

    def _problems_of_kind(self) -> Iterator[Finding]:
        if self.cron is not None:
            yield from self._stray(frozenset({"cron"}), "`cron` already says when")
        elif self.every is None:
            yield "every", "Nothing says when.", f"Write one of {', '.join(KEYS)}; or use `cron`."
        elif self.every not in KEYS:
            yield "every", f"There is no `every: {self.every}`.", suggest(self.every, KEYS)
        else:
            allowed = KEYS[self.every] | {"every"}
            yield from self._stray(allowed, f"it means nothing with `every: {self.every}`")
            for key, example in (("at", "09:00"), ("date", "2026-07-14"), ("dates", ["07-14"])):
                needed = key in allowed and getattr(self, key) is None
                if needed:
                    yield key, f"It is missing with `every: {self.every}`.", f"Such as {example!r}."

    def _stray(self, allowed: frozenset[str], why: str) -> Iterator[Finding]:
        fields = Recurring.model_fields.items()
        given = [key for key, field in fields if getattr(self, key) != field.default]
        for key in given:
            if key not in allowed | {"timezone"}:
                kinds = [f"`every: {every}`" for every, keys in KEYS.items() if key in keys]
                instead = f" It belongs to {listed(kinds)}." if kinds else ""
                yield key, f"Not both: {why}.", f"Remove `{key}`.{instead}"

    def _interval_problems(self) -> Iterator[Finding]:
        if self.interval < 1:
            yield "interval", f"It cannot be {self.interval}.", "Write 1 or more."
        elif self.interval > 1 and self.anchor is None:
            message = f"Every {self.interval} of what is unclear: nothing says from when to count."
            yield "anchor", message, "Give a first day, such as `2026-01-05`."

    def _month_problems(self) -> Iterator[Finding]:
        given = [key for key in MONTH_DAYS if getattr(self, key) is not None]
        if len(given) > 1:
            yield (
                given[1],
                f"Both {listed(f'`{key}`' for key in given)} say which day.",
                "Keep one.",
            )
        if self.on_missing_day not in MISSING_DAY:
            message = f"There is no `{self.on_missing_day}`."
            yield "on_missing_day", message, suggest(self.on_missing_day, MISSING_DAY)
        if self.days is not None:
            yield from day_problems(self.days)
        if self.working_day is not None and not 1 <= abs(self.working_day) <= 31:
            message = f"No month has a working day {self.working_day}."
            yield "working_day", message, "1 is the first of the month, -1 the last."
        if self.nth_weekday is not None:
            if self.nth_weekday.nth not in {-1, *PLACES}:
                message = f"No weekday comes {self.nth_weekday.nth} times a month."
                yield "nth_weekday.nth", message, "Write 1 to 5, or -1 for the last."
            yield from weekday_problem("nth_weekday.weekday", self.nth_weekday.weekday)


def _rounds(after: dt.datetime, zone: ZoneInfo, step: int) -> Iterator[dt.datetime]:
    """Each time the clocks of a zone show a full hour, or half hour, also those shown twice."""
    moment = after.astimezone(dt.UTC).replace(second=0, microsecond=0)
    while True:
        moment += dt.timedelta(minutes=step - moment.astimezone(zone).minute % step)
        if moment.astimezone(zone).minute % step == 0:  # clocks may go back by half an hour
            yield moment


def _nth_weekday(year: int, month: int, rule: NthWeekday) -> set[dt.date]:
    weekday = WEEKDAYS.index(rule.weekday)
    last = day_or_last(year, month, 31)
    days = [last.replace(day=n + 1) for n in range(last.day)]
    same = [day for day in days if day.weekday() == weekday]
    return set(same[-1:] if rule.nth == -1 else same[rule.nth - 1 : rule.nth])


def _month_and_day(text: str) -> tuple[int, int]:
    return int(text[:2]), int(text[3:])
