"""Senders on the page System, and the files of mails in the mailbox."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.company.company import Sender
from engine.installation import Installation
from engine.records.attachments import attach
from engine.records.tables import AUDIT
from engine.records.writer import Author, Records
from tests.fakes import Clock
from tests.server.test_attachments import program
from tests.stages.demo.showroom import browser_of, furnish, opened

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
PAGE = "/system/senders"
TEAM = {"name": "Accounts", "address": "ar@firm.test", "reply_to": "", "connection": ""}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showroom")
    furnish(folder, Clock(NOW))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(furnished, tmp_path / "house", clock) as installation:
        yield installation


def senders(installation: Installation) -> tuple[Sender, ...]:
    with installation.database.read() as tx:
        return tx.company.senders


def test_an_admin_sets_the_sender_of_the_company(installation: Installation) -> None:
    admin = browser_of(installation, "admin")
    assert "None is set" in admin.get(PAGE).text
    given = {"own_name": "Demo AR", "own_address": "ar@firm.test"}
    assert admin.post(PAGE, data=given).status_code == 303
    with installation.database.read() as tx:
        assert (tx.company.sender, tx.company.sender_name) == ("ar@firm.test", "Demo AR")
        assert "set sender" in tx.db.scalars(select(AUDIT.c.verb)).all()
    shown = admin.get(PAGE).text
    assert "None is set" not in shown
    assert 'value="ar@firm.test"' in shown


def test_an_admin_adds_a_sender_and_removes_it(installation: Installation) -> None:
    admin = browser_of(installation, "admin")
    assert admin.post(f"{PAGE}/new", data={**TEAM, "reply_to": "box@firm.test"}).status_code == 303
    assert senders(installation) == (
        Sender(name="Accounts", address="ar@firm.test", reply_to="box@firm.test"),
    )
    assert "Accounts" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/remove", data={"name": "Accounts"}).status_code == 303
    assert senders(installation) == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"address": "no address"}, "is not a mail address"),
        ({"address": "a@firm.test, b@firm.test"}, "more than one mail address"),
        ({"name": ""}, "a sender needs a name"),
        ({"reply_to": "x"}, "is not a mail address"),
        ({"connection": "brand"}, "there is no stored secret `brand`"),
        ({"connection": "No Name"}, "cannot be the name of a secret"),
        ({"name": "demo company"}, ""),
    ],
)
def test_a_sender_that_cannot_send_is_refused_in_words(
    installation: Installation, given: dict[str, str], told: str
) -> None:
    answer = browser_of(installation, "admin").post(f"{PAGE}/new", data={**TEAM, **given})
    assert answer.status_code == (422 if told else 303)
    assert told in answer.text.replace("&#39;", "'")
    assert bool(senders(installation)) is not bool(told)


def test_two_senders_of_one_name_are_refused(installation: Installation) -> None:
    admin = browser_of(installation, "admin")
    admin.post(f"{PAGE}/new", data=TEAM)
    answer = admin.post(f"{PAGE}/new", data={**TEAM, "name": "accounts"})
    assert (answer.status_code, len(senders(installation))) == (422, 1)
    assert "there is a sender accounts already" in answer.text


@pytest.mark.parametrize("user", ["alice", "mgr", "hr"])
def test_nobody_but_an_admin_comes_near_the_senders(installation: Installation, user: str) -> None:
    browser = browser_of(installation, user)
    answers = (browser.get(PAGE), browser.post(f"{PAGE}/new", data=TEAM))
    assert [answer.status_code for answer in answers] == [403, 403]
    assert senders(installation) == ()


def mail_with(installation: Installation, record: str, name: str, data: bytes) -> int:
    """A mail in the mailbox, with a file of this record."""
    with installation.database.begin() as tx:
        folder, author = installation.settings.data_dir, Author("admin")
        made = attach(tx, author, folder, record, name, "", BytesIO(data))
        table = tx.schema.tables["documents"]
        file = str(tx.db.scalar(select(table.c.file).where(table.c.id == made.id)))
        told = {"document": made.id, "digest": file.partition("/")[0], "name": name}
        values = {"to": "ap@acme.test", "subject": "Here", "attachments": [told]}
        return Records(tx, author).create("emails", values).id


def test_the_mailbox_shows_and_saves_what_went_with_a_mail(installation: Installation) -> None:
    mail = mail_with(installation, "invoices/1", "INV-1.pdf", b"%PDF-1.7 first")
    alice = browser_of(installation, "alice")
    found = re.search(
        r'href="(/mailbox/\d+/files/1)">INV-1\.pdf<', alice.get(f"/mailbox/{mail}").text
    )
    assert found
    saved = alice.get(found[1])
    assert saved.content == b"%PDF-1.7 first"
    assert saved.headers["content-disposition"] == 'attachment; filename="INV-1.pdf"'
    assert saved.headers["content-security-policy"].startswith("sandbox")
    assert [alice.get(f"/mailbox/{mail}/files/{n}").status_code for n in (0, 2, 99)] == [404] * 3


def test_the_mailbox_gives_the_file_that_went_and_not_what_the_document_holds_now(
    installation: Installation,
) -> None:
    mail = mail_with(installation, "invoices/1", "INV-1.pdf", b"%PDF-1.7 first")
    with installation.database.begin() as tx:
        emails = tx.schema.tables["emails"]
        (told,) = tx.db.scalars(select(emails.c.attachments).where(emails.c.id == mail)).one()
        Records(tx, Author("admin")).update("documents", told["document"], {"file": None})
    alice = browser_of(installation, "alice")
    assert alice.get(f"/mailbox/{mail}/files/1").content == b"%PDF-1.7 first"


def test_a_token_reads_no_file_of_people_through_a_mail_that_names_it(
    installation: Installation,
) -> None:
    mail = mail_with(installation, "employees/1", "pay.pdf", b"%PDF-1.7 secret")
    hers = browser_of(installation, "alice").get(f"/mailbox/{mail}/files/1")
    agent = program(installation, "records:read", user="alice").get(f"/mailbox/{mail}/files/1")
    assert (hers.status_code, agent.content == hers.content) == (200, False)
