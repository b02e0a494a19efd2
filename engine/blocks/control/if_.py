"""The step that goes one way or the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Enter, Look, Move, Step
from engine.conditions import Binder, Condition, bind, results
from engine.conditions.readings import holds
from engine.conditions.words import reasons
from engine.problems import Problem

if TYPE_CHECKING:
    AnyStep = Step


class If(Step):
    """Go one way where the conditions hold of the record now, the other way where they do not.

    They may ask what an earlier step gave too, by `steps.ID.KEY` in the place of a field.
    """

    type: Literal["if"] = "if"
    conditions: Condition
    then: tuple[AnyStep, ...] = ()
    otherwise: tuple[AnyStep, ...] = Field((), alias="else")
    example: ClassVar[dict[str, Any]] = {
        "id": "big",
        "type": "if",
        "conditions": {"field": "balance", "op": "at_least", "value": 10000},
        "then": [{"id": "log_big", "type": "add_note", "text": "A big one"}],
        "else": [],
    }
    icon: ClassVar[str] = "split"
    look: ClassVar[Look] = "if"

    def branches(self) -> Mapping[str, tuple[Step, ...]]:
        return {"then": self.then, "else": self.otherwise}

    def say(self, binder: Binder) -> str:
        return f"if {results.told(self.conditions, binder)}"

    def asked(self) -> Iterable[tuple[str, Condition]]:
        return (("", self.conditions),)

    def check(self, checking: Checking) -> Iterator[Problem]:
        for part in results.asked(self.conditions):
            if problem := checking.result(part.field.split(".")[1:], "conditions"):
                yield problem
                return
        condition, binder = results.lifted(self.conditions, checking.binder)
        yield from replace(checking, binder=binder).condition(condition, "conditions", event=False)
        if not (self.then or self.otherwise):
            yield Problem(
                "then", "neither way leads anywhere.", "Put steps under `then` or `else`."
            )

    def decide(self, ctx: Context) -> Move:
        condition, binder = results.lifted(self.conditions, ctx.binder)
        facts = results.found(self.conditions, ctx.facts, ctx.data["steps"])
        true_of = holds(bind(condition, binder), facts)
        said = reasons(condition, binder, facts).said
        return Enter("then" if true_of else "else", f"{'Yes' if true_of else 'No'}: {said}")
