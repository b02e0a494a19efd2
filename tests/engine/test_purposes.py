"""What a module is for is said in its definition; what it is called, a company decides."""

import json

import pytest

from engine.problems import Invalid
from engine.records.database import Database
from engine.records.writer import Author, Records
from engine.runs.rehearsal import rehearse
from engine.schema.modules import Module, Schema, check_module
from engine.schema.purposes import CAME_AS, Purpose
from engine.starter import starter
from engine.workflows.library import examine
from tests.databases import Pair
from tests.stages.conditions.world import COMPANY, NOW

REMIND = {
    "name": "Bills - Remind",
    "description": "So that they are paid.",
    "module": "bills",
    "trigger": {"type": "manual"},
    "steps": [
        {
            "id": "remind",
            "type": "send_email",
            "to": ["primary_contact"],
            "subject": "To {{ customer.name }}",
            "body": "{% for invoice in invoices %}{{ invoice.number }} {% endfor %}",
        }
    ],
}


def test_the_starter_says_for_each_purpose_which_module_it_is() -> None:
    said = {each["name"]: each["purpose"] for each in starter("modules") if "purpose" in each}
    assert said == CAME_AS
    assert set(said.values()) == set(Purpose)


def test_a_definition_of_before_has_the_purpose_of_the_name_it_came_with() -> None:
    for definition in starter("modules"):
        before = {key: part for key, part in definition.items() if key != "purpose"}
        assert Module.model_validate(before) == Module.model_validate(definition)


def test_a_purpose_is_that_of_one_module() -> None:
    schema = Schema(map(Module.model_validate, starter("modules")))
    second = schema.module("tickets").model_copy(
        update={"name": "clients", "purpose": Purpose.CUSTOMER}
    )
    (problem,) = check_module(second, schema)
    assert (problem.path, problem.message) == ("purpose", "Accounts are the customers already.")


def test_what_no_module_is_for_is_said_in_words() -> None:
    with pytest.raises(Invalid, match="no module is for customers"):
        Schema([]).of(Purpose.CUSTOMER)


def test_customers_and_invoices_may_be_called_as_a_company_likes(pair: Pair) -> None:
    text = json.dumps(starter("modules"))
    for old, new in (("accounts", "clients"), ("invoices", "bills"), ("contacts", "people")):
        text = text.replace(f'"{old}"', f'"{new}"')
    database = Database(pair.database_url, lambda: NOW)
    database.prepare(COMPANY, [Module.model_validate(each) for each in json.loads(text)])
    with database.begin() as tx:
        records = Records(tx, Author("alice"), starts=False)
        client = records.create("clients", {"name": "ACME"}).id
        person = {"name": "Ana Lopez", "email": "ana@acme.test", "account": client}
        records.create("people", {**person, "is_primary": True})
        owed = {"account": client, "status": "Overdue", "balance": 40, "currency": "USD"}
        bill = records.create("bills", {**owed, "due_date": "2026-03-01"}).id
        checked = examine(tx, REMIND, lambda url: None)
        assert (checked.problems, checked.parsed is None) == ((), False)
        assert checked.parsed is not None
    with database.read() as tx:
        ((told,),) = (one.effects for one in rehearse(tx, checked.parsed, [bill]))
    mail = told.effect
    assert (mail["to"], mail["subject"], mail["text"]) == (["ana@acme.test"], "To ACME", "INV-1 ")
    database.engine.dispose()
