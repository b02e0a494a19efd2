"""The action of taking an invoice into the automatic charge, or out of it."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import target_record
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Write
from engine.conditions import Binder
from engine.effects.records import UpdateRecord
from engine.phrases import say
from engine.problems import Problem
from engine.schema.modules import Module, Schema

FIELD = "auto_charge"


class SetAutoCharge(Action):
    """Include an invoice in the automatic charge of its customer, or exclude it."""

    type: Literal["set_auto_charge"] = "set_auto_charge"
    on: bool = Field(description="true includes the invoice, false excludes it.")
    record: str = Field("", description="A reference that leads to the invoice, if it is another.")
    example: ClassVar[dict[str, Any]] = {"id": "exclude", "type": "set_auto_charge", "on": False}
    icon: ClassVar[str] = "zap"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        what = target_record.whose(self.record, binder)
        if self.on:
            return say("include {record} in the automatic charge", record=what)
        return say("exclude {record} from the automatic charge", record=what)

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        if there := target_record.module_at(self.record, module, schema):
            yield Write(there.name, FIELD, self.on)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from target_record.problems(self.record, checking)
        there = target_record.module_at(self.record, checking.module, checking.binder.schema)
        if there and FIELD not in there.by_name:
            told = f"{there.label} are not charged automatically."
            yield Problem("record", told, "Use it on invoices, or name a reference to one.")

    def plan(self, ctx: Context) -> UpdateRecord:
        target = target_record.target(self.record, ctx)
        return UpdateRecord(
            module=target.module.name, id=target.id, title=target.title, values={FIELD: self.on}
        )
