"""A changed record starts the workflow."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks import words
from engine.blocks.checking import Checking
from engine.blocks.triggers import Listen, Trigger
from engine.conditions import Binder
from engine.conditions.operands import recorded
from engine.phrases import say
from engine.problems import Problem
from engine.schema.english import article


class RecordModified(Trigger):
    """Starts each time an existing record is changed, or only when one of `fields` is."""

    type: Literal["record_modified"] = "record_modified"
    fields: tuple[str, ...] = Field((), description="Only when one of these fields changes.")
    known_as: ClassVar[tuple[str, ...]] = (
        "record_updated",
        "record_changed",
        "updated",
        "modified",
        "changed",
    )
    example: ClassVar[dict[str, Any]] = {"type": "record_modified", "fields": ["status"]}

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("modified", frozenset(self.fields) or None),)

    def say(self, binder: Binder) -> str:
        one = article(binder.module.singular)
        if not self.fields:
            return say("When {record} is changed", record=one)
        either = say(" or ").join(words.field(name, binder.module) for name in self.fields)
        return say("When the {field} of {record} changes", field=either, record=one)

    def check(self, checking: Checking) -> Iterator[Problem]:
        for position, name in enumerate(self.fields):
            field = checking.module.by_name.get(name)
            if field and not recorded(field):
                message = f"nobody changes {field.title}, so its changes are not recorded."
                yield Problem(f"fields.{position}", message, "Name the fields it depends on.")
            if field is None:
                known = checking.module.instead_of(name, recorded)
                yield Problem(
                    f"fields.{position}",
                    f"there is no field `{name}` in {checking.module.label}.",
                    known,
                )
