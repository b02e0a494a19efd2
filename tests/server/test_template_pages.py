"""The pages of the library: what is in it, how it reads, and how it is shared."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine.installation import Installation
from engine.records.writer import Author, Records
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of, furnish, opened, stock

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
MAIL, FRENCH, TEXT, LETTER = "/templates/21", "/templates/22", "/templates/23", "/templates/24"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showroom") / "stocked"
    clock = Clock(NOW)
    furnish(folder, clock)
    stock(folder, clock)
    return folder


@pytest.fixture
def installation(stocked: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(stocked, tmp_path / "house", clock) as installation:
        yield installation


def upload(browser: TestClient, content: bytes) -> str:
    """Where the upload leads, or what the page says is wrong."""
    answer = browser.post("/templates/upload", files={"file": ("template.json", content)})
    return answer.headers.get("location") or answer.text


def change(installation: Installation, id: int, **values: str) -> None:
    with installation.database.begin() as tx:
        Records(tx, Author("alice")).update("templates", id, values)


def test_the_library_lists_each_template_once_with_its_languages_and_workflows(
    installation: Installation,
) -> None:
    page = browser_of(installation, "hr").get("/templates").text
    assert page.count(">second_reminder</a>") == 1
    assert "All other languages, French" in page
    assert "Invoices - Second reminder</a>" in page
    assert "10 characters, 1 part (GSM) without its fields" in page
    assert "New template" not in page
    assert "Upload a template" not in page


def test_a_filter_narrows_the_library_and_says_so_when_nothing_is_left(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "admin")
    texts = browser.get("/templates?kind=Text message").text
    assert ("ready_text" in texts, "second_reminder" in texts) == (True, False)
    assert ">letter</a>" in browser.get("/templates?q=please pay").text
    assert "No templates match this filter" in browser.get("/templates?q=nothing-like-it").text


def test_a_template_reads_as_its_reader_would_get_it(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    assert "Send “Votre facture INV-1” to ap@acme.test" in browser.get(f"{MAIL}?record=INV-1").text
    plain = browser.get(f"{MAIL}?record=INV-1&language=other").text
    assert "Send “Invoice INV-1 is still open” to ap@acme.test" in plain
    assert "Send “Invoice INV-5" in browser.get(f"{FRENCH}?record=INV-5").text
    assert "<h1>INV-3</h1>" not in browser.get(f"{LETTER}?module=invoices&record=INV-3").text
    assert (
        "&lt;h1&gt;INV-3&lt;/h1&gt;" in browser.get(f"{LETTER}?module=invoices&record=INV-3").text
    )


def test_a_text_that_reaches_nobody_is_shown_for_somebody_else_and_says_why(
    installation: Installation,
) -> None:
    page = browser_of(installation, "admin").get(f"{TEXT}?module=products").text
    assert "is ready.” (1" in page
    assert "1 part (GSM)) to +33199001234" in page
    assert "So it is shown for somebody else." in page


def test_a_preview_offers_only_modules_that_have_what_it_asks_for(
    installation: Installation,
) -> None:
    page = browser_of(installation, "admin").get(MAIL).text
    assert '<option value="invoices" selected>' in page
    assert '<option value="employees"' not in page
    change(installation, 24, html="{{ steps.nobody.id }}")
    assert (
        "It asks for something that no module has."
        in browser_of(installation, "admin").get(LETTER).text
    )


def test_a_preview_does_nothing(installation: Installation) -> None:
    with installation.database.read() as tx:
        before = [tx.count(table) for table in tx.schema.tables.values()]
    browser = browser_of(installation, "admin")
    for address in (MAIL, TEXT, LETTER):
        browser.get(address)
    with installation.database.read() as tx:
        assert [tx.count(table) for table in tx.schema.tables.values()] == before


def test_a_change_waits_for_approval_and_the_page_leads_there(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    assert "sends it" in browser.get(MAIL).text
    change(installation, 21, subject="Another subject")
    assert "says what it said before, until a new version is approved" in browser.get(MAIL).text
    installation.worker.work()
    page = browser.get(MAIL).text
    assert "waits for approval of what it says now" in page
    assert "Review version 2</a>" in page


def test_the_form_of_a_template_leads_back_to_how_it_reads(installation: Installation) -> None:
    values = {"name": "thanks", "kind": "E-mail", "subject": "Thanks", "body": "Thank you."}
    answer = browser_of(installation, "alice").post("/records/templates/new", data=values)
    assert answer.headers["location"] == "/templates/25"


def test_what_was_downloaded_can_be_taken_in_again(installation: Installation) -> None:
    browser = browser_of(installation, "alice")
    answer = browser.get(f"{MAIL}/download")
    assert answer.headers["content-disposition"] == 'attachment; filename="second_reminder.json"'
    document = answer.json()
    assert [each["language"] for each in document["wordings"]] == ["", "fr"]
    document["wordings"][1]["subject"] = "Encore {{ record.number }}"
    assert upload(browser, json.dumps(document).encode()) == MAIL
    assert browser.get(f"{FRENCH}/download").json() == document
    assert upload(browser, json.dumps({**document, "name": "copy"}).encode()) == "/templates/25"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "This is no JSON file."),
        (b"\xff\xfe", "This is no JSON file."),
        (b"[]", "should be a valid dictionary"),
        (b'{"name": "x", "wordings": []}', "at least 1 item"),
        (b'{"name": "x", "wordings": [{"body": "{{ oops"}]}', "never closed"),
        (b'"' + b"x" * 1_000_001 + b'"', "larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_template_is_refused_with_what_is_wrong(
    installation: Installation, content: bytes, says: str
) -> None:
    browser = browser_of(installation, "alice")
    assert says in upload(browser, content)
    assert ">x</a>" not in browser.get("/templates").text


def test_only_authors_take_templates_in(installation: Installation) -> None:
    answer = browser_of(installation, "hr").post(
        "/templates/upload", files={"file": ("x.json", b"{}")}
    )
    assert answer.status_code == 403
    assert browser_of(installation, "hr").get("/templates/99").status_code == 404
