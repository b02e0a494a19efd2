"""The action of putting a call or meeting into somebody's calendar."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks.actions.create_task import assignee
from engine.blocks.checking import Checking
from engine.blocks.context import Context, moment
from engine.blocks.step import Action, Text, Write
from engine.blocks.words import day, person, quoted
from engine.company.calendar import parse_moment
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.records import CreateRecord
from engine.phrases import mark, say, say_count
from engine.problems import BadValue, Problem
from engine.records.states import Result
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import CALENDAR

PUT = {
    "Call": mark("put the call {title} into the calendar of {person}: {start}, {length}"),
    "Meeting": mark("put the meeting {title} into the calendar of {person}: {start}, {length}"),
}


class CreateEvent(Action):
    """Create a calendar entry about this record."""

    type: Literal["create_event"] = "create_event"
    title: Text = Field(min_length=1)
    kind_of: Literal["Call", "Meeting"] = Field(
        "Call", alias="kind", description="Call or Meeting."
    )
    start: Text = Field(
        description="A point in time: now+2h, 2026-03-11 14:00 on the company's clocks; a day as "
        "today+1d is at 09:00."
    )
    end: Text = Field("", description="Its end; left out, `minutes` after the start.")
    minutes: int = Field(30, ge=1, le=1440)
    assign_to: Text = "owner"
    example: ClassVar[dict[str, Any]] = {
        "id": "book",
        "type": "create_event",
        "title": "Call about {{ record.number }}",
        "kind": "Call",
        "start": "today+1d",
        "minutes": 15,
    }
    quotes: ClassVar[bool] = True
    icon: ClassVar[str] = "calendar"
    gives: ClassVar[tuple[str, ...]] = ("id", "number", "record")

    def say(self, binder: Binder) -> str:
        return say(
            PUT[self.kind_of],
            title=quoted(self.title, binder),
            person=person(self.assign_to, binder),
            start=day(self.start, binder),
            length=self._length(binder),
        )

    def _length(self, binder: Binder) -> str:
        if self.end:
            return say("until {moment}", moment=day(self.end, binder))
        return say_count("for {count} minute", "for {count} minutes", self.minutes)

    def reads(self) -> Iterable[str]:
        return (self.assign_to,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(CALENDAR, "*")

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from assignee(self.assign_to, checking)
        for key, word in (("start", self.start), ("end", self.end)):
            if (word or key == "start") and "{{" not in word:
                yield from _moment_problems(word, key, checking)
        start, end = (self._known(word, checking) for word in (self.start, self.end))
        if start and end and end <= start:
            yield Problem("end", "the event ends before it starts.", "Give an end after its start.")

    def _known(self, word: str, checking: Checking) -> datetime | None:
        """The point in time that a setting names, as far as it can be told today."""
        try:
            return None if "{{" in word else moment(word, checking.binder)
        except (BadValue, OverflowError):
            return None

    def plan(self, ctx: Context) -> CreateRecord:
        try:
            start = ctx.moment(self.start)
            end = ctx.moment(self.end) if self.end else start + timedelta(minutes=self.minutes)
        except BadValue as bad:
            raise Unplanned(Outcome(Result.FAILED, f"{bad.message} {bad.remedy}")) from None
        if end <= start:
            raise Unplanned(Outcome(Result.FAILED, f"“{self.title}” would end before it starts."))
        values: dict[str, JsonValue] = {
            "title": self.title,
            "kind": self.kind_of,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "owner": ctx.assigned(self.assign_to),
            "record": ctx.record.key,
        }
        return CreateRecord(
            module=CALENDAR, title=f"the {self.kind_of.lower()} “{self.title}”", values=values
        )


def _moment_problems(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """What is wrong with a word that should be a point in time."""
    if found := parse_moment(word):
        if wrong := found.problem():
            yield Problem(path, *wrong)
        return
    try:
        moment(word, checking.binder)
    except (BadValue, OverflowError):
        remedy = "Write now+2h, today+1d, or 2026-03-11 14:00."
        yield Problem(path, f"`{word}` is no point in time.", remedy)
