"""The step that goes one way or the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.grouping import differs
from engine.blocks.step import Enter, Look, Move, Step
from engine.conditions import Binder, Condition, bind, results
from engine.conditions.readings import holds
from engine.conditions.words import reasons
from engine.phrases import mark, say
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
    of_group: Literal["some", "every"] | None = Field(
        None,
        description="With `group_by`: whether the conditions must hold of `some` of the records "
        "taken together (one is enough), or of `every` one of them.",
    )
    known_as: ClassVar[tuple[str, ...]] = ("branch", "condition", "switch")
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
        return say("if {condition}", condition=self.asked_words(binder))

    def asked_words(self, binder: Binder) -> str:
        """What it asks, and of how many where records are taken together."""
        told, records = results.told(self.conditions, binder), binder.module.label.lower()
        match self.of_group:
            case "some":
                phrase = mark("of one or more of the {records} {condition}")
            case "every":
                phrase = mark("of every one of the {records} {condition}")
            case None:
                return told
        return say(phrase, records=records, condition=told)

    def asked(self) -> Iterable[tuple[str, Condition]]:
        return (("", self.conditions),)

    def check(self, checking: Checking) -> Iterator[Problem]:
        for part in results.asked(self.conditions):
            if problem := checking.result(part.field.split(".")[1:], "conditions"):
                yield problem
                return
        condition, binder = results.lifted(self.conditions, checking.binder)
        yield from replace(checking, binder=binder).condition(condition, "conditions", event=False)
        yield from self._check_group(checking)
        if not (self.then or self.otherwise):
            yield Problem(
                "then", "neither way leads anywhere.", "Put steps under `then` or `else`."
            )

    def differs(self, binder: Binder, group_by: str) -> bool:
        """Whether it may hold of some of the records taken together, and not of others."""
        return bool(group_by) and differs(self.conditions, binder, group_by)

    def _check_group(self, checking: Checking) -> Iterator[Problem]:
        if self.of_group and not checking.grouped:
            told = "each record has a run of its own: none are taken together."
            yield Problem("of_group", told, "Leave it out, or add `group_by`.")
        elif not self.of_group and self.differs(checking.binder, checking.group_by):
            told = "this may hold of some of the records that are taken together, and not of others"
            remedy = 'Say of how many it must: "of_group": "some", or "every".'
            yield Problem("of_group", f"{told}.", remedy)

    def decide(self, ctx: Context) -> Move:
        """Of records taken together some must fit, unless every one has to."""
        condition, binder = results.lifted(self.conditions, ctx.binder)
        bound, every, together = bind(condition, binder), self.of_group == "every", ctx.each()
        seen = [
            (each, results.found(self.conditions, each.facts, each.data["steps"]))
            for each in together or [ctx]
        ]
        decisive = next((it for it in seen if holds(bound, it[1]) != every), None)
        yes = (decisive is None) == every
        each, facts = decisive or seen[0]
        said = reasons(condition, binder, facts).said
        whose = f"{each.record.number}, " if len(together) > 1 else ""
        return Enter("then" if yes else "else", f"{'Yes' if yes else 'No'}: {whose}{said}")
