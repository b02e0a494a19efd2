"""R43: mails are queued: after the save the outbox holds one, and no server was spoken to."""

from collections.abc import Iterator

import pytest

from engine.runs.sending.outbox import waiting
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.office.office import Office, prepare

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}


@pytest.fixture
def office(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> Iterator[Office]:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        yield office


def outbox(office: Office) -> list[tuple[str, str, tuple[str, ...]]]:
    with office.database.read() as tx:
        found = waiting(tx, office.worker.library)
        return [(each.standing, each.subject, each.to) for each in found]


def test_a_mail_waits_in_the_outbox_and_leaves_in_another_transaction(
    office: Office, mailbox: MailServer
) -> None:
    asked: list[str] = []
    mailbox.answers = lambda command, _: asked.append(command)
    office.activate(trigger={"type": "record_created"}, steps=[MAIL])
    office.create("invoices", account="ACME")
    assert outbox(office) == []  # a save alone decides nothing
    office.worker.match_and_carry()
    assert outbox(office) == [("queued", "Hi", ("ap@acme.test",))]
    assert (asked, mailbox.received, office.rows("emails", "status")) == ([], [], [])
    office.worker.work()
    assert outbox(office) == []
    assert len(mailbox.received) == 1
    assert office.rows("emails", "status") == [("sent",)]


def test_what_is_paid_while_its_mail_stands_in_the_queue_is_not_written_about(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    owes = {"field": "balance", "op": "greater_than", "value": 0}
    office.activate(trigger={"type": "record_created"}, conditions=owes, steps=[MAIL])
    id = office.create("invoices", account="ACME", balance=10)
    office.worker.match_and_carry()
    office.update("invoices", id, balance=0)
    clock.advance(minutes=5)
    office.worker.work()
    assert (mailbox.received, outbox(office)) == ([], [])
    assert office.runs()[0].startswith("stopped: no longer applies")
