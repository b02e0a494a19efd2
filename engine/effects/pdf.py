"""The effect of printing a PDF: at least once, and the file is the same however often."""

from typing import ClassVar, Literal

from pydantic import JsonValue

from engine.effects import Outcome, OutwardEffect
from engine.effects.records import CreateRecord
from engine.outside.subprocesses import TooMuch, can_print, run_isolated
from engine.outside.world import World
from engine.records.states import Result
from engine.schema.own_modules import DOCUMENTS

MIME = "application/pdf"
MISSING = "PlutoPrint, which makes PDFs, has no package for this kind of machine"


class PrintPdf(OutwardEffect):
    """HTML as a PDF, kept as a document of a record. Nothing is fetched for it from anywhere."""

    counted: ClassVar[str] = "document"
    kind: Literal["print_pdf"] = "print_pdf"
    title: str
    html: str
    record: str
    of: str

    def say(self) -> str:
        return f"add “{self.title}” to {self.of}"

    def preview(self) -> Outcome:
        gives: dict[str, JsonValue] = {"id": 0, "number": "(new)", "record": f"{DOCUMENTS}/0"}
        return Outcome(Result.DONE, f"would {self.say()}", gives)

    def barred(self, world: World) -> Outcome | None:
        if can_print():
            return None
        return Outcome(Result.FAILED, f"“{self.title}” was not made: {MISSING}")

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        if failure := self.barred(world):
            return failure
        try:
            printed = run_isolated("print_pdf", self.html.encode())
        except TooMuch as reason:
            remedy = "Make the template simpler or shorter, then try again from this step."
            return Outcome(Result.FAILED, f"“{self.title}” was not made: {reason}. {remedy}")
        document = self._document(f"{world.keep(printed)}/{self.title}")
        told = f"added “{self.title}” ({len(printed) // 1024 + 1} kB) to {self.of}"
        return Outcome(Result.DONE, told, then=(document,), made=True)

    def _document(self, file: str) -> CreateRecord:
        values: dict[str, JsonValue] = {
            "title": self.title,
            "file": file,
            "mime": MIME,
            "record": self.record,
        }
        return CreateRecord(module=DOCUMENTS, title=f"the document “{self.title}”", values=values)
