"""A mail that really goes out and really comes back: what is known afterwards, and who is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.outside.postman import collect
from engine.records.tables import SUPPRESSIONS
from engine.runs.judge import judged
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.post import bounce, complaint, letter
from tests.servers import ImapServer, MailServer
from tests.stages.demo.story import Story, living

COMPANY = {"sender": "billing@demo.test"}
HELLO = {
    "name": "Invoices - Say hello",
    "description": "So that they know us.",
    "module": "invoices",
    "trigger": {"type": "record_modified", "fields": ["subject"]},
    "steps": [
        {
            "id": "hello",
            "type": "send_email",
            "to": ["ana@acme.test"],
            "subject": "Hello {{ record.number }}",
            "body": "Hello.",
        }
    ],
}
REVIEW = {
    "name": "Mail - Look into what came back",
    "description": "Addresses are corrected the same day.",
    "module": "emails",
    "trigger": {"type": "email_bounced"},
    "steps": [
        {
            "id": "review",
            "type": "create_task",
            "title": "Review the contact details of {{ record.bounced }}",
            "assign_to": "alice",
        }
    ],
}
ANSWER = {
    "name": "Mail - Say that it has come",
    "description": "Customers know that somebody will look.",
    "module": "emails",
    "trigger": {"type": "email_received"},
    "steps": [
        {
            "id": "answer",
            "type": "send_email",
            "to": ["contact"],
            "subject": "We have your mail",
            "body": "Somebody will answer.",
        }
    ],
}


@pytest.fixture
def story(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer, imap: ImapServer
) -> Iterator[Story]:
    """A house that sends through one real server, and receives from another."""
    with living({"company": COMPANY}, template_database, clock) as story:
        settings = story.installation.settings.model_copy(update={"imap_url": imap.url})
        world = replace(story.installation.world, smtp_url=mailbox.url)
        story.installation = replace(story.installation, settings=settings, world=world)
        collect(story.installation)
        for document in (HELLO, REVIEW, ANSWER):
            story.approve(document)
        yield story


def fetched(story: Story, clock: Clock) -> int:
    """Let a minute go by, fetch what came, and do all that comes of it."""
    clock.set(clock.now() + timedelta(minutes=1))
    taken = collect(story.installation)
    story.installation.worker.work()
    return taken


def rows(story: Story, module: str) -> list[Any]:
    with story.installation.database.read() as tx:
        table = tx.schema.tables[module]
        return [dict(row) for row in tx.db.execute(select(table).order_by(table.c.id)).mappings()]


def test_a_mail_that_comes_back_gives_one_task_that_names_the_address(
    story: Story, clock: Clock, mailbox: MailServer, imap: ImapServer
) -> None:
    story.tell({"save": "INV-1", "values": {"subject": "A"}})
    (sent,) = mailbox.received
    imap.deliver(bounce(sent.message["Message-ID"], "ana@acme.test", to=sent.sender))
    assert fetched(story, clock) == 1
    news = story.news()
    assert [task["title"] for task in news["tasks"]] == [
        "Review the contact details of ana@acme.test"
    ]
    ours = rows(story, "emails")[0]
    assert (ours["status"], ours["bounced"]) == ("bounced", "ana@acme.test")
    ana = next(row for row in rows(story, "contacts") if row["email"] == "ana@acme.test")
    assert ana["bounce_status"] == "bounce"
    story.tell({"save": "INV-1", "values": {"subject": "B"}})
    imap.deliver(bounce(sent.message["Message-ID"], "ana@acme.test", to=sent.sender))
    fetched(story, clock)
    assert "tasks" not in story.news()
    assert len(mailbox.received) == 1


def test_an_address_that_the_server_refuses_at_once_has_bounced_too(
    story: Story, mailbox: MailServer
) -> None:
    mailbox.answers = lambda command, word: "550 5.1.1 Who?" if command == "RCPT" else None
    story.tell({"save": "INV-1", "values": {"subject": "A"}})
    titles = [task["title"] for task in story.news()["tasks"]]
    assert "Review the contact details of ana@acme.test" in titles


def test_a_bounce_of_a_mail_that_is_not_ours_changes_nothing(
    story: Story, clock: Clock, imap: ImapServer
) -> None:
    imap.deliver(bounce("<made-up@demo.test>", "ana@acme.test"))
    assert fetched(story, clock) == 1
    assert {row["bounce_status"] for row in rows(story, "contacts")} == {"ok", "bounce"}
    with story.installation.database.read() as tx:
        assert tx.count(SUPPRESSIONS) == 0
    assert "tasks" not in story.news()


def test_a_reader_who_complains_gets_no_more_mail(
    story: Story, clock: Clock, mailbox: MailServer, imap: ImapServer
) -> None:
    story.tell({"save": "INV-1", "values": {"subject": "A"}})
    imap.deliver(complaint(mailbox.received[0].message["Message-ID"], "ana@acme.test"))
    fetched(story, clock)
    ana = next(row for row in rows(story, "contacts") if row["email"] == "ana@acme.test")
    assert ana["bounce_status"] == "complaint"
    story.tell({"save": "INV-1", "values": {"subject": "B"}})
    assert len(mailbox.received) == 1


def test_an_automatic_answer_stays_in_its_thread_and_says_what_it_is(
    story: Story, clock: Clock, mailbox: MailServer, imap: ImapServer
) -> None:
    headers = {"Message-ID": "<question@acme.test>"}
    imap.deliver(letter("Ana Lopez <ana@acme.test>", "When?", "Hello?", headers=headers))
    imap.deliver(letter("Ana Lopez <ana@acme.test>", "When??", "Hello??"))
    imap.deliver(letter("Ana <ana@acme.test>", "Away", headers={"Auto-Submitted": "auto-replied"}))
    assert fetched(story, clock) == 3
    (answer,) = mailbox.received
    told = {name: answer.message[name] for name in ("In-Reply-To", "References", "Auto-Submitted")}
    assert answer.recipients == ("ana@acme.test",)
    assert told == {
        "In-Reply-To": "<question@acme.test>",
        "References": "<question@acme.test>",
        "Auto-Submitted": "auto-replied",
    }


def test_an_answer_to_our_mail_is_put_beside_what_that_was_about(
    story: Story, clock: Clock, mailbox: MailServer, imap: ImapServer
) -> None:
    story.tell({"save": "INV-1", "values": {"subject": "A"}})
    thread = {"In-Reply-To": mailbox.received[0].message["Message-ID"]}
    imap.deliver(letter("boss@elsewhere.test", "Re: Hello", "We pay.", headers=thread))
    fetched(story, clock)
    ours, theirs = rows(story, "emails")[:2]
    kept = ("record", "run", "account")
    assert [theirs[name] for name in kept] == [ours[name] for name in kept]
    assert theirs["contact"] is None


def test_what_a_sender_was_not_answered_is_explained(
    story: Story, clock: Clock, imap: ImapServer
) -> None:
    imap.deliver(letter("ana@acme.test", "One"))
    imap.deliver(letter("ana@acme.test", "Two"))
    fetched(story, clock)
    with story.installation.database.read() as tx:
        live = story.installation.library.live(tx)[story.workflow]
        first, second = judged(tx, live, [1, 2])
        told = "a mail of ana@acme.test started it already, less than 24 hours before"
        assert (first.blocked, second.blocked) == ((), (told,))
