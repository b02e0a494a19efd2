"""The action of tagging a record."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks import target_record
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Texts, Write
from engine.blocks.words import quoted
from engine.conditions import Binder
from engine.effects.records import UpdateRecord, UpdateRecords, together
from engine.phrases import listed, mark, say, say_count
from engine.problems import Problem
from engine.schema.modules import Module, Schema
from engine.schema.purposes import Purpose

LINK = "group"  # the field of a customer that names its group
Change = Callable[[Sequence[str]], list[str]]
# In words: with the record alone, with one it refers to, and with the customers of a group.
ADD = (
    mark("add {tags}"),
    mark("add {tags} to {record}"),
    mark("add {tags} to {record}, and to each of its customers"),
)


class AddTags(Action):
    """Add tags to the record. A tag it has already is not added twice."""

    type: Literal["add_tags"] = "add_tags"
    tags: Texts = Field(min_length=1)
    record: str = Field("", description=target_record.WORDS)
    cascade: bool = Field(
        False, description="For a customer group: tag each of its customers as well."
    )
    example: ClassVar[dict[str, Any]] = {"id": "mark", "type": "add_tags", "tags": ["Chased"]}
    icon: ClassVar[str] = "tag"
    gives: ClassVar[tuple[str, ...]] = ("changes", "count", "records")
    of_each: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        return told(ADD, self.tags, self.record, self.cascade, binder)

    def reads(self) -> Iterable[str]:
        return (self.record,)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield from written(self.record, self.cascade, module, schema)

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from tag_problems(self.record, self.cascade, checking)

    def plan(self, ctx: Context) -> UpdateRecord | UpdateRecords:
        return tagged(self.record, self.cascade, ctx, lambda have: joined(have, self.tags))


def joined(have: Sequence[str], more: Sequence[str]) -> list[str]:
    """These tags and those, each once however it is written."""
    known = {tag.casefold(): tag for tag in (*reversed(more), *reversed(have))}
    return [known[folded] for folded in dict.fromkeys(tag.casefold() for tag in (*have, *more))]


def told(
    phrases: tuple[str, str, str],
    tags: tuple[str, ...],
    record: str,
    cascade: bool,
    binder: Binder,
) -> str:
    """The change in words: "add the tags “A” and “B” to its account"."""
    alone, elsewhere, each = phrases
    names = listed([quoted(tag, binder) for tag in tags])
    these = say_count("the tag {tags}", "the tags {tags}", len(tags), tags=names)
    whose = target_record.whose(record, binder)
    return say(each if cascade else elsewhere if record else alone, tags=these, record=whose)


def written(record: str, cascade: bool, module: Module, schema: Schema) -> Iterator[Write]:
    """The tags that may change."""
    if there := target_record.module_at(record, module, schema):
        yield Write(there.name, "tags")
    if cascade and (customers := schema.find(Purpose.CUSTOMER)):
        yield Write(customers.name, "tags")


def tag_problems(record: str, cascade: bool, checking: Checking) -> Iterator[Problem]:
    """What is wrong with whom the tags are for."""
    yield from target_record.problems(record, checking)
    there = target_record.module_at(record, checking.module, checking.binder.schema)
    if cascade and there and there.purpose != Purpose.CUSTOMER_GROUP:
        told = f"{there.label} have no customers to pass tags on to."
        yield Problem("cascade", told, "Leave it out; it is for customer groups.")


def tagged(
    record: str, cascade: bool, ctx: Context, change: Change
) -> UpdateRecord | UpdateRecords:
    """The change that leaves the record, and its customers if wanted, with the changed tags."""
    target = target_record.target(record, ctx)
    found = [_change(target.module, target.id, target.title, target.value("tags"), change)]
    if cascade:
        customers = ctx.binder.schema.of(Purpose.CUSTOMER)
        for id in ctx.around.related(customers, LINK, target.id):
            row = ctx.around.row(customers, id) or {}
            found.append(_change(customers, id, str(row.get("name")), row.get("tags"), change))
    return together(found)


def _change(
    module: Module, id: int, title: str, tags: list[str] | None, change: Change
) -> UpdateRecord:
    values: dict[str, JsonValue] = {"tags": [*change(tags or [])]}
    return UpdateRecord(module=module.name, id=id, title=title, values=values)
