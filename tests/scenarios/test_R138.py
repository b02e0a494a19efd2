"""R138: a mail is sent exactly once: it is claimed before it is sent, and nobody sends it again."""

from datetime import timedelta
from threading import Event
from time import monotonic

from sqlalchemy import select

from engine.records.tables import CLAIMS, RUNS
from tests.databases import TemplateDatabase
from tests.servers import MailServer
from tests.stages.office.office import Office, prepare
from tests.stages.office.processes import context, now, work

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
LEASE = timedelta(seconds=2)
PATIENCE = 30.0


def states(office: Office) -> list[str]:
    with office.database.read() as tx:
        return list(tx.db.scalars(select(RUNS.c.state)))


def test_a_worker_that_is_killed_while_it_sends_leaves_one_mail_at_most(
    template_database: TemplateDatabase, mailbox: MailServer
) -> None:
    pair = template_database("office", prepare)
    asked, go_on = Event(), Event()

    def dawdle(command: str, _: str) -> None:
        if command == "DATA":
            asked.set()
            go_on.wait(PATIENCE)

    mailbox.answers = dawdle
    with Office.at(pair.database_url, now, lease=LEASE) as office:
        office.activate(trigger={"type": "record_created"}, steps=[MAIL])
        office.create("invoices", account="ACME")
        killed = context().Process(target=work, args=(pair, mailbox.url, LEASE), daemon=True)
        killed.start()
        assert asked.wait(PATIENCE)
        killed.kill()
        killed.join()
        go_on.set()
        with office.database.read() as tx:
            claimed = [tuple(row) for row in tx.db.execute(select(*CLAIMS.c[:3], CLAIMS.c.tries))]
        assert claimed == [(1, "mail", "ap@acme.test", 1)]
        other = context().Process(target=work, args=(pair, mailbox.url, LEASE), daemon=True)
        other.start()
        until = monotonic() + PATIENCE
        while states(office) == ["running"] and monotonic() < until:
            asked.wait(0.1)
            Event().wait(0.1)
        other.kill()
        other.join()
        assert states(office) == ["paused"]  # a person says whether it arrived
        assert office.story() == ["mail: unknown"]
        assert len(mailbox.received) <= 1


def test_a_mail_that_was_sent_is_not_sent_again_however_often_workers_look(
    template_database: TemplateDatabase, mailbox: MailServer
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, now, mailbox.url) as office:
        office.activate(trigger={"type": "record_created"}, steps=[MAIL])
        office.create("invoices", account="ACME")
        for _ in range(3):
            office.worker.work()
    assert len(mailbox.received) == 1
