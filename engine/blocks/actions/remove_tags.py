"""The action of taking tags off a record."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import target_record
from engine.blocks.actions.add_tags import tag_problems, tagged, told, written
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Texts, Write
from engine.conditions import Binder
from engine.effects.records import UpdateRecord, UpdateRecords
from engine.phrases import mark
from engine.problems import Problem
from engine.schema.modules import Module, Schema

# In words, as those of add_tags.
REMOVE = (
    mark("remove {tags}"),
    mark("remove {tags} from {record}"),
    mark("remove {tags} from {record}, and from each of its customers"),
)


class RemoveTags(Action):
    """Take tags off the record. A tag it does not have is no fault."""

    type: Literal["remove_tags"] = "remove_tags"
    tags: Texts = Field(min_length=1)
    record: str = Field("", description=target_record.WORDS)
    cascade: bool = Field(
        False, description="For a customer group: take them off each of its customers as well."
    )
    example: ClassVar[dict[str, Any]] = {"id": "unmark", "type": "remove_tags", "tags": ["Chased"]}
    icon: ClassVar[str] = "tag"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        return told(REMOVE, self.tags, self.record, self.cascade, binder)

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield from written(self.record, self.cascade, module, schema)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from tag_problems(self.record, self.cascade, checking)

    def plan(self, ctx: Context) -> UpdateRecord | UpdateRecords:
        gone = {tag.casefold() for tag in self.tags}
        return tagged(
            self.record,
            self.cascade,
            ctx,
            lambda have: [tag for tag in have if tag.casefold() not in gone],
        )
