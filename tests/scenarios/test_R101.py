"""R101: amount, date and number of an invoice are read from a scan; what is unreadable stays."""

from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from engine.records.attachments import attach
from engine.records.writer import Author, Records
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.scenarios.test_R100 import PIXEL
from tests.servers import pdf_of
from tests.stages.demo.story import Story, Told, living

INVOICE = """<h1>NORDWOOD SUPPLIES SAS</h1><p>FACTURE No. NW-2026-0117</p>
<p>Date : 27/02/2026</p><p>TOTAL EUR 1 200,50</p>"""
SCAN = f'<img src="data:image/png;base64,{b64encode(PIXEL).decode()}" width="500" height="700">'
DOCUMENT: Told = {
    "schema": 1,
    "name": "Documents - Read supplier invoices",
    "module": "documents",
    "trigger": {"type": "record_modified"},
    "conditions": {"field": "kind", "op": "changed_to", "value": "Invoice scan"},
    "steps": [
        {
            "id": "read",
            "type": "fill_fields",
            "prompt": "Read the invoice.",
            "fields": {
                "amount": "The total to pay",
                "invoice_date": "The date of the invoice",
                "invoice_number": "Its number",
            },
        }
    ],
}
READ = '{"amount": "1 200,50", "invoice_date": "2026-02-27", "invoice_number": "NW-2026-0117"}'
DOUBTFUL = '{"amount": "1.200", "invoice_date": "27/02/2026", "invoice_number": "NW-2026-0117"}'


def scanned(story: Story, name: str, data: bytes) -> tuple[Told, list[Any]]:
    """A file is uploaded and told to be an invoice: what comes of it, and what the model saw."""
    story.approve(DOCUMENT)
    with story.installation.database.begin() as tx:
        folder = story.installation.settings.data_dir
        made = attach(tx, Author("alice"), folder, "accounts/1", name, "", BytesIO(data))
        Records(tx, Author("alice")).update("documents", made.id, {"text_content": None})
    story.tell({"tick": True})
    story.news()
    story.tell({"save": made.number, "values": {"kind": "Invoice scan"}})
    seen = [asked["messages"][0]["content"] for asked in story.asked]
    return story.news(), seen[0] if seen else []


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_the_words_of_a_pdf_are_read_and_the_amount_is_a_decimal(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"model": [READ]}, template_database, clock) as story:
        news, seen = scanned(story, "nordwood.pdf", pdf_of(INVOICE))
    assert "TOTAL EUR 1 200,50" in seen[0]["text"]
    assert [block["type"] for block in seen] == ["text", "text"]
    values = {"amount": 1200.5, "invoice_date": "2026-02-27", "invoice_number": "NW-2026-0117"}
    assert news["records"] == {"DOC-3": values}


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "read", "kind"),
    [
        ("scan.pdf", lambda: pdf_of(SCAN), "document"),
        ("photo.jpg", lambda: PIXEL, "image"),
    ],
    ids=["scan", "photo"],
)
def test_a_scan_without_words_is_shown_as_it_is(
    name: str,
    read: Callable[[], bytes],
    kind: str,
    template_database: TemplateDatabase,
    clock: Clock,
) -> None:
    data = read()
    with living({"model": [READ]}, template_database, clock) as story:
        news, seen = scanned(story, name, data)
    assert [block["type"] for block in seen] == ["text", kind, "text"]
    assert seen[1]["source"]["data"] == b64encode(data).decode()
    assert news["records"]["DOC-3"]["amount"] == 1200.5


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_service_that_reads_no_pictures_is_sent_none(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"model": [READ]}, template_database, clock) as story:
        assert story.installation.world.model
        story.installation.world.model.reads_files = False
        news, seen = scanned(story, "photo.png", PIXEL)
    assert (seen, news["runs"]) == ([], {"failed": 1})
    assert list(news["said"].values()) == [
        "nothing could be read: photo.png (a picture, which this model's service cannot read); "
        "no field was changed"
    ]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_what_cannot_be_told_for_sure_is_left_as_it_is_with_a_warning(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"model": [DOUBTFUL]}, template_database, clock) as story:
        news, _ = scanned(story, "nordwood.pdf", pdf_of(INVOICE))
    assert news["records"] == {"DOC-3": {"invoice_number": "NW-2026-0117"}}
    (said,) = news["said"].values()
    assert "Amount was left as it is: whether `1.200` is thousands or a fraction" in said
    assert "Invoice date was left as it is:" in said


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_an_unreadable_file_fails_the_step_and_changes_no_field(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({"model": [READ]}, template_database, clock) as story:
        news, seen = scanned(story, "scan.tif", b"II*\x00 and so on")
    assert seen == []
    assert "records" not in news
    assert news["runs"] == {"failed": 1}
