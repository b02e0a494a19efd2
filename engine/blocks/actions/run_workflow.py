"""The action of starting another workflow."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import target_record
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.handing_on import StartWorkflow
from engine.phrases import mark, say
from engine.problems import Problem, suggest
from engine.records.states import Result


class RunWorkflow(Action):
    """Start another active workflow for this record, or for one it refers to.

    That workflow's conditions and recurrence count as ever; no circle is closed.
    """

    type: Literal["run_workflow"] = "run_workflow"
    workflow: int | str = Field(description="The workflow, by its number or its exact name.")
    record: str = Field(
        "", description="A reference of this record (account), to start it for that record."
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "escalate",
        "type": "run_workflow",
        "workflow": "Accounts - Escalate",
        "record": "account",
    }
    icon: ClassVar[str] = "workflow"
    gives: ClassVar[tuple[str, ...]] = ("run", "count")
    for_all: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        told = mark("start “{workflow}” for {record}")
        if isinstance(self.workflow, int):
            told = mark("start “workflow {workflow}” for {record}")
        return say(told, workflow=self.workflow, record=target_record.whose(self.record, binder))

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def starts(self) -> Iterable[int | str]:
        return (self.workflow,)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from target_record.problems(self.record, checking)
        found = [each for each in checking.others if self.workflow in (each.id, each.name)]
        if len(found) != 1:
            told = f"there is no single active workflow `{self.workflow}`."
            known = [each.name for each in checking.others]
            remedy = suggest(str(self.workflow), known, "Active are") or "Activate it first."
            yield Problem("workflow", told, remedy)
            return
        there = target_record.module_at(self.record, checking.module, checking.binder.schema)
        if there and found[0].module != there.name:
            told = f"“{found[0].name}” is about {found[0].module}, not about {there.name}."
            yield Problem("record", told, "Name the reference that leads to such a record.")

    def plan(self, ctx: Context) -> StartWorkflow:
        other = ctx.around.workflow(self.workflow)
        if other is None:
            told = f"there is no single active workflow “{self.workflow}”."
            raise Unplanned(Outcome(Result.FAILED, f"{told} Activate it, then try again."))
        found = [target_record.target(self.record, one) for one in ctx.each()]
        records = {target.id: target.title for target in found}
        return StartWorkflow(
            workflow=other.id,
            name=other.name,
            module=found[0].module.name,
            records=tuple(records.items()),
        )
