"""The action of tagging a record."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.conditions import Binder
from engine.context import Context
from engine.effects.records import UpdateRecord
from engine.modules import Module, Schema
from engine.phrases import listed, quoted
from engine.steps import Action, Texts, Write


class AddTags(Action):
    """Add tags to the record. A tag it has already is not added twice."""

    type: Literal["add_tags"] = "add_tags"
    tags: Texts = Field(min_length=1)
    example: ClassVar[dict[str, Any]] = {"id": "mark", "type": "add_tags", "tags": ["Chased"]}
    icon: ClassVar[str] = "tag"
    gives: ClassVar[tuple[str, ...]] = ("changes",)

    def say(self, binder: Binder) -> str:
        return f"add the {named(self.tags, binder)}"

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(module.name, "tags")

    def plan(self, ctx: Context) -> UpdateRecord:
        have = list(ctx.own("tags") or [])
        known = {tag.casefold() for tag in have}
        return tagged(ctx, [*have, *(tag for tag in self.tags if tag.casefold() not in known)])


def named(tags: tuple[str, ...], binder: Binder) -> str:
    """Tags in words: "tags “A” and “B”"."""
    told = listed([quoted(tag, binder) for tag in tags])
    return f"tag{'s' if len(tags) > 1 else ''} {told}"


def tagged(ctx: Context, tags: list[str]) -> UpdateRecord:
    """The change that leaves the record with exactly these tags."""
    values: dict[str, JsonValue] = {"tags": list(tags)}
    return UpdateRecord(
        module=ctx.binder.module.name, id=ctx.record.id, title=ctx.record.number, values=values
    )
