"""The action of changing fields, of the record itself or of one it refers to."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine import phrases
from engine.calendar import parse_moment
from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects import Outcome, Unplanned
from engine.effects.records import UpdateRecord
from engine.modules import Module, Schema
from engine.problems import BadValue, Invalid, Problem, join, suggest
from engine.steps import Action, Values, Write


class UpdateFields(Action):
    """Give fields new values: constants, words for days (`today+3d`), or templates."""

    type: Literal["update_fields"] = "update_fields"
    values: Values = Field(description="Field name to new value; null empties a field.")
    record: str = Field(
        "",
        description="A reference of this record (account, project), to change that record instead.",
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "note_day",
        "type": "update_fields",
        "values": {"promise_to_pay_date": "today+7d"},
    }
    icon: ClassVar[str] = "pencil-line"
    gives: ClassVar[tuple[str, ...]] = ("changes",)

    def target(self, module: Module, schema: Any) -> Module | None:
        """The module whose record is changed."""
        try:
            path = schema.path(module, self.record) if self.record else None
        except Invalid:
            return None
        return schema.target(path.field) if path else module

    def say(self, binder: Binder) -> str:
        target = self.target(binder.module, binder.schema) or binder.module
        told = []
        for name, raw in self.values.items():
            field = phrases.field(name, target)
            what = (
                f"the {field} of {phrases.person(self.record, binder)}"
                if self.record
                else f"its {field}"
            )
            told.append(
                f"empty {what}" if raw is None else f"set {what} to {phrases.value(raw, binder)}"
            )
        return phrases.listed(told) or "change nothing"

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        if target := self.target(module, schema):
            for name, value in self.values.items():
                known = not (isinstance(value, str) and ("{{" in value or parse_moment(value)))
                yield Write(target.name, name, value if known else None)

    def check(self, checking: Checking) -> Iterator[Problem]:
        if self.record:
            try:
                checking.binder.schema.path(checking.module, self.record, "record")
            except Invalid as invalid:
                yield invalid.problems[0]
                return
        target = self.target(checking.module, checking.binder.schema)
        if target is None:
            yield Problem(
                "record",
                f"`{self.record}` does not lead to another record.",
                "Name a reference, like account.",
            )
            return
        if not self.values:
            yield Problem(
                "values", "nothing would be changed.", 'Name fields, like {"status": "Overdue"}.'
            )
        yield from values_problems(self.values, target, checking)

    def plan(self, ctx: Context) -> UpdateRecord:
        if not self.record:
            values = resolved(self.values, ctx.binder.module, ctx)
            return UpdateRecord(
                module=ctx.binder.module.name,
                id=ctx.record.id,
                title=ctx.record.number,
                values=values,
            )
        path = ctx.binder.schema.path(ctx.binder.module, self.record)
        target, id = ctx.binder.schema.target(path.field), ctx.facts.value(path)
        if target is None or id is None:
            raise Unplanned(Outcome("skipped", f"no {path.title} on {ctx.record.number}"))
        return UpdateRecord(
            module=target.name,
            id=id,
            title=f"its {path.title}",
            values=resolved(self.values, target, ctx),
        )


def values_problems(
    values: dict[str, JsonValue], target: Module, checking: Checking
) -> Iterator[Problem]:
    """What is wrong with values meant for a module's fields."""
    for name, raw in values.items():
        path = join("values", name)
        if name in target.by_name:
            yield from checking.value(target.by_name[name], raw, path)
        else:
            yield Problem(
                path,
                f"there is no field `{name}` in {target.label}.",
                suggest(name, target.by_name, "Fields"),
            )


def resolved(values: dict[str, Any], target: Module, ctx: Context) -> dict[str, JsonValue]:
    """The values as JSON, with words for days turned into days. Raises `Unplanned`."""
    kept: dict[str, JsonValue] = {}
    for name, raw in values.items():
        field = target.field(name)
        try:
            if field.kind == "date" and isinstance(raw, str) and raw.strip():
                raw = ctx.day(raw)
            elif field.kind == "datetime" and isinstance(raw, str) and raw.strip():
                raw = ctx.moment(raw)
            named = field.type in ("reference", "owner") and isinstance(raw, str)
            kept[name] = (
                (ctx.handle(raw) if field.type == "owner" else raw)
                if named
                else field.dump(field.parse(raw))
            )
        except BadValue as bad:
            raise Unplanned(
                Outcome("failed", f"{field.title}: {bad.message} {bad.remedy}".strip())
            ) from None
    return kept
