"""The action of stopping, or taking up again, all automated communication about a record."""

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

FIELD = "chasing_paused"


class PauseChasing(Action):
    """Pause chasing, or resume it: while it is paused, no automated message goes out."""

    type: Literal["pause_chasing"] = "pause_chasing"
    paused: bool = Field(True, description="true stops all automated messages, false resumes.")
    record: str = Field(
        "", description="A reference (account) to pause the whole customer instead of the record."
    )
    example: ClassVar[dict[str, Any]] = {"id": "pause", "type": "pause_chasing", "paused": True}
    icon: ClassVar[str] = "octagon-pause"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        whose = target_record.whose(self.record, binder)
        if self.paused:
            return say("pause chasing for {record}", record=whose)
        return say("resume chasing for {record}", record=whose)

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        if there := target_record.module_at(self.record, module, schema):
            yield Write(there.name, FIELD, self.paused)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from target_record.problems(self.record, checking)
        there = target_record.module_at(self.record, checking.module, checking.binder.schema)
        if there and FIELD not in there.by_name:
            told = f"chasing cannot be paused for {there.label.lower()}."
            yield Problem("record", told, 'Pause it for the customer: "record": "account".')

    def plan(self, ctx: Context) -> UpdateRecord:
        target = target_record.target(self.record, ctx)
        return UpdateRecord(
            module=target.module.name, id=target.id, title=target.title, values={FIELD: self.paused}
        )
