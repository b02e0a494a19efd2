"""R137: more mails than a workflow may send in a day are held, all of them, until a person acts."""

from collections import Counter

import pytest
from sqlalchemy import select

from engine.company.company import Company
from engine.company.message_limits import Caps
from engine.records.tables import ALERTS
from engine.records.writer import Author, Records
from engine.runs.sending.outbox import let_go, waiting
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.office.office import COMPANY, Office, prepare

MAIL = {"id": "mail", "type": "send_email", "to": ["reader"], "subject": "Hi", "body": "Pay."}
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
SENT = {"field": "status", "op": "equals", "value": "Sent"}


def audience_by_module(office: Office, number: int) -> None:
    """So many invoices, each with a recipient of its own."""
    sent = {"status": "Sent", "account": "ACME"}
    rows = [{**sent, "reader": f"p{n}@acme.test"} for n in range(number)]
    with office.database.begin() as tx:
        Records(tx, Author("alice"), starts=False).create_all("invoices", rows)


def capped(office: Office, **caps: int) -> None:
    plenty = COMPANY.email_caps.model_dump()
    with office.database.begin() as tx:
        small = Caps(**{**plenty, **caps})
        office.database.save_company(tx, tx.company.model_copy(update={"email_caps": small}))


def alerts(office: Office) -> list[tuple[str, str]]:
    with office.database.read() as tx:
        return [tuple(row) for row in tx.db.execute(select(ALERTS.c.kind, ALERTS.c.cause))]


def standing(office: Office) -> dict[str, int]:
    with office.database.read() as tx:
        found = waiting(tx, office.worker.library)
        return dict(Counter(each.cause or each.standing for each in found))


def test_an_audience_above_the_cap_is_held_for_approval(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        capped(office, workflow_day=50, workflow_hour=50)
        audience_by_module(office, 70)
        steps = [{**MAIL, "to": ["{{ record.reader }}"]}]
        workflow = office.activate(trigger=DAILY, conditions=SENT, steps=steps)
        clock.advance(days=1)
        office.worker.work()
        assert mailbox.received == []
        assert standing(office) == {"approval": 70}
        told = "“A workflow”: 70 e-mails wait, and 50 a day may go."
        assert alerts(office) == [("approval", told)]
        with office.database.begin() as tx:
            assert let_go(tx, workflow, "email", "boss") == 70
        office.worker.work()
        assert (len(mailbox.received), standing(office)) == (70, {})


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_five_thousand_mails_at_once_are_held_with_the_caps_as_they_come(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        capped(office, **Company().email_caps.model_dump())
        audience_by_module(office, 5000)
        steps = [{**MAIL, "to": ["{{ record.reader }}"]}]
        office.activate(trigger=DAILY, conditions=SENT, steps=steps)
        clock.advance(days=1)
        office.worker.work()
        assert mailbox.received == []
        told = "“A workflow”: 5,000 e-mails wait, and 500 a day may go."
        assert alerts(office) == [("approval", told)]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_an_audience_within_the_cap_goes_and_more_in_an_hour_waits_for_the_next(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        capped(office, workflow_day=50, workflow_hour=20)
        audience_by_module(office, 50)
        steps = [{**MAIL, "to": ["{{ record.reader }}"]}]
        office.activate(trigger=DAILY, conditions=SENT, steps=steps)
        sent = []
        clock.advance(days=1)
        for _ in range(4):
            office.worker.work()
            sent.append(len(mailbox.received))
            clock.advance(hours=1)
        assert sent == [20, 40, 50, 50]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_what_nobody_lets_go_ends_after_three_days(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        capped(office, workflow_day=3)
        audience_by_module(office, 4)
        steps = [{**MAIL, "to": ["{{ record.reader }}"]}]
        once = {"type": "schedule", "every": "once", "date": "2026-03-11", "at": "09:00"}
        office.activate(trigger=once, conditions=SENT, steps=steps)
        for _ in range(5):
            clock.advance(days=1)
            office.worker.work()
        assert mailbox.received == []
        states = Counter(state.partition(": it was")[0] for state in office.runs())
        assert states == {"failed: the mail could not be sent": 4}
