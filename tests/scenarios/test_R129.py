"""R129: once its address is corrected, a failed mail is sent, and no earlier step is done again."""

from collections.abc import Iterator

import pytest

from engine.problems import Invalid
from engine.records.suppression import listed
from engine.runs.failed_runs import try_again
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.office.office import Office, prepare

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
NOTE = {"id": "log", "type": "add_note", "text": "Wrote to {{ record.number }}"}
CREATED = {"type": "record_created"}
GONE = "550 5.1.1 no such mailbox"


@pytest.fixture
def office(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> Iterator[Office]:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        yield office


def to(mailbox: MailServer) -> list[tuple[str, ...]]:
    return [mail.recipients for mail in mailbox.received]


def test_a_customer_without_an_address_is_written_to_as_soon_as_there_is_one(
    office: Office, mailbox: MailServer, clock: Clock
) -> None:
    gamma = office.create("accounts", name="GAMMA")
    office.activate(trigger=CREATED, steps=[NOTE, MAIL])
    office.create("invoices", account=gamma)
    office.worker.work()
    assert office.runs()[0].startswith("failed: no recipient")
    assert (office.story(), len(office.rows("tasks", "id"))) == (["log: done", "mail: failed"], 1)
    clock.advance(days=2)
    office.update("accounts", 1, email="other@acme.test")  # somebody else's
    office.update("accounts", gamma, visits=3)  # no address
    office.worker.work()
    assert to(mailbox) == []
    office.update("accounts", gamma, email="pay@gamma.test")
    office.worker.work()
    assert to(mailbox) == [("pay@gamma.test",)]
    assert (office.runs(), office.story()) == (["done: finished"], ["log: done", "mail: done"])
    assert len(office.rows("notes", "id")) == 2  # the step's, and the pinned one of the failure
    office.update("accounts", gamma, email="new@gamma.test")
    office.worker.work()
    assert len(to(mailbox)) == 1


def test_an_address_that_bounces_is_suppressed_and_the_corrected_one_is_written_to(
    office: Office, mailbox: MailServer
) -> None:
    mailbox.answers = lambda command, words: (
        GONE if command == "RCPT" and "ap@acme.test" in words else None
    )
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    office.worker.work()
    with office.database.read() as tx:
        assert [(row.address, row.kind, row.by) for row in listed(tx)] == [
            ("ap@acme.test", "bounced", "mail server")
        ]
    assert office.rows("emails", "status", "bounced") == [("bounced", "ap@acme.test")]
    office.update("accounts", 1, email="accounts@acme.test")
    office.worker.work()
    assert to(mailbox) == [("accounts@acme.test",)]
    office.update("accounts", 1, email="ap@acme.test")
    office.create("invoices", account="ACME")
    office.worker.work()
    assert len(to(mailbox)) == 1  # the address that does not exist is not tried again
    assert office.story(2) == ["mail: skipped"]


def test_a_person_tries_again_what_failed_and_earlier_steps_are_not_done_again(
    office: Office, mailbox: MailServer
) -> None:
    answers = iter(["550 not today"])
    mailbox.answers = lambda command, _: next(answers, None) if command == "RCPT" else None
    office.activate(trigger=CREATED, steps=[NOTE, MAIL])
    office.create("invoices", account="ACME")
    office.worker.work()
    assert office.story() == ["log: done", "mail: failed"]
    with office.database.begin() as tx:
        try_again(tx, office.worker.library, 1, "alice")
        with pytest.raises(Invalid, match="has not failed"):
            try_again(tx, office.worker.library, 2, "alice")
    office.worker.work()
    assert (office.runs(), to(mailbox)) == (["done: finished"], [("ap@acme.test",)])
    assert [text for text, _ in office.rows("notes", "text", "pinned")].count("Wrote to INV-1") == 1


def test_what_was_paid_by_then_is_not_written_about(office: Office, mailbox: MailServer) -> None:
    gamma = office.create("accounts", name="GAMMA")
    owes = {"field": "balance", "op": "greater_than", "value": 0}
    office.activate(trigger=CREATED, conditions=owes, steps=[MAIL])
    invoice = office.create("invoices", account=gamma, balance=10)
    office.worker.work()
    office.update("invoices", invoice, balance=0)
    office.update("accounts", gamma, email="pay@gamma.test")
    office.worker.work()
    assert to(mailbox) == []
    assert office.runs()[0].startswith("stopped: no longer applies")
