"""What goes with a mail: found, missing, barred, and as it arrives."""

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from engine.effects.mail import SendMail
from engine.outside.media import media_type
from engine.outside.smtp import MOST_ATTACHED
from engine.outside.world import World
from engine.records.attachments import attach
from engine.records.database import Database
from engine.records.reader import Reader, RecordFacts
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.runs.message_attachments import attached_files
from engine.schema.stored_files import AttachedFiles, Attachment
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.demo.story import NOW, fill

PDF = b"%PDF-1.7 invoice"


@pytest.fixture
def tx(template_database: TemplateDatabase) -> Iterator[Transaction]:
    database = Database(template_database("reference", fill).database_url, lambda: NOW)
    with database.begin() as tx:
        yield tx
    database.close()


def facts(tx: Transaction, number: str, module: str = "invoices") -> RecordFacts:
    home = tx.schema.module(module)
    reader, id = Reader(tx), tx.find(home, number)
    assert id
    return RecordFacts(reader, home, reader.row(home, id) or {})


def file(tx: Transaction, folder: Path, key: str, name: str, data: bytes = PDF) -> Attachment:
    made = attach(tx, Author("alice"), folder, key, name, "", BytesIO(data))
    return Attachment(made.id, name, sha256(data).hexdigest())


def link(tx: Transaction, number: str, document: int | None) -> None:
    id = tx.find(tx.schema.module("invoices"), number)
    assert id
    Records(tx, Author("alice")).update("invoices", id, {"pdf": document})


def found(tx: Transaction, *words: str, number: str = "INV-1", **steps: Any) -> AttachedFiles:
    return attached_files(words, facts(tx, number), [facts(tx, "INV-2")], steps)


def test_words_lead_to_files_each_once(tx: Transaction, tmp_path: Path) -> None:
    one = file(tx, tmp_path, "invoices/1", "one.pdf")
    two = file(tx, tmp_path, "invoices/2", "two.pdf", b"two")
    terms = file(tx, tmp_path, "accounts/2", "terms.pdf", b"terms")
    link(tx, "INV-1", one.document)
    assert found(tx, "documents") == AttachedFiles((one,))
    assert found(tx, "pdf", "documents", "records.documents") == AttachedFiles((one, two))
    made: dict[str, Any] = {"make": {"id": terms.document, "record": f"documents/{terms.document}"}}
    ways = ("steps.make.id", "steps.make.record", str(terms.document), f"DOC-{terms.document}")
    assert [found(tx, way, **made) for way in ways] == [AttachedFiles((terms,))] * 4


def test_what_is_not_there_is_named(tx: Transaction) -> None:
    words = ("pdf", "records.pdf", "documents", "DOC-99", "steps.make.id", "DOC-1")
    assert found(tx, *words).missing == (
        "INV-1 has no pdf",
        "INV-1 has no pdf",
        "INV-2 has no pdf",
        "INV-1 has no documents",
        "there is no document DOC-99",
        "step make gave no file",
        "DOC-1 (scan.pdf) has no file",
    )


def test_a_file_of_a_sensitive_module_leaves_with_its_own_workflows_alone(
    tx: Transaction, tmp_path: Path
) -> None:
    pay = file(tx, tmp_path, "employees/1", "pay.pdf", b"pay")
    link(tx, "INV-1", pay.document)
    told = ("pay.pdf belongs to Employees, which this workflow is not about",)
    assert found(tx, "pdf") == AttachedFiles(barred=told)
    assert attached_files(["documents"], facts(tx, "EMP-1", "employees"), [], {}) == AttachedFiles(
        (pay,)
    )


def test_no_edit_of_a_document_lets_a_sensitive_file_out(tx: Transaction, tmp_path: Path) -> None:
    pay = file(tx, tmp_path, "employees/1", "pay.pdf", b"pay")
    records = Records(tx, Author("alice"))
    assert pay.document
    records.update("documents", pay.document, {"record": "invoices/1"})
    forged = {"title": "x", "file": f"{pay.digest}/x.pdf", "record": "invoices/1"}
    records.create("documents", forged)
    assert found(tx, "documents").files == ()
    assert len(found(tx, "documents").barred) == 2


# --- as it arrives ---


def mail(*attachments: Attachment) -> SendMail:
    return SendMail(
        to=("ann@firm.test",),
        sender="us@firm.test",
        sender_name="Us",
        subject="Here",
        text="See the file.",
        attachments=attachments,
    )


def kept(folder: Path, name: str, data: bytes) -> Attachment:
    digest = sha256(data).hexdigest()
    home = folder / "files" / digest[:2]
    home.mkdir(parents=True, exist_ok=True)
    (home / digest).write_bytes(data)
    return Attachment(1, name, digest)


def test_a_file_arrives_as_the_bytes_it_was(
    tmp_path: Path, clock: Clock, mailbox: MailServer
) -> None:
    world = World(clock.now, smtp_url=mailbox.url, files=tmp_path)
    pdf, other = kept(tmp_path, "Été 1.pdf", PDF), kept(tmp_path, "../../x.html", b"<script>")
    outcome = mail(pdf, other).perform(world, "run-1-mail", 1)
    assert (outcome.result, outcome.said) == (
        "done",
        "sent “Here” to ann@firm.test with Été 1.pdf, ../../x.html",
    )
    arrived = [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in mailbox.received[0].message.iter_attachments()
    ]
    assert arrived == [
        ("Été 1.pdf", "application/pdf", PDF),
        ("x.html", "application/octet-stream", b"<script>"),
    ]


@pytest.mark.parametrize("captured", [True, False])
def test_a_file_that_is_gone_or_too_large_stops_the_mail(
    tmp_path: Path, clock: Clock, mailbox: MailServer, captured: bool
) -> None:
    world = World(clock.now, smtp_url="" if captured else mailbox.url, files=tmp_path)
    large = kept(tmp_path, "large.pdf", PDF + bytes(MOST_ATTACHED))
    gone = Attachment(1, "gone.pdf", sha256(b"gone").hexdigest())
    outcomes = [mail(one).perform(world, "run-1-mail", 1) for one in (large, gone)]
    assert [outcome.result for outcome in outcomes] == ["failed", "failed"]
    assert "what it carries is over 10 MB; send a link to it" in outcomes[0].said
    assert "gone.pdf is not in the data folder" in outcomes[1].said
    assert mailbox.received == []


def test_a_captured_mail_tells_what_it_carries(tmp_path: Path, clock: Clock) -> None:
    one = kept(tmp_path, "one.pdf", PDF)
    outcome = mail(one).perform(World(clock.now, files=tmp_path), "run-1-mail", 1)
    (copy,) = outcome.then
    values = copy.model_dump()["values"]
    assert (values["status"], values["attachments"]) == (
        "captured",
        [{"document": 1, "name": "one.pdf", "digest": one.digest}],
    )


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.txt", PDF, "application/pdf"),
        ("a.pdf", b"<html>", "application/octet-stream"),
        ("a.html", b"<html>", "application/octet-stream"),
        ("a.svg", b"<svg>", "application/octet-stream"),
        ("a.csv", "é;1".encode(), "text/csv"),
        ("a.csv", b"\xff\x00", "application/octet-stream"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        (
            "a.docx",
            b"PK\x03\x04",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("a.jar", b"PK\x03\x04", "application/octet-stream"),
        ("a.eml", b"From: x\n\ny", "application/octet-stream"),
        ("a", b"", "application/octet-stream"),
    ],
)
def test_a_file_is_sent_as_what_its_bytes_bear_out(name: str, data: bytes, kind: str) -> None:
    assert media_type(name, data) == kind
