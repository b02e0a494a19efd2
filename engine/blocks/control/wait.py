"""The step that pauses a run."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Await, Look, Move, Skip, Sleep, Step
from engine.blocks.words import person
from engine.company.calendar import LENGTHS, Calendar
from engine.company.schedule import WEEKDAYS
from engine.conditions import Binder, Condition, bind
from engine.conditions.readings import holds
from engine.conditions.words import describe, reasons
from engine.effects import Outcome
from engine.phrases import listed, mark, say, say_count, weekday_name
from engine.problems import Invalid, Problem, suggest
from engine.records.states import Result

LONGEST = 3650  # days


class Timeout(BaseModel):
    """How long to wait at most for something that may never come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: int = Field(0, ge=0, le=60 * 24 * LONGEST)
    hours: int = Field(0, ge=0, le=24 * LONGEST)
    days: int = Field(0, ge=0, le=LONGEST)
    working_days: bool = False

    def words(self) -> str:
        return _told(self)

    def end(self, start: datetime, calendar: Calendar) -> datetime:
        return _later(start, self, calendar)


class Wait(Step):
    """Wait for a time, until a date of the record, a weekday or a time of day, or until something
    is true of the record (for a time at most); restarts do no harm."""

    type: Literal["wait"] = "wait"
    minutes: int = Field(0, ge=-60 * 24 * LONGEST, le=60 * 24 * LONGEST)
    hours: int = Field(0, ge=-24 * LONGEST, le=24 * LONGEST)
    days: int = Field(
        0,
        ge=-LONGEST,
        le=LONGEST,
        description="Days; the time of day stays the same, also when the clocks change.",
    )
    working_days: bool = Field(False, description="Count only working days of the company.")
    until: str = Field(
        "",
        description="A date field of the record, from 09:00 on; the days come on top, "
        "-3 is three days before it.",
    )
    when_empty: Literal["stop", "go_on"] = Field(
        "stop",
        description="With until: what comes of a record without that date. stop: the steps that "
        "were to come then are not taken; go_on: they are taken at once.",
    )
    weekday: str = Field("", description="Then go on at the next of this weekday: mon, tue, ...")
    at: str = Field(
        "", pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d$", description="Then go on at this time of day."
    )
    until_conditions: Condition | None = Field(
        None,
        description="Go on as soon as they hold of the record; of all records taken together.",
    )
    timeout: Timeout | None = Field(
        None,
        description='With until_conditions: how long at most, like {"days": 10}; later steps read '
        "`timed_out`, true if they did not hold by then.",
    )
    known_as: ClassVar[tuple[str, ...]] = ("delay", "sleep", "pause")
    example: ClassVar[dict[str, Any]] = {
        "id": "a_week",
        "type": "wait",
        "days": 5,
        "working_days": True,
    }
    icon: ClassVar[str] = "hourglass"
    look: ClassVar[Look] = "wait"

    def keys(self) -> tuple[str, ...]:
        return ("timed_out",) if self.until_conditions else ()

    def say(self, binder: Binder) -> str:
        if self.until_conditions:
            asked = describe(self.until_conditions, binder)
            if not self.timeout:
                return say("wait until {condition}", condition=asked)
            told = mark("wait until {condition}, {length} at most")
            return say(told, condition=asked, length=self.timeout.words())
        parts = [self._until_date(binder) if self.until else _told(self)]
        if self.weekday:
            parts.append(say("until the next {weekday}", weekday=_weekday(self.weekday)))
        if self.at:
            parts.append(say("until {moment}", moment=self.at))
        return say("wait {times}", times=say(", then ").join(filter(None, parts)))

    def _until_date(self, binder: Binder) -> str:
        """Until which date of the record, or how long before or after it."""
        length, date = _told(self), person(self.until, binder)
        told = say("until {moment}", moment=date)
        if length:
            way = mark("until {length} before {moment}")
            if not self._back:
                way = mark("until {length} after {moment}")
            told = say(way, length=length, moment=date)
        if self.when_empty == "go_on":
            return say("{wait} (at once without one)", wait=told)
        return told

    @property
    def _back(self) -> bool:
        return min(self.days, self.hours, self.minutes) < 0

    def reads(self) -> Iterable[str]:
        return (self.until,)

    def asked(self) -> Iterable[tuple[str, Condition]]:
        return (("", self.until_conditions),) if self.until_conditions else ()

    # --- what is wrong ---

    def check(self, checking: Checking) -> Iterator[Problem]:
        if self.until_conditions or self.timeout:
            yield from self._check_conditions(checking)
        elif not any(self._timed()):
            yield Problem("days", "the wait has no length.", 'Say how long, like "days": 5.')
        if self._back:
            yield from self._check_back()
        if self.weekday and self.weekday not in WEEKDAYS:
            short = self.weekday.strip().casefold()[:3]
            remedy = suggest(short, WEEKDAYS, "Weekdays")
            yield Problem("weekday", f"there is no weekday `{self.weekday}`.", remedy)
        if self.until:
            yield from self._check_field(checking)
        elif self.when_empty != "stop":
            remedy = "Name the date in `until`, or leave `when_empty` out."
            yield Problem("when_empty", "there is no date that could be empty.", remedy)

    def _timed(self) -> tuple[Any, ...]:
        return (self.minutes, self.hours, self.days, self.until, self.weekday, self.at)

    def _check_conditions(self, checking: Checking) -> Iterator[Problem]:
        if not self.until_conditions:
            remedy = "Say what it waits for in `until_conditions`, or leave `timeout` out."
            yield Problem("timeout", "it is the most for something that is not said.", remedy)
            return
        yield from checking.condition(self.until_conditions, "until_conditions", event=False)
        if self.timeout is None or not self.timeout.words():
            remedy = 'Say how long at most, like "timeout": {"days": 10}.'
            yield Problem("timeout", "it could wait for ever.", remedy)
        if any(self._timed()):
            remedy = "Keep `until_conditions` with `timeout`, and put the other wait in a step."
            yield Problem("until_conditions", "the wait also has a length or a date.", remedy)

    def _check_back(self) -> Iterator[Problem]:
        if not self.until:
            remedy = "Name a date in `until`, or write how long without the minus."
            yield Problem("days", "nobody can wait for a time that is past.", remedy)
        elif max(self.days, self.hours, self.minutes) > 0:
            remedy = "Write all of them with a minus, or none."
            yield Problem("days", "some of it counts back and some on.", remedy)

    def _check_field(self, checking: Checking) -> Iterator[Problem]:
        try:
            path = checking.binder.schema.path(checking.module, self.until, "until")
        except Invalid as invalid:
            yield invalid.problems[0]
            return
        if path.field.kind not in ("date", "datetime"):
            yield Problem("until", f"{path.field.title} is not a date.", "Choose a date field.")

    # --- what it decides ---

    def decide(self, ctx: Context) -> Move:
        if self.until_conditions:
            return self._awaited(ctx)
        start = self._start(ctx)
        if start is None:
            told = f"there is no {self.until.replace('_', ' ')} to wait for"
            return Skip(Outcome(Result.SKIPPED, told), ends=self.when_empty == "stop")
        calendar = ctx.binder.calendar
        later = _later(start, self, calendar)
        if self.at and self._counts_days(ctx):
            return Sleep(self._on_its_day(later, calendar))
        return Sleep(self._clocked(later, calendar, past=later == ctx.now))

    def _counts_days(self, ctx: Context) -> bool:
        """Whether it leads to a day, on which the time of day is still to come."""
        if self.days or not self.until:
            return bool(self.days)
        path = ctx.binder.schema.path(ctx.binder.module, self.until)
        return path.field.kind == "date" and not (self.hours or self.minutes)

    def _on_its_day(self, moment: datetime, calendar: Calendar) -> datetime:
        """That time on the day that was counted, or on the first such weekday from then on."""
        first = moment.astimezone(calendar.timezone).date()
        wanted = WEEKDAYS.index(self.weekday) if self.weekday else first.weekday()
        day = first + timedelta(days=(wanted - first.weekday()) % 7)
        return calendar.at(day, time.fromisoformat(self.at))

    def _start(self, ctx: Context) -> datetime | None:
        if not self.until:
            return ctx.now
        value = ctx.facts.value(ctx.binder.schema.path(ctx.binder.module, self.until))
        if value is None or isinstance(value, datetime):
            return value
        return ctx.binder.calendar.at(value, time(9))

    def _clocked(self, moment: datetime, calendar: Calendar, *, past: bool) -> datetime:
        """The first moment from then on that is such a weekday, at such a time of day.

        A `past` moment is where the wait begins: a wait for Monday that begins on one ends a week
        later, unless a time of day says otherwise.
        """
        if not (self.weekday or self.at):
            return moment
        local = moment.astimezone(calendar.timezone)
        clock = time.fromisoformat(self.at) if self.at else local.time()
        wanted = WEEKDAYS.index(self.weekday) if self.weekday else None
        days = (local.date() + timedelta(days=n) for n in range(9))
        fitting = (calendar.at(day, clock) for day in days if wanted in (None, day.weekday()))
        return next(at for at in fitting if at > moment or (at == moment and not past))

    # --- something to come about ---

    def _awaited(self, ctx: Context) -> Move:
        assert self.timeout
        assert self.until_conditions
        until = self.timeout.end(ctx.now, ctx.binder.calendar)
        told = describe(self.until_conditions, ctx.binder)
        said = f"until {told}, {self.timeout.words()} at most"
        return Await(ctx.record.key, said, until)

    def came(self, ctx: Context, given: Mapping[str, JsonValue], *, late: bool) -> Outcome | None:
        asked = self.until_conditions
        assert asked
        assert self.timeout
        unfit = [each for each in ctx.each() or [ctx] if not _holds(asked, each)]
        if not unfit:
            said = reasons(asked, ctx.binder, ctx.facts).said
            return Outcome(Result.DONE, f"Yes: {said}", {"timed_out": False})
        if not late:
            return None
        said = reasons(asked, unfit[0].binder, unfit[0].facts).said
        words = f"not within {self.timeout.words()}: {said}"
        return Outcome(Result.DONE, words, {"timed_out": True})

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"timed_out": False} if self.until_conditions else {}


def _holds(condition: Condition, ctx: Context) -> bool:
    return holds(bind(condition, ctx.binder), ctx.facts)


def _weekday(name: str) -> str:
    return weekday_name(WEEKDAYS.index(name)) if name in WEEKDAYS else name


def _told(length: Wait | Timeout) -> str:
    """How long, without the direction: "5 working days and 2 hours"."""
    days = LENGTHS["wd"] if length.working_days else LENGTHS["d"]
    counts = ((length.days, days), (length.hours, LENGTHS["h"]), (length.minutes, LENGTHS["min"]))
    return listed([say_count(*unit, abs(number)) for number, unit in counts if number])


def _later(start: datetime, length: Wait | Timeout, calendar: Calendar) -> datetime:
    """So long after a moment: days at the same time of day, hours and minutes as they pass."""
    until = start
    if length.days:
        local = start.astimezone(calendar.timezone)
        later = local.date() + timedelta(days=length.days)
        working = length.working_days
        day = calendar.add_working_days(local.date(), length.days) if working else later
        until = calendar.at(day, local.time().replace(tzinfo=None))
    return until + timedelta(hours=length.hours, minutes=length.minutes)
