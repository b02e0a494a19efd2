"""The AI action: a model reads the record and fills fields of it, and nothing else."""

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks import words
from engine.blocks.attach_words import ALL
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.disclosures import everything, fields_told, setting, whole
from engine.blocks.rights import Host, Need, Right
from engine.blocks.step import Action, Look, Text, Write
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.model import SETTING, AskModel
from engine.phrases import listed, mark, say
from engine.problems import Invalid, Problem
from engine.records.states import Result
from engine.schema.modules import Module, Path, Schema
from engine.schema.stored_files import Attachment

SYSTEM = files("prompts").joinpath("fill_fields.md").read_text()
LONGEST, LONGEST_VALUE = 20_000, 4_000


class FillFields(Action):
    """Ask a model for values of some fields. Only these change, and only to what they can hold."""

    type: Literal["fill_fields"] = "fill_fields"
    prompt: Text = Field(description="What to find out, in plain words.", min_length=1)
    fields: dict[str, str] = Field(description="Field to fill, and what should stand in it.")
    inputs: tuple[str, ...] = Field(
        (),
        description="Fields the model may read; left out, all that are not sensitive, those of the "
        "records it refers to, its lines, and the company.",
    )
    leave_out: tuple[str, ...] = Field(
        (), description="Fields and references the model may not read, where `inputs` is left out."
    )
    documents: bool | None = Field(
        None,
        description="Whether it reads the record's files: text, PDFs and pictures. Left out, it "
        "does, unless `inputs` says what it may read.",
    )
    example: ClassVar[dict[str, Any]] = {
        "id": "classify",
        "type": "fill_fields",
        "prompt": "Classify this ticket.",
        "fields": {"category": "What it is about", "suggested_priority": "How urgent it is"},
        "inputs": ["title", "description"],
    }
    icon: ClassVar[str] = "sparkles"
    look: ClassVar[Look] = "outside"

    def keys(self) -> tuple[str, ...]:
        return tuple(self.fields)

    def say(self, binder: Binder) -> str:
        module = binder.module
        asked = [
            say("{field} (“{meaning}”)", field=words.field(name, module), meaning=what)
            for name, what in self.fields.items()
        ]
        fields, sources = listed(asked) or say("fields"), self._read(binder)
        return say("ask AI to fill in its {fields}, from {sources}", fields=fields, sources=sources)

    def _read(self, binder: Binder) -> str:
        """What the model may read, in words."""
        reads = not self.inputs if self.documents is None else self.documents
        told = self._fields_read(binder)
        return say("{sources} and its files", sources=told) if reads else told

    def _fields_read(self, binder: Binder) -> str:
        if self.inputs:
            inputs = listed([words.path(name, binder) for name in self.inputs])
            return say("its {fields}", fields=inputs)
        left = [say("no {field}", field=words.path(name, binder)) for name in self.leave_out]
        if not left:
            return say("all of it and of what it refers to (nothing sensitive)")
        told = mark("all of it and of what it refers to (nothing sensitive, {left})")
        return say(told, left=say(", ").join(left))

    def reads(self) -> Iterable[str]:
        return self.inputs

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        for name in self.fields:
            yield Write(module.name, name, moves=name in self.inputs)

    def hosts(self) -> Iterable[Host]:
        return (Host(setting=SETTING),)

    def may(self, binder: Binder) -> Iterator[Right]:
        yield Right("ask", "model", say("the model"), say("Asks a model"))
        if self.inputs:
            paths = (f"record.{name}" for name in self.inputs)
            yield from fields_told(paths, setting("inputs"), binder)
        elif not binder.module.sensitive:
            yield everything(binder.module, setting("inputs"), self._shown(binder.module))

    def _shown(self, module: Module) -> str:
        """What the model reads of the record and beside it, in words."""
        told = whole(module)
        if self.leave_out:
            told = say("{data} but {fields}", data=told, fields=listed(self.leave_out))
        if self.documents is False:
            return say("{data}, what it refers to, its lines", data=told)
        return say("{data}, what it refers to, its lines and its files", data=told)

    def needs(self) -> Iterable[Need]:
        told = "no model is set up: this step would fail."
        yield Need(
            "a model", lambda world, _: world.model is not None, told, f"Set {SETTING} and restart."
        )

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
                known = checking.module.instead_of(name)
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
        for key, names in (("inputs", self.inputs), ("leave_out", self.leave_out)):
            for position, name in enumerate(names):
                try:
                    checking.binder.schema.path(checking.module, name, f"{key}.{position}")
                except Invalid as invalid:
                    yield invalid.problems[0]

    def plan(self, ctx: Context) -> AskModel:
        seen, files = self._seen(ctx), self._files(ctx)
        if not any(seen.values()) and not files:
            raise Unplanned(
                Outcome(
                    Result.FAILED,
                    f"there is nothing to read on {ctx.record.number}; no field was changed.",
                )
            )
        parts = {
            "task": self.prompt,
            "module": self._described(ctx.binder.module),
            "company": _company(ctx),
            "record": json.dumps(seen, ensure_ascii=False, indent=1)[:LONGEST],
        }
        told = [f"<{tag}>\n{_inside(tag, text)}\n</{tag}>" for tag, text in parts.items()]
        return AskModel(
            module=ctx.binder.module.name,
            id=ctx.record.id,
            title=ctx.record.number,
            system=SYSTEM,
            prompt="\n".join(told),
            fields=tuple(ctx.binder.module.field(name) for name in self.fields),
            instructions=self.fields,
            timezone=str(ctx.binder.calendar.timezone),
            prompt_alone=any(seen.values()) and self._tells(ctx),
            files=files,
        )

    def _tells(self, ctx: Context) -> bool:
        """Whether the record tells anything by itself: one that is a file does by its text."""
        fields = ctx.binder.module.fields
        if not any(field.type == "file" and ctx.own(field.name) for field in fields):
            return True
        return any(field.type == "longtext" and ctx.own(field.name) for field in fields)

    def _files(self, ctx: Context) -> tuple[Attachment, ...]:
        """The record's files, and that of a document; none that belong to a sensitive module."""
        wanted = not self.inputs if self.documents is None else self.documents
        if not wanted or ctx.binder.module.sensitive:
            return ()
        own = [field.name for field in ctx.binder.module.fields if field.type == "file"]
        given = [*(name for name in own if ctx.own(name)), ALL]
        return tuple(file for word in given for file in ctx.attached_files([word]).files)

    def _described(self, module: Module) -> str:
        """The fields of the module: what people call them, their types and choices."""
        told = []
        for name, field in module.by_name.items():
            if field.sensitive or field.builtin or name in self.leave_out:
                continue
            choices = f": {' | '.join(field.options)}" if field.options else ""
            told.append(f"{field.title} ({field.type}{choices})")
        return f"{module.label}\n" + "\n".join(told)

    def _seen(self, ctx: Context) -> dict[str, JsonValue]:
        """What the model may read: the named fields, or all that are filled and not sensitive."""
        module = ctx.binder.module
        if self.inputs:
            return _values(self.inputs, ctx)
        if module.sensitive:
            return {}
        own = [name for name in _open(module) if name not in (*self.fields, *self.leave_out)]
        seen = _values(own, ctx)
        for field in module.fields:
            there = ctx.binder.schema.target(field) if field.type == "reference" else None
            if there and not there.sensitive and field.name in own:
                inside = _values([f"{field.name}.{name}" for name in _open(there)], ctx)
                seen |= {title: value for title, value in inside.items() if value not in ("", [])}
        if lines := [_line(row) for row in ctx.lines()]:
            seen["Lines"] = lines
        return seen


def _open(module: Module) -> list[str]:
    """The fields that anybody may read."""
    fields = module.by_name.items()
    return [name for name, field in fields if not (field.sensitive or field.builtin)]


def _values(names: Iterable[str], ctx: Context) -> dict[str, JsonValue]:
    seen: dict[str, JsonValue] = {}
    for name in names:
        path = ctx.binder.schema.path(ctx.binder.module, name)
        if path.hops and path.field.computed:
            continue
        if (value := ctx.facts.value(path)) is None:
            continue
        told = _called(path, value, ctx)
        seen[path.title] = told[:LONGEST_VALUE] if isinstance(told, str) else told
    return seen


def _called(path: Path, value: Any, ctx: Context) -> JsonValue:
    """A value as people read it: of another record its name."""
    there = ctx.binder.schema.target(path.field) if path.field.type == "reference" else None
    row = ctx.look(f"{there.name}/{value}") if there else None
    return str(row.get(there.name_field)) if there and row else path.field.dump(value)


def _line(row: dict[str, Any]) -> JsonValue:
    return {name: str(value) for name, value in row.items() if value is not None}


def _company(ctx: Context) -> str:
    known = {"name": ctx.company.name, "country": ctx.company.country or ""}
    more = {"currency": ctx.company.currency, "language": ctx.company.language}
    today = {"today": ctx.binder.today.isoformat()}
    return json.dumps({**known, **more, **today}, ensure_ascii=False)


def _inside(tag: str, text: str) -> str:
    """Text that cannot end its own tag, so that a record stays data."""
    return text.replace(f"</{tag}>", "")
