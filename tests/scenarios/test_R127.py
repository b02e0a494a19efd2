"""R127: a timed mail is tried again at 30-minute intervals, then next day at the planned time."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.office.office import Office, prepare

PARIS = ZoneInfo("Europe/Paris")
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
TIMED = {**MAIL, "at": "09:00"}
CREATED = {"type": "record_created"}


def local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=PARIS)


def tried(
    office: Office, clock: Clock, mailbox: MailServer, answers: list[str | None]
) -> list[str]:
    """When the mail was tried, while the server gives these answers in turn; then it takes it."""
    times: list[str] = []
    given = iter(answers)

    def answer(command: str, _: str) -> str | None:
        if command != "RCPT":
            return None
        times.append(f"{clock.now().astimezone(PARIS):%a %H:%M}")
        return next(given, None)

    mailbox.answers = answer
    office.worker.work()
    while due := office.worker.next_due():
        clock.set(due)
        office.worker.work()
    return times


DOWN = "451 come back later"


@pytest.mark.parametrize(
    ("begins", "window", "times"),
    [
        (
            "2026-03-10T09:00",
            {},
            ["Tue 09:00", "Tue 09:30", "Tue 10:00", "Tue 10:30", "Wed 09:00"],
        ),
        (
            "2026-03-13T08:20",
            {"window": {"from": "08:00", "to": "18:00", "days": "working_days"}},
            ["Fri 09:00", "Fri 09:30", "Fri 10:00", "Fri 10:30", "Mon 09:00"],
        ),
        (
            "2026-03-13T08:20",
            {},
            ["Fri 09:00", "Fri 09:30", "Fri 10:00", "Fri 10:30", "Sat 09:00"],
        ),
    ],
    ids=["example", "weekends are off", "weekends are on"],
)
def test_four_tries_then_the_next_day(
    begins: str,
    window: dict[str, Any],
    times: list[str],
    template_database: TemplateDatabase,
    clock: Clock,
    mailbox: MailServer,
) -> None:
    clock.set(local(begins))
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        office.activate(trigger=CREATED, steps=[TIMED], **window)
        office.create("invoices", account="ACME")
        assert tried(office, clock, mailbox, [DOWN] * 4) == times
        assert (office.runs(), len(mailbox.received)) == (["done: finished"], 1)


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_after_four_days_it_fails_and_people_are_told(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    clock.set(local("2026-03-10T09:00"))
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        office.activate(trigger=CREATED, steps=[MAIL])
        office.create("invoices", account="ACME", owner="alice")
        times = tried(office, clock, mailbox, [DOWN] * 99)
        assert times[::4] == ["Tue 09:00", "Wed 09:00", "Thu 09:00", "Fri 09:00"]
        assert len(times) == 16
        assert office.runs()[0].startswith("failed: the mail could not be sent")
        assert len(office.rows("tasks", "title")) == 1
        assert "failed" in office.alerts()


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_what_is_paid_between_two_tries_is_not_sent(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    clock.set(local("2026-03-10T09:00"))
    pair = template_database("office", prepare)
    owes = {"field": "balance", "op": "greater_than", "value": 0}
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        office.activate(trigger=CREATED, conditions=owes, steps=[TIMED])
        id = office.create("invoices", account="ACME", balance=10)
        mailbox.answers = lambda command, _: DOWN if command == "RCPT" else None
        office.worker.work()
        office.update("invoices", id, balance=0)
        clock.advance(minutes=30)
        assert tried(office, clock, mailbox, []) == []
        assert office.runs()[0].startswith("stopped: no longer applies")
