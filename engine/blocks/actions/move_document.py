"""The action of naming a document by a convention and putting it into its folder."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.step import Action, Text, Write
from engine.blocks.words import quoted
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.documents import PlaceDocument
from engine.phrases import mark, say
from engine.problems import Problem
from engine.records.states import Result
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import DOCUMENTS


class MoveDocument(Action):
    """Rename a document, and move it to a folder. It keeps its ending and covers up no other."""

    type: Literal["move_document"] = "move_document"
    name: Text = Field(
        "{{ record.title }}",
        description="Its new name, such as {{ record.record.cases.number }}_{{ today }}_"
        "{{ record.title }}.",
    )
    folder: Text = Field("", description="Where to; left empty, it stays in its folder.")
    example: ClassVar[dict[str, Any]] = {
        "id": "file_it",
        "type": "move_document",
        "name": "{{ record.record.cases.number }}_{{ today }}_{{ record.title }}",
        "folder": "Cases/{{ record.record.cases.number }}",
    }
    icon: ClassVar[str] = "folder-input"
    gives: ClassVar[tuple[str, ...]] = ("name", "folder")

    def say(self, binder: Binder) -> str:
        name = quoted(self.name, binder)
        if not self.folder:
            return say("rename it to {name}", name=name)
        told = mark("rename it to {name} and move it to the folder {folder}")
        return say(told, name=name, folder=quoted(self.folder, binder))

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        for name in ("title", "folder", "file"):
            yield Write(DOCUMENTS, name)

    def check(self, checking: Checking) -> Iterator[Problem]:
        if checking.module.name != DOCUMENTS:
            told = f"{checking.module.label} are no documents."
            yield Problem("type", told, "Use it in a workflow on documents.")

    def plan(self, ctx: Context) -> PlaceDocument:
        title = str(ctx.own("title") or "")
        name = _safe(self.name)
        if not name.strip("_-. "):
            raise Unplanned(Outcome(Result.FAILED, f"{ctx.record.number} would have no name."))
        folder = "/".join(part for raw in self.folder.split("/") if (part := _safe(raw)))
        return PlaceDocument(
            id=ctx.record.id,
            number=ctx.record.number,
            title=title,
            file=str(ctx.own("file") or ""),
            name=_with_ending(name, title),
            folder=folder or ctx.own("folder"),
        )


def _safe(name: str) -> str:
    """A name without what parts folders or cannot be shown."""
    plain = name.replace("/", "-").replace("\\", "-")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in plain).split())


def _with_ending(name: str, title: str) -> str:
    """The name with the ending that the document had, so that it still opens."""
    _, dot, ending = title.rpartition(".")
    known = dot and 0 < len(ending) <= 10 and ending.isalnum()
    if not known or name.casefold().endswith(f".{ending}".casefold()):
        return name
    return f"{name}.{ending}"
