"""The step that goes one way or the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from engine.checking import Checking
from engine.conditions import Binder, Condition, bind
from engine.conditions.readings import holds
from engine.conditions.words import describe, reasons
from engine.context import Context
from engine.problems import Problem
from engine.steps import Enter, Move, Step

if TYPE_CHECKING:
    AnyStep = Step


class If(Step):
    """Go one way where the conditions hold of the record now, the other way where they do not."""

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
    look: ClassVar[Literal["if", "wait", "outside", "action", "end"]] = "if"

    def branches(self) -> Mapping[str, tuple[Step, ...]]:
        return {"then": self.then, "else": self.otherwise}

    def say(self, binder: Binder) -> str:
        return f"if {describe(self.conditions, binder)}"

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from checking.condition(self.conditions, "conditions", event=False)
        if not (self.then or self.otherwise):
            yield Problem(
                "then", "neither way leads anywhere.", "Put steps under `then` or `else`."
            )

    def decide(self, ctx: Context) -> Move:
        true_of = holds(bind(self.conditions, ctx.binder), ctx.facts)
        said = reasons(self.conditions, ctx.binder, ctx.facts).said
        return Enter("then" if true_of else "else", f"{'Yes' if true_of else 'No'}: {said}")
