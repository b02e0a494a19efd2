"""The action of handing a record to somebody."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import words
from engine.blocks.actions.create_task import assignee, group
from engine.blocks.checking import Checking
from engine.blocks.context import ON_DUTY, Context
from engine.blocks.step import Action, Text, Write
from engine.conditions import Binder
from engine.effects import Effect, Outcome, Unplanned
from engine.effects.assigning import AssignInTurn
from engine.effects.records import UpdateRecord, together
from engine.phrases import say
from engine.problems import Problem, suggest
from engine.records.states import Result
from engine.schema.modules import Module, Schema

IN_TURN = "round_robin:"


class Assign(Action):
    """Make a user or group the owner of the record, or give them another of its roles."""

    type: Literal["assign"] = "assign"
    to: Text = Field(
        description="A user, a group, a field that holds one; on_duty:Group for whoever is on duty "
        "there, round_robin:Group for its members in turn."
    )
    field: str = Field("owner", description="The field that holds the role.")
    known_as: ClassVar[tuple[str, ...]] = ("assign_owner", "set_owner")
    example: ClassVar[dict[str, Any]] = {"id": "hand_over", "type": "assign", "to": "admin"}
    icon: ClassVar[str] = "user-check"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records", "assigned")
    for_all: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        role = words.field(self.field, binder.module)
        if self.to.startswith(IN_TURN):
            group = self.to.removeprefix(IN_TURN)
            who = say("the next in turn of the group {group}", group=group)
        elif self.to.startswith(ON_DUTY):
            group = self.to.removeprefix(ON_DUTY)
            who = say("whoever is on duty in the group {group}", group=group)
        else:
            who = words.person(self.to, binder)
        return say("make {person} its {role}", person=who, role=role)

    def reads(self) -> Iterable[str]:
        return (self.to,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        named = ":" in self.to or "{{" in self.to or self.to in module.by_name
        in_turn = self.to.startswith(IN_TURN)
        yield Write(module.name, self.field, None if named else self.to, moves=in_turn)

    def check(self, checking: Checking) -> Iterator[Problem]:
        if self.to.startswith(IN_TURN):
            yield from group(self.to.removeprefix(IN_TURN), checking, "to")
        else:
            yield from assignee(self.to, checking, "to")
        known = [each.name for each in checking.module.writable if each.type == "owner"]
        if self.field not in known:
            yield Problem(
                "field",
                f"`{self.field}` does not hold a user.",
                suggest(self.field, known, "Fields that do"),
            )

    def plan(self, ctx: Context) -> Effect:
        if self.to.startswith(IN_TURN):
            return self._in_turn(self.to.removeprefix(IN_TURN), ctx)
        return together([self._handed(one) for one in ctx.each()])

    def _handed(self, ctx: Context) -> UpdateRecord:
        who = ctx.handle(self.to)
        if not who:
            told = f"nobody to assign {ctx.record.number} to: {self.to} is empty."
            raise Unplanned(Outcome(Result.FAILED, told))
        if ctx.absent(who):
            told = f"{ctx.record.number} was not assigned: {who} is not active any more."
            raise Unplanned(Outcome(Result.FAILED, f"{told} Name somebody else."))
        module = ctx.binder.module.name
        return UpdateRecord(
            module=module, id=ctx.record.id, title=ctx.record.number, values={self.field: who}
        )

    def _in_turn(self, group: str, ctx: Context) -> AssignInTurn:
        """One turn for all records of the run."""
        expected = ctx.around.next_in_turn(group)
        if expected is None:
            told = f"nobody of the group {group} is there to take {ctx.record.number}."
            raise Unplanned(Outcome(Result.FAILED, f"{told} Add an active user to it."))
        return AssignInTurn(
            group=group,
            field=self.field,
            module=ctx.binder.module.name,
            records=tuple((one.record.id, one.record.number) for one in ctx.each()),
            expected=expected,
        )
