"""The action of taking tags off a record."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.actions.add_tags import named, tagged
from engine.conditions import Binder
from engine.context import Context
from engine.effects.records import UpdateRecord
from engine.modules import Module, Schema
from engine.steps import Action, Texts, Write


class RemoveTags(Action):
    """Take tags off the record. A tag it does not have is no fault."""

    type: Literal["remove_tags"] = "remove_tags"
    tags: Texts = Field(min_length=1)
    example: ClassVar[dict[str, Any]] = {"id": "unmark", "type": "remove_tags", "tags": ["Chased"]}
    icon: ClassVar[str] = "tag"
    gives: ClassVar[tuple[str, ...]] = ("changes",)

    def say(self, binder: Binder) -> str:
        return f"remove the {named(self.tags, binder)}"

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(module.name, "tags")

    def plan(self, ctx: Context) -> UpdateRecord:
        gone = {tag.casefold() for tag in self.tags}
        return tagged(ctx, [tag for tag in ctx.own("tags") or [] if tag.casefold() not in gone])
