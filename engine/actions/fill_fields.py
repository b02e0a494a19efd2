"""The AI action: a model reads the record and fills fields of it, and nothing else."""

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine import phrases
from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects import Outcome, Unplanned
from engine.effects.model import AskModel
from engine.modules import Module, Schema
from engine.problems import Invalid, Problem, suggest
from engine.steps import Action, Text, Write

SYSTEM = files("prompts").joinpath("fill_fields.md").read_text()
LONGEST = 20_000


class FillFields(Action):
    """Ask a model for values of some fields. Only these change, and only to what they can hold."""

    type: Literal["fill_fields"] = "fill_fields"
    prompt: Text = Field(description="What to find out, in plain words.", min_length=1)
    fields: dict[str, str] = Field(description="Field to fill, and what should stand in it.")
    inputs: tuple[str, ...] = Field(
        (), description="Fields the model may read; left out, all that are not sensitive."
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "classify",
        "type": "fill_fields",
        "prompt": "Classify this ticket.",
        "fields": {"category": "What it is about", "suggested_priority": "How urgent it is"},
        "inputs": ["title", "description"],
    }
    icon: ClassVar[str] = "sparkles"
    look: ClassVar[Literal["if", "wait", "outside", "action", "end"]] = "outside"

    def keys(self) -> tuple[str, ...]:
        return tuple(self.fields)

    def say(self, binder: Binder) -> str:
        return f"ask AI to fill in its {phrases.fields(self.fields, binder.module) or 'fields'}"

    def reads(self) -> Iterable[str]:
        return self.inputs

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        for name in self.fields:
            yield Write(module.name, name)

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not self.fields:
            yield Problem(
                "fields",
                "no field would be filled.",
                'Name fields, like {"category": "What it is about"}.',
            )
        for name in self.fields:
            field = checking.module.by_name.get(name)
            if field is None:
                known = suggest(name, checking.module.by_name, "Fields")
                yield Problem(
                    f"fields.{name}",
                    f"there is no field `{name}` in {checking.module.label}.",
                    known,
                )
            elif (
                field.computed
                or field.builtin
                or field.kind in ("reference", "json")
                or field.type in ("owner", "owners")
            ):
                yield Problem(
                    f"fields.{name}",
                    f"{field.title} cannot be filled by a model.",
                    "Choose text, a number, a date or a picklist.",
                )
        for position, name in enumerate(self.inputs):
            try:
                checking.binder.schema.path(checking.module, name, f"inputs.{position}")
            except Invalid as invalid:
                yield invalid.problems[0]

    def plan(self, ctx: Context) -> AskModel:
        seen = self._seen(ctx)
        if not any(seen.values()):
            raise Unplanned(
                Outcome(
                    "failed",
                    f"there is nothing to read on {ctx.record.number}; no field was changed.",
                )
            )
        data = json.dumps(seen, ensure_ascii=False, indent=1)[:LONGEST].replace("</record>", "")
        return AskModel(
            module=ctx.binder.module.name,
            id=ctx.record.id,
            title=ctx.record.number,
            system=SYSTEM,
            prompt=f"<task>\n{self.prompt}\n</task>\n<record>\n{data}\n</record>",
            fields=tuple(ctx.binder.module.field(name) for name in self.fields),
            instructions=self.fields,
        )

    def _seen(self, ctx: Context) -> dict[str, JsonValue]:
        """What the model may read: the named fields, or all that are filled and not sensitive."""
        module, schema = ctx.binder.module, ctx.binder.schema
        open_fields = (
            []
            if module.sensitive
            else [
                name
                for name, field in module.by_name.items()
                if not (field.sensitive or field.builtin or name in self.fields)
            ]
        )
        seen: dict[str, JsonValue] = {}
        for name in self.inputs or open_fields:
            path = schema.path(module, name)
            if (value := ctx.facts.value(path)) is not None:
                seen[path.title] = path.field.dump(value)
        return seen
