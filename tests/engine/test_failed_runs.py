"""What becomes of runs that failed: for whom they go on by themselves, tried again, or closed."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from engine.problems import Invalid
from engine.records.tables import RUNS
from engine.runs.failed_runs import close, try_again
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.demo.story import Story, living
from tests.stages.office.office import Office, prepare

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
CREATED = {"type": "record_created"}
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
WEEKLY: dict[str, Any] = {
    "trigger": DAILY,
    "everyone": True,
    "recurrence": {"every_days": 7},
    "group_by": "account",
    "steps": [MAIL],
}
TICKETS: dict[str, Any] = {
    "name": "Tickets - Thank",
    "module": "tickets",
    "trigger": CREATED,
    "steps": [{**MAIL, "to": ["contact"]}],
}


def again(office: Office, run: int) -> str:
    """Press "try again", and let the workers do all that comes of it; "" or why it is refused."""
    try:
        with office.database.begin() as tx:
            try_again(tx, office.worker.library, run, "alice")
    except Invalid as refused:
        return refused.problems[0].message
    finally:
        office.worker.work()
    return ""


def sent(mailbox: MailServer) -> list[tuple[str, ...]]:
    return [mail.recipients for mail in mailbox.received]


# --- T17: a retry asks the recurrence, and a failed run can be closed ---


def two_failed(office: Office, clock: Clock, **document: Any) -> int:
    """Runs R-1 and R-2, a week apart, for an account without an address. Gives the account."""
    account = office.create("accounts", name="GAMMA")
    office.create("invoices", account=account)
    office.activate(**{**WEEKLY, **document})
    for _ in range(2):
        clock.advance(days=7)
        office.worker.work()
    assert [state.partition(":")[0] for state in office.runs()] == ["failed", "failed"]
    return account


def test_T17_of_two_failed_runs_in_seven_days_one_sends(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    url = template_database("office", prepare).database_url
    with Office.at(url, clock.now, mailbox.url) as office:
        account = two_failed(office, clock)
        office.update("accounts", account, email="pay@gamma.test")
        office.worker.work()  # the newest goes on by itself
        assert sent(mailbox) == [("pay@gamma.test",)]
        clock.advance(minutes=1)
        told = again(office, 1)
        assert told == "run R-1 is not tried again: it ran less than 7 days ago."
        assert len(sent(mailbox)) == 1


def test_T17_it_is_the_same_whichever_is_tried_again_first(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    url = template_database("office", prepare).database_url
    with Office.at(url, clock.now, mailbox.url) as office:
        account = two_failed(office, clock)
        assert again(office, 1) == ""  # it fails once more: there is no address yet
        office.update("accounts", account, email="pay@gamma.test")
        with office.database.begin() as tx:
            try_again(tx, office.worker.library, 1, "alice")
        office.worker.work()
        assert sent(mailbox) == [("pay@gamma.test",)]
        assert again(office, 2) == "run R-2 is not tried again: it ran less than 7 days ago."


@pytest.mark.parametrize(
    ("recurrence", "why"),
    [
        ("every", ""),
        ({"after_finish_days": 3}, "its last run ended less than 3 days ago"),
        ({"every_days": 1}, "it ran less than 1 day ago"),
    ],
)
def test_T17_what_a_recurrence_refuses_is_asked_of_a_retry(
    recurrence: Any,
    why: str,
    template_database: TemplateDatabase,
    clock: Clock,
    mailbox: MailServer,
) -> None:
    url = template_database("office", prepare).database_url
    with Office.at(url, clock.now, mailbox.url) as office:
        account = two_failed(office, clock, recurrence=recurrence)
        office.update("accounts", account, email="pay@gamma.test")
        office.worker.work()
        told = again(office, 1)
        assert told == (f"run R-1 is not tried again: {why}." if why else "")
        assert len(sent(mailbox)) == (1 if why else 2)


def test_T17_a_failed_run_is_closed_and_nothing_more_of_it_is_sent(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    url = template_database("office", prepare).database_url
    with Office.at(url, clock.now, mailbox.url) as office:
        account = office.create("accounts", name="GAMMA")
        office.activate(trigger=CREATED, steps=[MAIL])
        office.create("invoices", account=account)
        office.worker.work()
        with office.database.begin() as tx:
            close(tx, 1, "alice")
            with pytest.raises(Invalid, match="run R-1 has not failed"):
                close(tx, 1, "alice")
        office.update("accounts", account, email="pay@gamma.test")
        office.worker.work()
        assert sent(mailbox) == []
        assert office.runs()[0].startswith("stopped: closed by alice: no recipient for INV-1")
        assert again(office, 1) == "run R-1 has not failed."


# --- T18: what the message asks for is what is watched ---


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    """Tickets of which the contact is thanked, and a customer whom nobody can reach."""
    with living({}, template_database, clock) as story:
        story.approve(TICKETS)
        story.tell({"create": "accounts", "values": {"name": "Delphi Works"}})
        yield story


def contact(story: Story, name: str, **values: Any) -> None:
    given = {"name": name, "account": "Delphi Works", **values}
    story.tell({"create": "contacts", "values": given})


def ticket(story: Story, **values: Any) -> None:
    given = {"title": "Help", "account": "Delphi Works", **values}
    story.tell({"create": "tickets", "values": given})


def save(story: Story, module: str, name: str, **values: Any) -> None:
    """Change the record of this name."""
    with story.installation.database.read() as tx:
        home = tx.schema.module(module)
        table = tx.schema.tables[module]
        named = select(table.c.number).where(table.c[home.name_field] == name)
        number = tx.db.scalar(named)
    story.tell({"save": number, "values": values})


def stands(story: Story) -> list[str]:
    with story.installation.database.read() as tx:
        return list(tx.db.scalars(select(RUNS.c.state).order_by(RUNS.c.id)))


def written_to(story: Story) -> list[str]:
    with story.installation.database.read() as tx:
        table = tx.schema.tables["emails"]
        mine = (table.c.subject == "Hi", table.c.status == "captured")
        return list(tx.db.scalars(select(table.c.to).where(*mine).order_by(table.c.id)))


def test_T18_a_ticket_that_is_given_a_contact_is_written_about(story: Story) -> None:
    contact(story, "Bo Vale", email="bo@delphi.test")
    ticket(story)
    assert stands(story) == ["failed"]
    save(story, "tickets", "Help", contact="Bo Vale")
    assert (stands(story), written_to(story)) == (["done"], ["bo@delphi.test"])


def test_T18_a_contact_who_is_given_an_address_is_written_to_and_nobody_else(story: Story) -> None:
    for name in ("Bo Vale", "Cy Marsh"):
        contact(story, name)
        ticket(story, contact=name)
    contact(story, "Di Holt", email="di@delphi.test")
    save(story, "accounts", "Delphi Works", email="office@delphi.test")
    assert (stands(story), written_to(story)) == (["failed", "failed"], [])
    save(story, "contacts", "Cy Marsh", email="cy@delphi.test")
    assert (stands(story), written_to(story)) == (["failed", "done"], ["cy@delphi.test"])


def test_T18_an_owner_who_is_given_an_address_is_written_to(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    url = template_database("office", prepare).database_url
    with Office.at(url, clock.now, mailbox.url) as office:
        bo = office.create("users", username="bo", name="Bo")
        office.activate(trigger=CREATED, steps=[{**MAIL, "to": ["owner"]}])
        office.create("invoices", account="ACME", owner="bo")
        office.worker.work()
        office.update("accounts", 1, email="other@acme.test")
        office.worker.work()
        assert sent(mailbox) == []
        office.update("users", bo, email="bo@sayso.test")
        office.worker.work()
        assert sent(mailbox) == [("bo@sayso.test",)]


def test_T18_a_mail_that_was_refused_goes_again_to_another_address_alone(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    mailbox.answers = lambda command, words: (
        "550 5.7.1 not you" if command == "RCPT" and "ap@acme.test" in words else None
    )
    url = template_database("office", prepare).database_url
    with Office.at(url, clock.now, mailbox.url) as office:
        beta = office.create("accounts", name="BETA", email="ap@beta.test")
        office.activate(trigger=CREATED, steps=[MAIL])
        invoice = office.create("invoices", account="ACME")
        office.worker.work()
        office.update("accounts", 1, visits=1)
        office.create("invoices", account=beta)
        office.worker.work()
        assert (office.runs()[0][:6], sent(mailbox)) == ("failed", [("ap@beta.test",)])
        office.update("invoices", invoice, account=beta)
        office.worker.work()
        assert sent(mailbox) == [("ap@beta.test",), ("ap@beta.test",)]
