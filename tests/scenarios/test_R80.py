"""R80: who meets the criteria: how many, some of them, who does not and why, and their invoices."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.people.logins import Principal
from engine.problems import Invalid
from engine.records.writer import Author, Records
from server.access.desk import Desk
from server.operations.registry import Answer
from server.operations.trials import preview_audience
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

SENT = {"field": "status", "op": "equals", "value": "Sent"}
OVERDUE = {"all": [SENT, {"field": "due_date", "op": "less_than", "value": "today"}]}
PAID = {"field": "status", "op": "equals", "value": "Paid"}
CUSTOMERS: dict[str, Any] = {
    "name": "Accounts - Follow up",
    "module": "accounts",
    "trigger": {"type": "manual"},
    "conditions": {
        "all": [
            {"related": "invoices", "via": "account", "match": "some", "where": OVERDUE},
            {"not": {"field": "name", "op": "equals", "value": "DELTA"}},
        ]
    },
    "steps": [
        {"id": "mail", "type": "send_email", "to": ["email"], "subject": "Hello", "body": "Pay"}
    ],
}
INVOICES: dict[str, Any] = {
    **CUSTOMERS,
    "module": "invoices",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "conditions": OVERDUE,
    "group_by": "account",
    "steps": [{"id": "tell", "type": "notify", "to": ["mgr"], "text": "Late"}],
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def preview(story: Story, document: dict[str, Any], **given: Any) -> Answer:
    desk = Desk(story.installation, Principal("admin", frozenset({"admin"})))
    return dict(preview_audience(desk, document=document, **given))


def numbers(rows: list[dict[str, Any]]) -> list[str]:
    return [row["number"] for row in rows]


def test_the_customers_are_counted_and_shown_and_the_others_with_why(story: Story) -> None:
    told = preview(story, CUSTOMERS)
    assert (told["count"], numbers(told["records"])) == (2, ["ACC-1", "ACC-3"])
    why = {row["name"]: row["why"] for row in told["out"]}
    assert sorted(why) == ["BETA", "DELTA"]
    assert "invoices" in why["BETA"]
    assert why["DELTA"] == "name “DELTA” is equal to “DELTA”"
    assert [row["why"] for row in told["suppressed"]] == ["there is no address to write to"]
    assert "shown" not in told


def test_the_invoices_of_these_customers_can_be_seen_instead(story: Story) -> None:
    shown = preview(story, CUSTOMERS, show="invoices")["shown"]
    assert (shown["module"], shown["count"]) == ("invoices", 4)
    assert numbers(shown["records"]) == ["INV-1", "INV-2", "INV-6", "INV-10"]
    assert preview(story, CUSTOMERS, show="invoices", limit=1)["shown"]["count"] == 4


def test_so_can_the_payments_that_a_second_filter_chooses(story: Story) -> None:
    payments = {"related": "payments", "via": "account", "match": "some", "where": PAID}
    both = {"all": [*CUSTOMERS["conditions"]["all"], payments]}
    shown = preview(story, {**CUSTOMERS, "conditions": both}, show="payments")["shown"]
    assert numbers(shown["records"]) == ["PAY-2"]


def test_of_invoices_taken_together_the_customers_can_be_seen(story: Story) -> None:
    told = preview(story, INVOICES, show="accounts")
    assert (told["count"], told["runs"]) == (5, 3)
    assert numbers(told["shown"]["records"]) == ["ACC-1", "ACC-3", "ACC-4"]


def test_the_invoices_of_a_contact_are_those_linked_to_it(story: Story) -> None:
    with story.installation.database.begin() as tx:
        link = {"invoice": "INV-2", "contact": "C1"}
        Records(tx, Author("alice")).create("invoice_contacts", link)
    via = "invoice_contacts.contact"
    related = {"related": "invoices", "via": via, "match": "some", "where": OVERDUE}
    document = {**CUSTOMERS, "module": "contacts", "conditions": related}
    told = preview(story, document, show="invoices")
    assert (numbers(told["records"]), numbers(told["shown"]["records"])) == (["C1"], ["INV-2"])


def test_what_it_chooses_nothing_of_cannot_be_seen(story: Story) -> None:
    with pytest.raises(Invalid) as refused:
        preview(story, CUSTOMERS, show="payments")
    (problem,) = refused.value.problems
    assert (problem.path, problem.remedy) == (
        "show",
        "It has: `invoices`, `accounts`, `customer_groups`.",
    )
