"""The action of creating a record of any module, with the lines of this one if wanted."""

from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks import target_record, words
from engine.blocks.actions.update_fields import resolved, values_problems
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Values, Write
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.records import CreateRecord as Create
from engine.phrases import listed, say
from engine.problems import Problem, suggest
from engine.records.states import Result
from engine.schema.english import article
from engine.schema.fields import Field as FieldOf
from engine.schema.modules import Module, Schema

TOTAL = "total"


class CreateRecord(Action):
    """Create a record. A field of it that refers to this module is filled in by itself."""

    type: Literal["create_record"] = "create_record"
    module: str = Field(description="The module of the new record.")
    values: Values = Field({}, description="Field name to value; templates keep their type.")
    copy_lines: bool = Field(False, description="Give the new record the same lines as this one.")
    line_fields: dict[str, str] = Field(
        {}, description="Field of the new lines to field of these, where they are named otherwise."
    )
    link: str = Field(
        "", description="The field of the new record that leads back, where there are several."
    )
    only_one: bool = Field(False, description="Create none if this record has led to one already.")
    known_as: ClassVar[tuple[str, ...]] = ("create", "add_record", "new_record")
    example: ClassVar[dict[str, Any]] = {
        "id": "open_ticket",
        "type": "create_record",
        "module": "tickets",
        "values": {"title": "Check {{ record.number }}", "account": "{{ record.account }}"},
    }
    icon: ClassVar[str] = "plus"
    gives: ClassVar[tuple[str, ...]] = ("id", "number", "record")

    def say(self, binder: Binder) -> str:
        target = binder.schema.modules.get(self.module)
        name = article(target.singular if target else self.module)
        told = say("create {record}", record=name)
        if given := listed(self._given(target or binder.module, binder)):
            told = say("create {record} with {values}", record=name, values=given)
        if self.link:
            link = words.field(self.link, target) if target else self.link
            told = say("{step}, by its {field}", step=told, field=link)
        if self.only_one:
            whose = target_record.whose("", binder)
            told = say("{step}, unless there is one for {record} already", step=told, record=whose)
        return told

    def _same(self, fields: str) -> str:
        """What it takes over as it is, and which fields of the lines go by another name."""
        told = say("the same {fields}", fields=fields)
        if not self.line_fields:
            return told
        names = (
            (new.replace("_", " "), old.replace("_", " ")) for new, old in self.line_fields.items()
        )
        renamed = listed([say("{old} as {new}", old=old, new=new) for new, old in names])
        return say("{fields} (of lines {renamed})", fields=told, renamed=renamed)

    def _given(self, target: Module, binder: Binder) -> Iterator[str]:
        """What the new record is given; first what it takes over as it is."""
        same = [name for name, raw in self.values.items() if raw == f"{{{{ record.{name} }}}}"]
        if self.copy_lines or same:
            taken = [
                *([say("lines")] if self.copy_lines else []),
                *map(partial(words.field, module=target), same),
            ]
            yield self._same(listed(taken))
        for name, raw in self.values.items():
            if name not in same:
                field, value = words.field(name, target), words.value(raw, binder)
                yield say("{field} {value}", field=field, value=value)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(self.module, "*")

    def check(self, checking: Checking) -> Iterator[Problem]:
        schema = checking.binder.schema
        if self.module not in schema.modules:
            yield Problem(
                "module",
                f"there is no module `{self.module}`.",
                suggest(self.module, schema.modules, "Modules"),
            )
            return
        target = schema.modules[self.module]
        yield from values_problems(self.values, target, checking)
        yield from self._link_problems(target, checking)
        yield from self._line_problems(target, checking)
        link = self._link(target, checking.module)
        for field in target.fields:
            if (
                field.required
                and field.name not in self.values
                and field.default is None
                and field.name != link
            ):
                yield Problem(
                    "values",
                    f"{target.singular} needs {field.title}.",
                    f"Give `{field.name}` a value.",
                )

    def _link_problems(self, target: Module, checking: Checking) -> Iterator[Problem]:
        known = [field.name for field in _links(target, checking.module)]
        if self.link and self.link not in known:
            told = f"`{self.link}` of {target.label} does not lead to {checking.module.label}."
            yield Problem("link", told, suggest(self.link, known, "Fields that do"))
        elif self.only_one and self._link(target, checking.module) is None:
            told = f"nothing tells which {target.label.lower()} this record has led to."
            yield Problem("only_one", told, f"Name the `link`: {', '.join(known) or 'none fits'}.")

    def _line_problems(self, target: Module, checking: Checking) -> Iterator[Problem]:
        schema = checking.binder.schema
        new, old = schema.lines(target), schema.lines(checking.module)
        if not self.copy_lines:
            if self.line_fields:
                yield Problem("line_fields", "no lines are copied.", 'Add "copy_lines": true.')
            return
        if not (new and old):
            yield Problem(
                "copy_lines",
                f"{checking.module.label} and {target.label} do not both have lines.",
                "Leave it out.",
            )
            return
        for name, source in self.line_fields.items():
            for module, field in ((new[0], name), (old[0], source)):
                if field not in module.by_name:
                    told = f"there is no field `{field}` in {module.label}."
                    known = module.instead_of(field)
                    yield Problem(f"line_fields.{name}", told, known)

    def plan(self, ctx: Context) -> Create:
        schema = ctx.binder.schema
        target = schema.module(self.module)
        link = self._link(target, ctx.binder.module)
        if self.only_one and link:
            self._refuse_second(ctx, target, link)
        values = resolved(self.values, target, ctx)
        if link:
            values.setdefault(link, _back(target.field(link), ctx))
        if ctx.own("owner") and "owner" not in values:
            values["owner"] = ctx.own("owner")
        lines = schema.lines(target) if self.copy_lines else None
        copied: tuple[dict[str, JsonValue], ...] = ()
        if lines:
            zone = ctx.binder.calendar.timezone
            copied = tuple(self._fitting(line, lines[0], zone) for line in ctx.lines())
            self._refuse_other_total(ctx, target, values, copied)
        return Create(
            module=self.module,
            title=f"a {target.singular.lower()}",
            values=values,
            lines_module=lines[0].name if lines else "",
            lines_field=lines[1].name if lines else "",
            lines=copied,
        )

    def _refuse_second(self, ctx: Context, target: Module, link: str) -> None:
        back = _back(target.field(link), ctx)
        if known := ctx.around.related(target, link, back):
            row = ctx.around.row(target, known[0]) or {}
            told = f"{ctx.record.number} has led to {row.get('number')} already"
            raise Unplanned(Outcome(Result.UNCHANGED, told))

    def _refuse_other_total(
        self,
        ctx: Context,
        target: Module,
        values: dict[str, JsonValue],
        copied: tuple[dict[str, JsonValue], ...],
    ) -> None:
        """What is copied must add up to the same: of the lines, and of the records themselves."""
        here = sum((_amount(line.get(TOTAL)) for line in ctx.lines()), Decimal(0))
        there = sum((_amount(line.get(TOTAL)) for line in copied), Decimal(0))
        both = TOTAL in target.by_name and TOTAL in ctx.binder.module.by_name
        if both:
            values.setdefault(TOTAL, ctx.binder.module.field(TOTAL).dump(ctx.own(TOTAL)))
        told = f"the {target.singular.lower()} would not have the same total as {ctx.record.number}"
        if here != there:
            why = f"its lines add up to {there}, not to {here}"
        elif both and _amount(values[TOTAL]) != _amount(ctx.own(TOTAL)):
            why = f"{_amount(values[TOTAL])}, not {_amount(ctx.own(TOTAL))}"
        else:
            return
        remedy = "Nothing was created: correct `values` or `line_fields`."
        raise Unplanned(Outcome(Result.FAILED, f"{told}: {why}. {remedy}"))

    def _link(self, target: Module, module: Module) -> str | None:
        """The field that leads back: the one named, or the only one there is."""
        links = target.references(module.name) or _links(target, module)
        return self.link or (links[0].name if len(links) == 1 else None)

    def _fitting(self, line: dict[str, Any], target: Module, zone: tzinfo) -> dict[str, JsonValue]:
        """The values of a line that the other module's lines have a field for."""
        parent = target.lines_of.field if target.lines_of else ""
        own = [field for field in target.fields if not field.computed and field.name != parent]
        sources = {field.name: self.line_fields.get(field.name, field.name) for field in own}
        return {
            field.name: field.dump(field.parse(line.get(sources[field.name]), zone))
            for field in own
            if sources[field.name] in line
        }


def _links(target: Module, module: Module) -> list[FieldOf]:
    """The fields of a module that may lead to a record of another."""
    polymorphic = [field for field in target.fields if field.type == "record"]
    return [*target.references(module.name), *polymorphic]


def _back(link: FieldOf, ctx: Context) -> JsonValue:
    return ctx.record.key if link.type == "record" else ctx.record.id


def _amount(value: Any) -> Decimal:
    return Decimal(str(value or 0))
