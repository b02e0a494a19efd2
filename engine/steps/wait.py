"""The step that pauses a run."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects import Outcome
from engine.phrases import count, listed, person
from engine.problems import Invalid, Problem
from engine.steps import Move, Skip, Sleep, Step

LONGEST = 3650  # days


class Wait(Step):
    """Wait for a time, until a date of the record, or until a time of day; restarts do no harm."""

    type: Literal["wait"] = "wait"
    minutes: int = Field(0, ge=0, le=60 * 24 * LONGEST)
    hours: int = Field(0, ge=0, le=24 * LONGEST)
    days: int = Field(
        0,
        ge=0,
        le=LONGEST,
        description="Days; the time of day stays the same, also when the clocks change.",
    )
    working_days: bool = Field(False, description="Count only working days of the company.")
    until: str = Field("", description="A date field of the record; the days come on top.")
    at: str = Field(
        "", pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d$", description="Then go on at this time of day."
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "a_week",
        "type": "wait",
        "days": 5,
        "working_days": True,
    }
    icon: ClassVar[str] = "hourglass"
    look: ClassVar[Literal["if", "wait", "outside", "action", "end"]] = "wait"

    def say(self, binder: Binder) -> str:
        unit = "working day" if self.working_days else "day"
        counts = ((self.days, unit), (self.hours, "hour"), (self.minutes, "minute"))
        told = listed([count(number, name) for number, name in counts if number])
        if self.until:
            until = person(self.until, binder)
            told = f"until {told} after {until}" if told else f"until {until}"
        return f"wait {', then '.join(filter(None, (told, f'until {self.at}' if self.at else '')))}"

    def reads(self) -> Iterable[str]:
        return (self.until,)

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not (self.minutes or self.hours or self.days or self.until or self.at):
            yield Problem("days", "the wait has no length.", 'Say how long, like "days": 5.')
        if self.until:
            try:
                path = checking.binder.schema.path(checking.module, self.until, "until")
            except Invalid as invalid:
                yield invalid.problems[0]
                return
            if path.field.kind not in ("date", "datetime"):
                yield Problem("until", f"{path.field.title} is not a date.", "Choose a date field.")

    def decide(self, ctx: Context) -> Move:
        start = self._start(ctx)
        if start is None:
            return Skip(
                Outcome("skipped", f"there is no {self.until.replace('_', ' ')} to wait for")
            )
        calendar = ctx.binder.calendar
        until = start
        if self.days:
            local = start.astimezone(calendar.timezone)
            later = local.date() + timedelta(days=self.days)
            day = calendar.add_working_days(local.date(), self.days) if self.working_days else later
            until = calendar.at(day, local.time().replace(tzinfo=None))
        until += timedelta(hours=self.hours, minutes=self.minutes)
        return Sleep(self._at(until, ctx) if self.at else until)

    def _start(self, ctx: Context) -> datetime | None:
        if not self.until:
            return ctx.now
        value = ctx.facts.value(ctx.binder.schema.path(ctx.binder.module, self.until))
        if value is None or isinstance(value, datetime):
            return value
        return ctx.binder.calendar.at(value, time(9))

    def _at(self, moment: datetime, ctx: Context) -> datetime:
        clock = time.fromisoformat(self.at)
        calendar = ctx.binder.calendar
        day = moment.astimezone(calendar.timezone).date()
        same = calendar.at(day, clock)
        return same if same >= moment else calendar.at(day + timedelta(days=1), clock)
