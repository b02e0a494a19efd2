"""The action of changing fields: of the record, of one it refers to, or of one that is found."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.blocks import target_record, templated_conditions, words
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Values, Write
from engine.company.calendar import parse_moment
from engine.conditions import Binder, Condition
from engine.conditions.words import describe
from engine.effects import Outcome, Unplanned
from engine.effects.records import UpdateRecord
from engine.phrases import listed, say
from engine.problems import BadValue, Invalid, KnownAs, Problem, join, suggest
from engine.records.named import Subject
from engine.records.states import Result
from engine.schema.modules import Module, Schema
from engine.templates import TextProblem, fixed, parse


class Find(BaseModel):
    """One record of any module, found by what is true of it. Several are an error, not a guess."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str = Field(description="Where to look.")
    where: Condition = Field(description="What must be true of it; values may be templates.")


class UpdateFields(Action):
    """Give fields new values: constants, words for days (`today+3d`), or templates."""

    type: Literal["update_fields"] = "update_fields"
    values: Annotated[Values, KnownAs(("fields", "set", "changes"))] = Field(
        description="Field name to new value; null empties a field."
    )
    record: str = Field("", description=target_record.WORDS)
    find: Find | None = Field(
        None, description="The one record, of any module, to change instead: module and where."
    )
    known_as: ClassVar[tuple[str, ...]] = (
        "update_record",
        "set_field",
        "set_fields",
        "update",
        "set",
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "note_day",
        "type": "update_fields",
        "values": {"promise_to_pay_date": "today+7d"},
    }
    icon: ClassVar[str] = "pencil-line"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def target(self, module: Module, schema: Schema) -> Module | None:
        """The module whose record is changed."""
        if self.find:
            return schema.modules.get(self.find.module)
        return target_record.module_at(self.record, module, schema)

    def say(self, binder: Binder) -> str:
        target = self.target(binder.module, binder.schema) or binder.module
        told = []
        for name, raw in self.values.items():
            what = self._field(words.field(name, target), target, binder)
            if raw is None:
                told.append(say("empty {field}", field=what))
            else:
                value = words.value(raw, binder)
                told.append(say("set {field} to {value}", field=what, value=value))
        return listed(told) or say("change nothing")

    def _field(self, field: str, target: Module, binder: Binder) -> str:
        if self.find:
            return say(
                "the {field} of the {record} of which {condition}",
                field=field,
                record=target.singular.lower(),
                condition=self._sought(binder),
            )
        if self.record:
            whose = words.person(self.record, binder)
            return say("the {field} of {record}", field=field, record=whose)
        return say("its {field}", field=field)

    def _sought(self, binder: Binder) -> str:
        """What is asked of the record to be found, in words."""
        if self.find is None or self.find.module not in binder.schema.modules:
            return ""
        there = binder.of(binder.schema.module(self.find.module))
        return words.spoken(describe(self.find.where, there), binder, None)

    def templates(self) -> dict[str, Any]:
        found = {"find": templated_conditions.written(self.find.where)} if self.find else {}
        return {**super().templates(), **found}

    def asked(self) -> Iterable[tuple[str, Condition]]:
        return ((self.find.module, self.find.where),) if self.find else ()

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        if target := self.target(module, schema):
            yield from written(self.values, target.name)

    def check(self, checking: Checking) -> Iterator[Problem]:
        found = list(self._target_problems(checking))
        yield from found
        target = self.target(checking.module, checking.binder.schema)
        if found or target is None:
            return
        if not self.values:
            yield Problem(
                "values", "nothing would be changed.", 'Name fields, like {"status": "Overdue"}.'
            )
        yield from values_problems(self.values, target, checking)

    def _target_problems(self, checking: Checking) -> Iterator[Problem]:
        yield from target_record.problems(self.record, checking)
        if not self.find:
            return
        modules = checking.binder.schema.modules
        if self.record:
            told = "two records are named: one by reference, one to be found."
            yield Problem("find", told, "Leave out `record` or `find`.")
        if self.find.module not in modules:
            told = f"there is no module `{self.find.module}`."
            yield Problem("find.module", told, suggest(self.find.module, modules, "Modules"))
            return
        there = modules[self.find.module]
        yield from templated_conditions.problems(self.find.where, there, checking, "find.where")

    def plan(self, ctx: Context) -> UpdateRecord:
        if self.find:
            there = ctx.binder.schema.module(self.find.module)
            found = self._found(self.find, there, ctx)
            id, title = found.id, found.number
        else:
            target = target_record.target(self.record, ctx)
            there, id, title = target.module, target.id, target.title
        values = resolved(self.values, there, ctx)
        return UpdateRecord(module=there.name, id=id, title=title, values=values)

    def _found(self, find: Find, module: Module, ctx: Context) -> Subject:
        try:
            asked = templated_conditions.filled(find.where, ctx)
            found = ctx.around.chosen(module, asked, 2)
        except Invalid as invalid:
            raise Unplanned(Outcome(Result.FAILED, f"nothing was looked for: {invalid}")) from None
        if len(found) == 1:
            return found[0]
        sought = describe(asked, ctx.binder.of(module))
        if not found:
            what = f"no {module.singular.lower()}"
            raise Unplanned(Outcome(Result.FAILED, f"{what} was found for which {sought}."))
        told = f"{found[0].number}, {found[1].number} and perhaps others fit: {sought}."
        remedy = "Nothing was changed: narrow `where` to a single record."
        raise Unplanned(Outcome(Result.FAILED, f"{told} {remedy}"))


def written(values: Mapping[str, JsonValue], module: str) -> Iterator[Write]:
    """What new values change in records of a module; one that is worked out from itself moves."""
    for name, value in values.items():
        if not isinstance(value, str):
            yield Write(module, name, value)
        elif fixed(value):
            yield Write(module, name, None if parse_moment(value) else value)
        else:
            yield Write(module, name, moves=bool(_read(value) & values.keys()))


def _read(source: str) -> set[str]:
    """The fields of the record that a template reads."""
    try:
        paths = [path.split(".") for path in parse(source).paths]
    except TextProblem:
        return set()
    return {parts[1] for parts in paths if parts[0] == "record" and len(parts) > 1}


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
                target.instead_of(name, checking.takes(raw)),
            )


def resolved(values: dict[str, Any], target: Module, ctx: Context) -> dict[str, JsonValue]:
    """The values as JSON, with words for days turned into days. Raises `Unplanned`."""
    kept: dict[str, JsonValue] = {}
    for name, raw in values.items():
        field = target.field(name)
        try:
            told = not isinstance(raw, str) or raw.strip()
            if field.kind == "date" and isinstance(raw, str) and told:
                raw = ctx.day(raw)
            elif field.kind == "datetime" and isinstance(raw, (str, date)) and told:
                raw = ctx.moment(raw)
            named = field.type in ("reference", "owner") and isinstance(raw, str)
            kept[name] = (
                (ctx.handle(raw) if field.type == "owner" else raw)
                if named
                else field.dump(field.parse(raw, ctx.binder.calendar.timezone))
            )
        except BadValue as bad:
            raise Unplanned(
                Outcome(Result.FAILED, f"{field.title}: {bad.message} {bad.remedy}".strip())
            ) from None
    return kept
