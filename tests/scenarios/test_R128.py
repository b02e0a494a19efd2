"""R128: a mail to be sent as soon as possible is tried every half hour until it works."""

import pytest
from sqlalchemy import select

from engine.records.tables import ALERTS
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.scenarios.test_R127 import CREATED, DOWN, MAIL, local, tried
from tests.servers import MailServer
from tests.stages.office.office import Office, prepare

SOON = {**MAIL, "as_soon_as_possible": True}


def alerts(office: Office) -> list[tuple[str, str, str]]:
    with office.database.read() as tx:
        rows = tx.db.execute(select(ALERTS.c.kind, ALERTS.c.cause, ALERTS.c.state))
        return [tuple(row) for row in rows]


def test_a_server_that_is_down_for_two_hours_gets_it_once_when_it_is_back(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    clock.set(local("2026-03-10T22:00"))
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        closed = {"from": "08:00", "to": "18:00"}
        office.activate(trigger=CREATED, steps=[SOON], window=closed)
        office.create("invoices", account="ACME")
        told: list[list[tuple[str, str, str]]] = []
        mailbox.answers = lambda command, _: DOWN if command == "RCPT" else None
        office.worker.work()
        for _ in range(3):
            clock.advance(minutes=30)
            office.worker.work()
            told.append(alerts(office))
        waits = "1 message cannot be sent; the oldest has waited for {}."
        hour = [("queue", waits.format("1 hour"), "open")]
        assert told == [[], hour, hour]
        assert tried(office, clock, mailbox, []) == ["Wed 00:00"]
        assert (office.runs(), len(mailbox.received)) == (["done: finished"], 1)
        assert alerts(office) == [("queue", waits.format("2 hours"), "settled")]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_after_three_days_it_fails(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> None:
    clock.set(local("2026-03-10T09:00"))
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        office.activate(trigger=CREATED, steps=[SOON])
        office.create("invoices", account="ACME")
        times = tried(office, clock, mailbox, [DOWN] * 999)
        assert (times[:2], times[-1], len(times)) == (["Tue 09:00", "Tue 09:30"], "Fri 09:00", 145)
        assert office.runs()[0].startswith("failed: the mail could not be sent")
        assert [kind for kind, _, state in alerts(office) if state == "open"] == ["failed"]
