"""The record that a step acts on: its own, or one that its own leads to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.blocks import words
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.phrases import say
from engine.problems import Invalid, Problem
from engine.records.states import Result
from engine.schema.modules import Module, Schema

WORDS = "A reference of this record (account, project), to act on that record instead."


@dataclass(frozen=True)
class Target:
    """A record to act on, as a step sees it. `title` is what people call it."""

    ctx: Context
    path: str
    module: Module
    id: int
    title: str

    def value(self, name: str) -> Any:
        """What one of its fields holds."""
        dotted = f"{self.path}.{name}" if self.path else name
        return self.ctx.facts.value(self.ctx.binder.schema.path(self.ctx.binder.module, dotted))


def module_at(path: str, module: Module, schema: Schema) -> Module | None:
    """The module that a path leads to; an empty path stays where it is."""
    if not path:
        return module
    try:
        return schema.target(schema.path(module, path).field)
    except Invalid:
        return None


def problems(path: str, checking: Checking, at: str = "record") -> Iterator[Problem]:
    """What keeps a path from leading to a record."""
    if not path:
        return
    try:
        checking.binder.schema.path(checking.module, path, at)
    except Invalid as invalid:
        yield invalid.problems[0]
        return
    if module_at(path, checking.module, checking.binder.schema) is None:
        told = f"`{path}` does not lead to another record."
        yield Problem(at, told, "Name a reference, like account.")


def target(path: str, ctx: Context) -> Target:
    """The record that a path leads to. Raises `Unplanned` where it leads nowhere."""
    if not path:
        return Target(ctx, "", ctx.binder.module, ctx.record.id, ctx.record.number)
    schema = ctx.binder.schema
    there = schema.path(ctx.binder.module, path)
    module, id = schema.target(there.field), ctx.facts.value(there)
    if module is None or id is None:
        raise Unplanned(Outcome(Result.SKIPPED, f"no {there.title} on {ctx.record.number}"))
    found = Target(ctx, path, module, id, "")
    name = found.value(module.name_field) or found.value("number")
    if name is None:
        raise Unplanned(
            Outcome(Result.SKIPPED, f"the {there.title} of {ctx.record.number} is deleted")
        )
    return replace(found, id=found.value("id"), title=str(name))


def whose(path: str, binder: Binder) -> str:
    """The record in words: "it", "its account"."""
    return words.person(path, binder) if path else say("it")
