"""R136: in whose name mail goes out; without a sender it stays queued, and approvers are warned."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.company.company import PLACEHOLDER, Company, Sender
from engine.installation import Installation
from engine.runs.sending.outbox import waiting
from engine.settings import Settings
from engine.workflows.advice import advice
from engine.workflows.library import Library, examine
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer, mail_server
from tests.stages.office.office import Office, prepare

CREATED = {"type": "record_created"}
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
TEAM = Sender(name="Accounts", address="ar@firm.test", reply_to="answers@firm.test")
HELD = "no sender is set, so mail stays here until an admin sets one on the page System"


@pytest.fixture
def office(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> Iterator[Office]:
    with Office.at(template_database("office", prepare).database_url, clock.now, mailbox.url) as it:
        yield it


def change(office: Office, **company: Any) -> Company:
    with office.database.begin() as tx:
        changed = tx.company.model_copy(update=company)
        office.database.save_company(tx, changed)
        return changed


def told(office: Office, **step: Any) -> list[str]:
    """What is said before such a workflow is switched on."""
    document = {"name": "Remind", "module": "invoices", "trigger": CREATED, "steps": [MAIL | step]}
    world = office.worker.world
    installation = Installation(Settings(), office.database, world, Library())
    with office.database.read() as tx:
        parsed = Workflow.model_validate(document)
        given = advice(parsed, tx.schema, None, installation.lacks(tx.company))
        return [problem.message for problem in given if "sender" in problem.message]


def test_without_a_sender_mail_stays_queued_until_there_is_one(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    change(office, sender=PLACEHOLDER)
    assert told(office) == ["no sender is set: its mails would stay here until there is one."]
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    for _ in range(3):
        office.worker.work()
        clock.advance(days=1)
    assert (mailbox.received, office.runs()) == ([], ["waiting"])
    assert (office.story(), office.rows("emails", "id")) == (["mail: held"], [])
    assert office.said() == HELD
    with office.database.read() as tx:
        queued = waiting(tx, office.worker.library)
    told_of = [(mail.standing, mail.cause, mail.to, mail.subject) for mail in queued]
    assert told_of == [("held", "sender", ("ap@acme.test",), "Hi")]
    change(office, sender="firm@firm.test", sender_name="The firm")
    clock.advance(minutes=15)
    office.worker.work()
    assert [mail.message["From"] for mail in mailbox.received] == ["The firm <firm@firm.test>"]
    assert (office.runs(), told(office)) == (["done: finished"], [])


def test_a_step_sends_in_the_name_it_chooses(office: Office, mailbox: MailServer) -> None:
    change(office, senders=(TEAM,), sender=PLACEHOLDER)
    assert told(office, **{"from": "Accounts"}) == []
    office.activate(trigger=CREATED, steps=[{**MAIL, "from": "accounts"}])
    office.create("invoices", account="ACME")
    office.worker.work()
    (mail,) = mailbox.received
    assert mail.sender == "ar@firm.test"
    assert mail.message["From"] == "Accounts <ar@firm.test>"
    assert mail.message["Reply-To"] == "answers@firm.test"
    assert office.rows("emails", "sender", "status") == [("ar@firm.test", "sent")]


def test_a_sender_can_have_a_mail_server_of_its_own(office: Office, mailbox: MailServer) -> None:
    with mail_server() as brand:
        office.worker.world.find_secret = {"brand": brand.url}.__getitem__
        change(office, senders=(TEAM.model_copy(update={"connection": "brand"}),))
        office.activate(trigger=CREATED, steps=[{**MAIL, "from": "Accounts"}])
        office.create("invoices", account="ACME")
        office.worker.work()
        assert (len(brand.received), mailbox.received) == (1, [])


def test_a_sender_without_its_secret_fails_in_words(office: Office, mailbox: MailServer) -> None:
    change(office, senders=(TEAM.model_copy(update={"connection": "brand"}),))
    office.worker.world.find_secret = dict[str, str]().__getitem__
    office.activate(trigger=CREATED, steps=[{**MAIL, "from": "Accounts"}])
    office.create("invoices", account="ACME")
    office.worker.work()
    assert mailbox.received == []
    assert office.runs() == ["failed: there is no stored secret 'brand'. Store it, then try again."]


def test_a_sender_that_nobody_added_is_refused(office: Office) -> None:
    change(office, senders=(TEAM,))
    step = {**MAIL, "from": "Acounts"}
    document = {"name": "Remind", "module": "invoices", "trigger": CREATED, "steps": [step]}
    with office.database.read() as tx:
        (problem,) = examine(tx, document, lambda url: None).problems
    assert (problem.path, problem.message) == ("steps.0.from", "there is no sender `Acounts`.")
    assert "Did you mean `Accounts`?" in problem.remedy
