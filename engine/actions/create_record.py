"""The action of creating a record of any module, with the lines of this one if wanted."""

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine import phrases
from engine.actions.update_fields import resolved, values_problems
from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects.records import CreateRecord as Create
from engine.modules import Module, Schema
from engine.problems import Problem, suggest
from engine.steps import Action, Values, Write


class CreateRecord(Action):
    """Create a record. A field of it that refers to this module is filled in by itself."""

    type: Literal["create_record"] = "create_record"
    module: str = Field(description="The module of the new record.")
    values: Values = Field({}, description="Field name to value; templates keep their type.")
    copy_lines: bool = Field(False, description="Give the new record the same lines as this one.")
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
        name = target.singular if target else self.module
        parts = list(self._given(target or binder.module, binder))
        return f"create {phrases.article(name)}{' with ' if parts else ''}{phrases.listed(parts)}"

    def _given(self, target: Module, binder: Binder) -> Iterator[str]:
        """What the new record is given; first what it takes over as it is."""
        same = [name for name, raw in self.values.items() if raw == f"{{{{ record.{name} }}}}"]
        if self.copy_lines or same:
            taken = [
                *(["lines"] if self.copy_lines else []),
                *map(partial(phrases.field, module=target), same),
            ]
            yield f"the same {phrases.listed(taken)}"
        for name, raw in self.values.items():
            if name not in same:
                yield f"{phrases.field(name, target)} {phrases.value(raw, binder)}"

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
        if self.copy_lines and not (schema.lines(checking.module) and schema.lines(target)):
            yield Problem(
                "copy_lines",
                f"{checking.module.label} and {target.label} do not both have lines.",
                "Leave it out.",
            )

    def plan(self, ctx: Context) -> Create:
        schema = ctx.binder.schema
        target = schema.module(self.module)
        values = resolved(self.values, target, ctx)
        link = self._link(target, ctx.binder.module)
        if link:
            values.setdefault(link, ctx.record.id)
        if ctx.own("owner") and "owner" not in values:
            values["owner"] = ctx.own("owner")
        lines = schema.lines(target) if self.copy_lines else None
        copied = tuple(_fitting(line, lines[0]) for line in ctx.lines()) if lines else ()
        return Create(
            module=self.module,
            title=f"a {target.singular.lower()}",
            values=values,
            lines_module=lines[0].name if lines else "",
            lines_field=lines[1].name if lines else "",
            lines=copied,
        )

    def _link(self, target: Module, module: Module) -> str | None:
        links = [field.name for field in target.references(module.name)]
        return links[0] if len(links) == 1 else None


def _fitting(line: dict[str, Any], target: Module) -> dict[str, JsonValue]:
    """The values of a line that the other module's lines have a field for."""
    parent = target.lines_of.field if target.lines_of else ""
    own = [field for field in target.fields if not field.computed and field.name != parent]
    return {
        field.name: field.dump(field.parse(line.get(field.name)))
        for field in own
        if field.name in line
    }
