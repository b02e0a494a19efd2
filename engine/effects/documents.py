"""The effect of giving a document another name and folder, without covering up another one."""

from itertools import count
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from engine.effects import Outcome, RecordEffect, Store
from engine.problems import Invalid
from engine.records.states import Result
from engine.schema.own_modules import DOCUMENTS
from engine.schema.stored_files import clean, named


class PlaceDocument(RecordEffect):
    """A name and a folder for one document. Where a folder has that name, it is counted on."""

    counted: ClassVar[str] = "document"
    kind: Literal["place_document"] = "place_document"
    id: int
    number: str
    title: str
    file: str = ""
    name: str
    folder: str | None

    def say(self) -> str:
        where = f" and move it to “{self.folder}”" if self.folder else ""
        return f"rename {self.number} from “{self.title}” to “{self.name}”{where}"

    def apply(self, store: Store) -> Outcome:
        store.alone(f"folder {self.folder}")
        name = self._free(store)
        try:
            saved = store.update(DOCUMENTS, self.id, self._values(name))
        except Invalid as invalid:
            return Outcome(Result.FAILED, f"{self.number} stays where it is: {invalid}")
        gives: dict[str, JsonValue] = {"name": name, "folder": self.folder}
        if saved.event is None:
            return Outcome(Result.UNCHANGED, f"{self.number} is “{name}” there already", gives)
        taken = "" if name == self.name else f" (there is a “{self.name}” already)"
        where = f" in “{self.folder}”" if self.folder else ""
        return Outcome(Result.DONE, f"{self.number} is now “{name}”{where}{taken}", gives)

    def _values(self, name: str) -> dict[str, Any]:
        digest, _ = named(self.file)
        kept = {"file": f"{digest}/{name}"} if digest else {}
        return {"title": name, "folder": self.folder, **kept}

    def _free(self, store: Store) -> str:
        """The name, or the first one counted on from it that no other document there has."""
        stem, dot, ending = self.name.rpartition(".")
        for number in count(1):
            name = self.name
            if number > 1:
                name = f"{stem} ({number}).{ending}" if dot else f"{self.name} ({number})"
            others = store.ids(DOCUMENTS, {"folder": self.folder, "title": clean(name)})
            if set(others) <= {self.id}:
                return clean(name)
        raise AssertionError("numbers do not end")
