"""The action of handing a record to somebody."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine import phrases
from engine.actions.create_task import assignee
from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects import Outcome, Unplanned
from engine.effects.records import UpdateRecord
from engine.modules import Module, Schema
from engine.problems import Problem, suggest
from engine.steps import Action, Text, Write


class Assign(Action):
    """Make a user or group the owner of the record, or give them another of its roles."""

    type: Literal["assign"] = "assign"
    to: Text = Field(description="A user, a group, or a field that holds one.")
    field: str = Field("owner", description="The field that holds the role.")
    example: ClassVar[dict[str, Any]] = {"id": "hand_over", "type": "assign", "to": "admin"}
    icon: ClassVar[str] = "user"
    gives: ClassVar[tuple[str, ...]] = ("changes",)

    def say(self, binder: Binder) -> str:
        role = phrases.field(self.field, binder.module)
        return f"make {phrases.person(self.to, binder)} its {role}"

    def reads(self) -> Iterable[str]:
        return (self.to,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(module.name, self.field, self.to)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from assignee(self.to, checking, "to")
        known = [each.name for each in checking.module.writable if each.type == "owner"]
        if self.field not in known:
            yield Problem(
                "field",
                f"`{self.field}` does not hold a user.",
                suggest(self.field, known, "Fields that do"),
            )

    def plan(self, ctx: Context) -> UpdateRecord:
        who = ctx.handle(self.to)
        if not who:
            raise Unplanned(
                Outcome("failed", f"nobody to assign {ctx.record.number} to: {self.to} is empty.")
            )
        module = ctx.binder.module.name
        return UpdateRecord(
            module=module, id=ctx.record.id, title=ctx.record.number, values={self.field: who}
        )
