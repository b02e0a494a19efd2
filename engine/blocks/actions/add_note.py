"""The action of writing a note on a record."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks.context import Context
from engine.blocks.step import Action, Text, Write
from engine.blocks.words import quoted
from engine.conditions import Binder
from engine.effects.records import CreateRecord
from engine.phrases import say
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import NOTES


class AddNote(Action):
    """Write a note on the record; pinned, it stays on top."""

    type: Literal["add_note"] = "add_note"
    text: Text = Field(min_length=1)
    pinned: bool = False
    known_as: ClassVar[tuple[str, ...]] = ("note", "comment", "add_comment")
    example: ClassVar[dict[str, Any]] = {
        "id": "log",
        "type": "add_note",
        "text": "Reminded on {{ today }}",
    }
    icon: ClassVar[str] = "sticky-note"
    gives: ClassVar[tuple[str, ...]] = ("id", "number", "record")

    def say(self, binder: Binder) -> str:
        text = quoted(self.text, binder)
        if self.pinned:
            return say("write the pinned note {text} on it", text=text)
        return say("write the note {text} on it", text=text)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(NOTES, "*")

    def plan(self, ctx: Context) -> CreateRecord:
        values: dict[str, JsonValue] = {
            "text": self.text,
            "pinned": self.pinned,
            "record": ctx.record.key,
        }
        return CreateRecord(module=NOTES, title=f"the note “{self.text}”", values=values)
