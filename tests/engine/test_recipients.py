"""Whom recipient words mean for the records of the demo, and what is told of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.blocks.context import Person
from engine.blocks.words import person
from engine.records.database import Database
from engine.records.reader import Reader, RecordFacts
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.runs.addressees import described, language_of, refusal
from engine.runs.recipients import Recipients
from tests.databases import TemplateDatabase
from tests.stages.demo.story import NOW, fill

pytestmark = pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)


@pytest.fixture
def tx(template_database: TemplateDatabase) -> Iterator[Transaction]:
    database = Database(template_database("reference", fill).database_url, lambda: NOW)
    with database.begin() as tx:
        yield tx
    database.close()


def facts(tx: Transaction, number: str, module: str = "invoices") -> RecordFacts:
    home = tx.schema.module(module)
    reader, id = Reader(tx), tx.find(home, number)
    assert id
    return RecordFacts(reader, home, reader.row(home, id) or {})


def create(tx: Transaction, module: str, **values: Any) -> int:
    return Records(tx, Author("alice")).create(module, values).id


def update(tx: Transaction, module: str, number: str, **values: Any) -> None:
    id = tx.find(tx.schema.module(module), number)
    assert id
    Records(tx, Author("alice")).update(module, id, values)


def addresses(tx: Transaction, number: str, word: str, module: str = "invoices") -> list[str]:
    return [each.address for each in Recipients(facts(tx, number, module)).people(word)]


@pytest.mark.parametrize(
    ("number", "module", "word", "found"),
    [
        ("INV-1", "invoices", "account", ["ap@acme.test"]),
        ("INV-1", "invoices", "account.email", ["ap@acme.test"]),
        ("INV-1", "invoices", "owner", ["alice@sayso.test"]),
        ("INV-1", "invoices", "account.group.owner", ["mgr@sayso.test"]),
        ("INV-1", "invoices", "mgr", ["mgr@sayso.test"]),
        ("INV-1", "invoices", "group:HR", ["hr@sayso.test"]),
        ("INV-1", "invoices", "x@y.test", ["x@y.test"]),
        ("INV-1", "invoices", "nobody", []),
        ("INV-6", "invoices", "account", [""]),
        ("INV-6", "invoices", "contacts", []),
        ("INV-1", "invoices", "contacts:cfo", ["ana@acme.test"]),
        ("INV-1", "invoices", "contacts: Legal , CFO", ["ana@acme.test"]),
        ("ACC-1", "accounts", "primary_contact", ["ana@acme.test"]),
        ("C2", "contacts", "primary_contact", ["ana@acme.test"]),
        ("CS-1", "cases", "primary_contact", ["ana@acme.test"]),
        ("TK-2", "tickets", "contact", ["cy@beta.test"]),
        ("PAY-1", "payments", "invoice_contacts", ["cy@beta.test"]),
        ("PR-2", "projects", "contacts", []),
    ],
)
def test_a_word_means_these_addresses(
    tx: Transaction, number: str, module: str, word: str, found: list[str]
) -> None:
    assert addresses(tx, number, word, module) == found


def test_a_group_with_a_mailbox_of_its_own_is_written_to_there(tx: Transaction) -> None:
    update(tx, "groups", "Sales", email="sales@sayso.test")
    (found,) = Recipients(facts(tx, "INV-1")).people("Sales")
    assert (found.address, found.users) == ("sales@sayso.test", ("alice", "bob", "mgr"))


def test_a_user_who_left_is_replaced_by_the_owner_of_the_record(tx: Transaction) -> None:
    update(tx, "users", "Morgan Gray", active=False)
    asked = Recipients(facts(tx, "INV-1"))
    assert [each.handle for each in asked.people("mgr")] == ["alice"]
    assert asked.warnings == [
        "mgr is switched off and gets no messages",
        "alice, who owns INV-1, is written to instead",
    ]


def test_a_contact_who_left_is_not_written_to(tx: Transaction) -> None:
    update(tx, "contacts", "C3", active=False)
    asked = Recipients(facts(tx, "TK-2", "tickets"))
    assert (asked.people("contact"), asked.people("contacts")) == ([], [])
    assert asked.warnings == ["Cy Tan is not active any more and gets no messages"]


def test_without_an_address_a_contact_counts_as_none_for_its_channel(tx: Transaction) -> None:
    create(tx, "contacts", name="Ed Po", account="BETA", position="CFO", mobile="+447700900123")
    asked = Recipients(facts(tx, "INV-3"))
    assert [each.name for each in asked.people("contacts:CFO")] == ["Cy Tan"]
    assert [each.name for each in asked.people("contacts:CFO", "sms")] == ["Ed Po"]


def test_an_address_is_known_as_that_of_a_contact_of_this_customer(tx: Transaction) -> None:
    create(tx, "contacts", name="Other", account="BETA", email="ANA@acme.test")
    (found,) = Recipients(facts(tx, "INV-1")).people("ana@acme.test")
    assert (found.name, found.language) == ("Ana Lopez", "fr")
    (other,) = Recipients(facts(tx, "INV-3")).people("ana@acme.test")
    assert other.name == "Other"


def test_words_over_a_group_ask_each_record_and_name_nobody_twice(tx: Transaction) -> None:
    update(tx, "invoices", "INV-2", owner="bob")
    beside = [facts(tx, number) for number in ("INV-2", "INV-10")]
    asked = Recipients(facts(tx, "INV-1"), beside)
    assert [each.handle for each in asked.people("records.owner")] == ["alice", "bob"]
    assert [each.address for each in asked.people("records.account")] == ["ap@acme.test"]
    assert [each.handle for each in asked.people("owner")] == ["alice"]


def test_contacts_over_customers_are_those_of_each_account(tx: Transaction) -> None:
    asked = Recipients(facts(tx, "INV-1"), [facts(tx, "INV-3")])
    found = [each.address for each in asked.people("primary_contact")]
    assert found == ["ana@acme.test", "cy@beta.test"]


def test_an_only_contact_of_one_invoice_keeps_the_others_out_of_its_group(tx: Transaction) -> None:
    create(tx, "invoice_contacts", invoice="INV-2", contact="C1", only=True)
    asked = Recipients(facts(tx, "INV-1"), [facts(tx, "INV-2")])
    assert [each.address for each in asked.people("account")] == ["ana@acme.test"]
    assert [each.handle for each in asked.people("owner")] == ["alice"]
    assert asked.warnings == ["left out ap@acme.test: INV-2 is for Ana Lopez only"]


def test_a_field_of_the_record_comes_before_a_rule_of_its_name(
    tx: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = facts(tx, "TK-2", "tickets")
    contact = record.module.field("contact").model_copy(update={"name": "contacts"})
    fields = (*record.module.fields, contact)
    module = record.module.model_copy(update={"fields": fields})
    monkeypatch.setitem(tx.schema.modules, "tickets", module)  # databases share their schema
    values = {**record.values, "contacts": tx.find(tx.schema.module("contacts"), "C1")}
    found = Recipients(RecordFacts(record.reader, module, values)).people("contacts")
    assert [each.address for each in found] == ["ana@acme.test"]


def test_a_customer_that_wants_no_mail_wants_none_to_its_contacts(tx: Transaction) -> None:
    update(tx, "accounts", "BETA", email_opt_out=True)
    record = facts(tx, "INV-3")
    (found,) = Recipients(record).people("primary_contact")
    assert refusal(record.reader, found) == "cy@beta.test: BETA has opted out of e-mail"
    (owner,) = Recipients(record).people("owner")
    assert refusal(record.reader, owner) is None


def test_anybody_can_be_greeted(tx: Transaction) -> None:
    record = facts(tx, "INV-1")
    told = [
        (one["name"], one["first_name"])
        for word in ("contacts:CFO", "owner", "account", "x@y.test")
        for one in [described(record.reader, Recipients(record).people(word)[0])]
    ]
    assert told == [
        ("Ana Lopez", "Ana"),
        ("Alice Martin", "Alice"),
        ("ACME", "ACME"),
        (None, None),
    ]


def test_a_stranger_is_written_to_in_the_language_of_the_customer(tx: Transaction) -> None:
    record = facts(tx, "INV-7")
    assert language_of(record) == "de"
    assert Recipients(record).people("x@y.test") == [Person("x@y.test", language="de")]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("contacts", "all contacts of its account"),
        (
            "contacts:CFO",
            "the CFO of its account (otherwise its primary contact or all its contacts)",
        ),
        (
            "contacts:Legal,AP",
            "the Legal contact of its account "
            "(otherwise the AP, its primary contact or all its contacts)",
        ),
        ("primary_contact", "the primary contact of its account (otherwise all its contacts)"),
        (
            "invoice_contacts",
            "the contacts of the invoice "
            "(otherwise the primary contact or all contacts of its account)",
        ),
        ("records.owner", "the owner of each of the invoices"),
        ("records.account.owner", "the account's owner of each of the invoices"),
        ("group:HR", "the group HR"),
    ],
)
def test_a_word_is_told_like_plain_english(tx: Transaction, word: str, said: str) -> None:
    assert person(word, tx.binder(tx.schema.module("invoices"))) == said
