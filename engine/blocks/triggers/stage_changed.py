"""A record that moves from one stage to another starts the workflow."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.checking import Checking
from engine.blocks.triggers import Listen, Trigger
from engine.conditions import AllOf, Binder, Compare, Condition
from engine.phrases import mark, say
from engine.problems import Problem
from engine.schema.english import article

# In words, by whether it says from which stage, and to which.
CHANGES = {
    (False, False): mark("When the {field} of {record} changes"),
    (True, False): mark("When the {field} of {record} changes from “{source}”"),
    (False, True): mark("When the {field} of {record} changes to “{goal}”"),
    (True, True): mark("When the {field} of {record} changes from “{source}” to “{goal}”"),
}


class StageChanged(Trigger):
    """Starts when a record's stage goes from one given value (or any) to another (or any)."""

    type: Literal["stage_changed"] = "stage_changed"
    field: str = Field("stage", description="The field that holds the stage.")
    from_: str | None = Field(None, alias="from", description="Only from this stage.")
    to: str | None = Field(None, description="Only to this stage.")
    example: ClassVar[dict[str, Any]] = {"type": "stage_changed", "field": "status", "to": "Sent"}
    icon: ClassVar[str] = "shuffle"

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("modified", frozenset({self.field})),)

    def condition(self) -> Condition:
        asked = [Compare(field=self.field, op="changed")]
        if self.from_:
            asked.append(Compare(field=self.field, op="changed_from", value=self.from_))
        if self.to:
            asked.append(Compare(field=self.field, op="changed_to", value=self.to))
        return AllOf(all=tuple(asked))

    def say(self, binder: Binder) -> str:
        field = binder.module.by_name.get(self.field)
        name = field.title.lower() if field else self.field
        return say(
            CHANGES[bool(self.from_), bool(self.to)],
            field=name,
            record=article(binder.module.singular),
            source=self.from_,
            goal=self.to,
        )

    def check(self, checking: Checking) -> Iterator[Problem]:
        for problem in checking.condition(self.condition(), "", event=True):
            key = {"all.1.value": "from", "all.2.value": "to"}.get(problem.path, "field")
            last = "to" if self.from_ is None and problem.path == "all.1.value" else key
            yield Problem(last, problem.message, problem.remedy)
