"""The action of moving a customer up or down the ladder of escalation."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import target_record
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Write
from engine.conditions import Binder
from engine.effects.records import UpdateRecord
from engine.phrases import mark, say
from engine.problems import Problem
from engine.schema.modules import Module, Schema

FIELD = "strike_level"
HIGHEST = 100


class SetStrikeLevel(Action):
    """Set how far a customer has escalated, or move it up or down; it is never below 0."""

    type: Literal["set_strike_level"] = "set_strike_level"
    to: int | None = Field(None, ge=0, le=HIGHEST, description="The level to set.")
    by: int | None = Field(
        None, ge=-HIGHEST, le=HIGHEST, description="How many levels up instead, or down (-1)."
    )
    at_most: int = Field(HIGHEST, ge=0, le=HIGHEST, description="The highest level there is.")
    record: str = Field(
        "account", description="The reference that leads to the customer; empty for the record."
    )
    example: ClassVar[dict[str, Any]] = {"id": "strike", "type": "set_strike_level", "by": 1}
    icon: ClassVar[str] = "triangle-alert"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def _path(self, module: Module) -> str:
        """Where the customer is; the record itself, if that is one."""
        return "" if self.record == "account" and FIELD in module.by_name else self.record

    def say(self, binder: Binder) -> str:
        told = mark("set {level} to {number}")
        if self.to is None:
            up = (self.by or 0) >= 0
            told = mark("raise {level} by {number}") if up else mark("lower {level} by {number}")
        number = self.to if self.to is not None else abs(self.by or 0)
        said = say(told, level=self._level(binder), number=number)
        if self.at_most == HIGHEST:
            return said
        return say("{step}, to {number} at most", step=said, number=self.at_most)

    def _level(self, binder: Binder) -> str:
        """Whose strike level it moves."""
        if not (path := self._path(binder.module)):
            return say("its strike level")
        return say("the strike level of {record}", record=target_record.whose(path, binder))

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        if there := target_record.module_at(self._path(module), module, schema):
            yield Write(there.name, FIELD, self.to, moves=self.to is None)

    def check(self, checking: Checking) -> Iterator[Problem]:
        if (self.to is None) == (self.by is None):
            yield Problem("to", "say the level, or how far to move.", 'Write "to": 2 or "by": 1.')
        path = self._path(checking.module)
        yield from target_record.problems(path, checking)
        there = target_record.module_at(path, checking.module, checking.binder.schema)
        if there and FIELD not in there.by_name:
            told = f"{there.label} have no strike level."
            yield Problem("record", told, "Name the reference that leads to the customer.")

    def plan(self, ctx: Context) -> UpdateRecord:
        target = target_record.target(self._path(ctx.binder.module), ctx)
        now = int(target.value(FIELD) or 0)
        wanted = self.to if self.to is not None else now + (self.by or 0)
        level = max(0, min(wanted, self.at_most))
        return UpdateRecord(
            module=target.module.name, id=target.id, title=target.title, values={FIELD: level}
        )
