"""R96: a PDF is made from a template, and kept as a document of the record."""

from typing import Any

import pytest
from sqlalchemy import select

from engine.outside.subprocesses import run_isolated
from engine.runs.rehearsal import rehearse
from engine.schema.stored_files import named
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, Told, living

HTML = """<h1>Invoice {{ record.number }}</h1><p>{{ record.account.name }} owes
{{ record.balance|money('EUR') }}.</p><img src="file:///etc/passwd"><link rel="stylesheet"
href="http://169.254.169.254/x.css">"""
DOCUMENT: Told = {
    "schema": 1,
    "name": "Invoices - Print",
    "module": "invoices",
    "trigger": {"type": "record_modified"},
    "conditions": {"field": "status", "op": "changed_to", "value": "Finalized"},
    "steps": [
        {"id": "print", "type": "generate_pdf", "html": HTML},
        {
            "id": "tell",
            "type": "add_note",
            "text": "{{ steps.print.number }}, {{ steps.print.record }}",
        },
    ],
}


def documents(story: Story) -> list[dict[str, Any]]:
    with story.installation.database.read() as tx:
        table = tx.schema.tables["documents"]
        rows = tx.db.execute(select(table).where(table.c.record == "invoices/8")).mappings()
        return [dict(row) for row in rows]


@pytest.mark.usefixtures("printer")
def test_the_run_adds_a_pdf_to_the_invoice(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.approve(DOCUMENT)
        story.tell({"save": "INV-8", "values": {"subject": "Chairs"}})
        assert documents(story) == []
        story.tell({"save": "INV-8", "values": {"status": "Finalized"}})
        news = story.news()
        (row,) = documents(story)
        digest, name = named(row["file"])
        printed = story.installation.world.file(digest)
    assert (row["title"], name, row["mime"]) == ("Invoice.pdf", "Invoice.pdf", "application/pdf")
    assert printed.startswith(b"%PDF-")
    words = " ".join(run_isolated("read_pdf", printed).decode().split())
    assert words == "Invoice INV-8 ACME owes 700,00 €."
    assert news["runs"] == {"done": 1}
    assert [note["text"] for note in news["notes"]] == [f"DOC-3, documents/{row['id']}"]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("printer")
def test_a_template_of_the_library_is_printed_under_a_name_of_its_own(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    title = "Facture {{ record.number }}/{{ record.account.name }}"
    step = {"id": "print", "type": "generate_pdf", "template": "letter", "title": title}
    with living({}, template_database, clock) as story:
        letter = {"name": "letter", "kind": "PDF", "html": "<p>Dear {{ record.account.name }}</p>"}
        story.tell({"create": "templates", "values": letter})
        story.approve({**DOCUMENT, "steps": [step]})
        story.tell({"save": "INV-8", "values": {"status": "Finalized"}})
        (row,) = documents(story)
        printed = story.installation.world.file(named(row["file"])[0])
    assert row["title"] == "Facture INV-8-ACME.pdf"
    assert run_isolated("read_pdf", printed).decode().strip() == "Dear ACME"


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_rehearsal_prints_nothing(template_database: TemplateDatabase, clock: Clock) -> None:
    with living({}, template_database, clock) as story:
        with story.installation.database.read() as tx:
            always = Workflow.model_validate({**DOCUMENT, "conditions": {"all": []}})
            (told,) = rehearse(tx, always, [8])
        assert documents(story) == []
        assert list(story.installation.settings.data_dir.iterdir()) == []
    assert told.effects[0].does == "add “Invoice.pdf” to INV-8"


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<div style='height: 1e9cm'>x</div>", "more memory than it is given"),
        ("<p>x</p>" * 9_000, "more than 200 pages"),
    ],
    ids=["memory", "pages"],
)
@pytest.mark.usefixtures("printer")
def test_what_cannot_be_printed_fails_its_step_and_nothing_else(
    html: str, why: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    document = {**DOCUMENT, "steps": [{"id": "print", "type": "generate_pdf", "html": html}]}
    with living({}, template_database, clock) as story:
        story.approve(document)
        story.tell({"save": "INV-8", "values": {"status": "Finalized"}})
        assert documents(story) == []
        news = story.news()
    assert news["runs"] == {"failed": 1}
    assert why in news["said"]["INV-8"]
