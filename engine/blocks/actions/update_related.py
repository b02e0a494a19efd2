"""The action of changing the records that belong to this one, as many as are foreseen."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import templated_conditions, words
from engine.blocks.actions.update_fields import resolved, values_problems, written
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Values, Write
from engine.conditions import ALWAYS, Binder, Condition, Related, bind
from engine.conditions.readings import Facts, holds
from engine.conditions.relations import relation
from engine.conditions.words import belonging, describe
from engine.effects import Outcome, Unplanned
from engine.effects.records import UpdateRecord, UpdateRecords
from engine.phrases import figure, listed, mark, say
from engine.problems import Invalid, Problem
from engine.records.states import Result
from engine.schema.modules import Module, Schema

MOST = 1000


class UpdateRelated(Action):
    """Change related records, all or none. Should more fit than foreseen, nothing is changed."""

    type: Literal["update_related"] = "update_related"
    related: str = Field(description="The module of the related records.")
    via: str = Field(
        description="The field of theirs that leads to this record, or a link such as "
        "portfolio_accounts.portfolio."
    )
    where: Condition = Field(ALWAYS, description="Which of them; values may be templates.")
    values: Values = Field(description="Field name to new value; null empties a field.")
    at_most: int = Field(100, ge=1, le=MOST, description="With more than this, nothing is changed.")
    example: ClassVar[dict[str, Any]] = {
        "id": "give_a_week",
        "type": "update_related",
        "related": "invoices",
        "via": "account",
        "where": {"field": "status", "op": "equals", "value": "Sent"},
        "values": {"promise_to_pay_date": "today+7d"},
        "at_most": 50,
    }
    icon: ClassVar[str] = "link"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        there = binder.schema.modules.get(self.related)
        if there is None:
            return say("change its {records}", records=self.related)
        phrase = mark("{changes} for all {records}, {count} at most")
        if self.where != ALWAYS:
            phrase = mark("{changes} for all {records} of which {condition}, {count} at most")
        return say(
            phrase,
            changes=listed(self._changes(there, binder)),
            records=belonging(Related(related=self.related, via=self.via, match="some"), binder),
            condition=words.spoken(describe(self.where, binder.of(there)), binder, None),
            count=figure(self.at_most),
        )

    def _changes(self, there: Module, binder: Binder) -> Iterator[str]:
        for name, raw in self.values.items():
            field, value = words.field(name, there), words.value(raw, binder)
            yield say("set the {field} to {value}", field=field, value=value)

    def templates(self) -> dict[str, Any]:
        return {**super().templates(), "where": templated_conditions.written(self.where)}

    def asked(self) -> Iterable[tuple[str, Condition]]:
        yield "", Related(related=self.related, via=self.via, match="some")
        yield self.related, self.where

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield from written(self.values, self.related)

    def check(self, checking: Checking) -> Iterator[Problem]:
        try:
            there = relation(checking.binder, self.related, self.via, "").module
        except Invalid as invalid:
            yield from invalid.problems
            return
        if not self.values:
            remedy = 'Name fields, like {"status": "Cancelled"}.'
            yield Problem("values", "nothing would be changed.", remedy)
        yield from templated_conditions.problems(self.where, there, checking, "where")
        yield from values_problems(self.values, there, checking)

    def plan(self, ctx: Context) -> UpdateRecord | UpdateRecords:
        link = relation(ctx.binder, self.related, self.via, "")
        binder = ctx.binder.of(link.module)
        asked = templated_conditions.filled(self.where, ctx)
        condition = bind(asked, binder)
        if binder.problems:
            raise Unplanned(
                Outcome(Result.FAILED, f"nothing was changed: {binder.problems[0].message}")
            )
        fitting = [each for each in ctx.facts.related(link) if holds(condition, each)]
        label = link.module.label.lower()
        if not fitting:
            which = "" if asked == ALWAYS else f" for which {describe(asked, binder)}"
            told = f"{ctx.record.number} has no {label}{which}"
            raise Unplanned(Outcome(Result.UNCHANGED, told))
        if len(fitting) > self.at_most:
            told = f"{len(fitting):,} {label} of {ctx.record.number} fit, and {self.at_most:,} are"
            remedy = "Nothing was changed: narrow `where`, or raise `at_most`."
            raise Unplanned(Outcome(Result.FAILED, f"{told} foreseen at most. {remedy}"))
        values = resolved(self.values, link.module, ctx)

        def own(facts: Facts, name: str) -> Any:
            return facts.value(ctx.binder.schema.path(link.module, name))

        changes = tuple(
            UpdateRecord(
                module=self.related, id=own(each, "id"), title=own(each, "number"), values=values
            )
            for each in fitting
        )
        return changes[0] if len(changes) == 1 else UpdateRecords(changes=changes)
