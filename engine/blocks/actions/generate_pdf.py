"""The action of making a PDF that is kept as a document of the record."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.rights import Need
from engine.blocks.step import Action, Html, Text, Write
from engine.blocks.words import quoted
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.pdf import MISSING, PrintPdf
from engine.outside.subprocesses import can_print
from engine.phrases import mark, say
from engine.problems import Problem
from engine.records.states import Result
from engine.records.text_library import PDF
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import DOCUMENTS

LONGEST = 1_000_000
ENDING = ".pdf"


class GeneratePdf(Action):
    """Make a PDF from HTML and keep it with the record; later steps can attach it by its id."""

    type: Literal["generate_pdf"] = "generate_pdf"
    title: Text = Field(
        "", description="The name of the file; left out, that of the record's kind: Invoice.pdf."
    )
    html: Html = Field(
        "", description="What is printed. Pictures and fonts stand in it (`data:`) or not at all."
    )
    template: str = Field("", description="A template of the library, in the place of `html`.")
    example: ClassVar[dict[str, Any]] = {
        "id": "make_invoice",
        "type": "generate_pdf",
        "title": "Invoice {{ record.number }}.pdf",
        "html": "<h1>Invoice {{ record.number }}</h1><p>{{ record.total|money }}</p>",
    }
    template_kind: ClassVar[str] = PDF
    icon: ClassVar[str] = "file-text"
    gives: ClassVar[tuple[str, ...]] = ("id", "number", "record")

    def say(self, binder: Binder) -> str:
        named = quoted(self.title or f"{binder.module.singular}{ENDING}", binder)
        if not self.template:
            return say("make the PDF {title}", title=named)
        told = mark("make the PDF {title} from the template “{template}”")
        return say(told, title=named, template=self.template)

    def writes(self, module: Module, schema: Schema) -> Iterator[Write]:
        yield Write(DOCUMENTS, "*")

    def needs(self) -> Iterable[Need]:
        told = f"{MISSING}: this step would fail."
        yield Need(
            "PlutoPrint, to print",
            lambda *_: can_print(),
            told,
            "Run Sayso on another kind of machine.",
        )

    def check(self, checking: Checking) -> Iterator[Problem]:
        if self.template:
            yield from checking.named_template(self.template, "template")
        for wording in checking.templates.get(self.template, ()):
            if not wording.html.strip():
                told = f"the template “{self.template}” has no {wording.called('html')}."
                yield Problem("template", told, "Fill in its HTML: that is what is printed.")
        if bool(self.html.strip()) == bool(self.template):
            said = (
                "there are two texts to print." if self.template else "there is nothing to print."
            )
            yield Problem("html", said, "Write `html`, or name a `template` of the library.")
        if DOCUMENTS not in checking.binder.schema.modules:
            yield Problem("type", "there is no module Documents to keep it in.", "Add it first.")

    def filled(self, ctx: Context) -> Action:
        """The same step with the text it prints."""
        if not self.template:
            return Action.filled(self, ctx)
        wording = ctx.wording(self.template)
        worded = self.model_copy(update={"html": wording.html})
        return Action.filled(worded, ctx.reading(wording))

    def plan(self, ctx: Context) -> PrintPdf:
        if len(self.html) > LONGEST:
            told = f"the text to print is longer than {LONGEST:,} characters"
            raise Unplanned(
                Outcome(Result.FAILED, f"{told}. Print fewer records, or less of each.")
            )
        named = " ".join(self.title.split()).replace("/", "-") or ctx.binder.module.singular
        title = named if named.lower().endswith(ENDING) else f"{named}{ENDING}"
        return PrintPdf(title=title, html=self.html, record=ctx.record.key, of=ctx.record.number)
