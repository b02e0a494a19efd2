"""T31: what has no day, no address or no next try says so, each in its own words."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.people.logins import Principal
from engine.problems import Invalid
from engine.records.writer import Author, Records
from server.access.desk import Desk
from server.operations import catalogue
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.demo.story import Story, living
from tests.stages.office.office import Office, prepare

TASK = {"id": "call", "type": "create_task", "title": "Call", "due": "{{ record.due_date }}"}
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
CREATED = {"type": "record_created"}


@pytest.fixture
def office(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> Iterator[Office]:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        yield office


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def asked(story: Story, operation: str, **given: Any) -> Any:
    """What an operation answers to Alice's program."""
    who = Principal("alice", frozenset({"author"}), None, "a token", True)
    return catalogue.every()[operation].call(Desk(story.installation, who), given)


def test_T31_a_task_without_a_day_is_skipped_with_the_reason(office: Office) -> None:
    office.activate(trigger=CREATED, steps=[{**TASK, "assign_to": "alice"}])
    office.create("invoices", account="ACME")
    office.create("invoices", account="ACME", due_date="2026-04-01")
    office.worker.work()
    assert (office.story(1), office.story(2)) == (["call: skipped"], ["call: done"])
    assert office.said(1) == "no task: there is no day on which it would be due, on INV-1"
    assert office.runs() == ["done: finished, 1 skipped", "done: finished"]
    assert [str(due) for (due,) in office.rows("tasks", "due_date")] == ["2026-04-01"]


def test_T31_a_mail_that_waits_for_its_next_try_is_waiting(
    office: Office, mailbox: MailServer, clock: Clock
) -> None:
    mailbox.answers = lambda command, _: "451 later, please" if command == "RCPT" else None
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    for _ in range(4):
        office.worker.work()
        clock.advance(hours=1)
    assert office.runs() == ["waiting"]
    assert office.story() == ["mail: retry"]


def test_T31_each_customer_who_cannot_be_reached_has_its_own_reason(story: Story) -> None:
    nobody = "there is no address to write to: "
    new: list[dict[str, Any]] = [
        {"name": "NUDA", "email": "office@nuda.test"},
        {"name": "MUTA", "email_opt_out": True},
        {"name": "VOID"},
    ]
    with story.installation.database.begin() as tx:
        for values in new:
            Records(tx, Author("alice"), starts=False).create("accounts", values)
    names = [values["name"] for values in new]
    letter = {"subject": "Hello", "body": "We have moved."}
    told = asked(story, "write_to_customers", customers=names, **letter)
    by_id = {row["id"]: row["why"] for row in told["suppressed"]}
    assert [by_id[row["id"]] for row in told["customers"]] == [
        f"{nobody}NUDA has no contact, only an address of its own",
        f"{nobody}MUTA has opted out of e-mail",
        f"{nobody}VOID has no contact",
    ]


def test_T31_a_record_without_a_customer_says_that(story: Story) -> None:
    with story.installation.database.begin() as tx:
        Records(tx, Author("alice"), starts=False).create("tickets", {"title": "Lost"})
    document = {
        "name": "Tickets - Answer",
        "module": "tickets",
        "trigger": {"type": "manual"},
        "conditions": {"field": "title", "op": "equals", "value": "Lost"},
        "steps": [{**MAIL, "to": ["primary_contact"]}],
    }
    told = asked(story, "preview_audience", document=document)
    assert [row["why"].partition(": ")[2] for row in told["suppressed"]] == [
        f"{told['records'][0]['number']} belongs to no account"
    ]


def test_T31_the_wording_for_all_of_a_template_in_use_stays(story: Story) -> None:
    document = {
        "name": "Invoices - Thank",
        "module": "invoices",
        "trigger": {"type": "manual"},
        "steps": [{"id": "mail", "type": "send_email", "to": ["contacts"], "template": "thanks"}],
    }
    with story.installation.database.begin() as tx:
        records = Records(tx, Author("alice"), starts=False)
        thanks = {"name": "thanks", "kind": "E-mail", "subject": "Thanks", "body": "Thank you."}
        every = records.create("templates", thanks).id
        french = records.create("templates", {**thanks, "language": "fr"}).id
    story.approve(document)
    with story.installation.database.begin() as tx:
        records = Records(tx, Author("alice"), starts=False)
        with pytest.raises(Invalid, match="This is its wording for all"):
            records.delete("templates", every)
        records.delete("templates", french)
        with pytest.raises(Invalid, match="is used by “Invoices - Thank”"):
            records.delete("templates", every)
