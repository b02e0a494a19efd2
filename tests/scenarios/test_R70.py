"""R70: a module tells every field that can be filtered by, with what can be asked of it."""

from collections.abc import Iterator

import pytest

from engine.conditions.operators import OPERATORS
from engine.people.logins import Principal
from engine.workflows.library import examine
from server.access.desk import Desk
from server.operations.modules import describe_modules
from server.operations.registry import Answer
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

MODULES = (
    *("accounts", "customer_groups", "contacts", "invoices", "credit_notes", "payments"),
    *("payment_plans", "promises_to_pay", "payouts", "emails"),
)


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def described(story: Story, *modules: str) -> Answer:
    desk = Desk(story.installation, Principal("admin", frozenset({"admin"})))
    return dict(describe_modules(desk, list(modules)))


def test_every_filterable_field_is_listed_with_its_operators(story: Story) -> None:
    told = described(story, *MODULES)
    assert [module["name"] for module in told["modules"]] == list(MODULES)
    with story.installation.database.read() as tx:
        for module in told["modules"]:
            listed = [*module["fields"], *told["every_module_has"]]
            known = tx.schema.module(module["name"]).by_name
            assert {field["name"] for field in listed} == set(known)
            for field in listed:
                fitting = [it.name for it in OPERATORS.values() if field["kind"] in it.kinds]
                assert told["operators"][field["kind"]] == fitting != []


def test_T35_a_module_tells_what_the_comparison_of_a_birthday_means(story: Story) -> None:
    (contacts,) = described(story, "contacts")["modules"]
    told = {field["name"]: field.get("compares", "") for field in contacts["fields"]}
    assert "day and month, whatever the year" in told["birthday"]
    assert told["email"] == ""


def test_an_operator_that_does_not_fit_is_not_among_them(story: Story) -> None:
    operators = described(story, "invoices")["operators"]
    assert "contains" not in operators["number"]
    assert "less_than" not in operators["text"]
    assert "in_category" in operators["list"]


def test_an_unknown_field_is_refused_with_the_nearest_names(story: Story) -> None:
    misspelt = {"accounts": "balanse_overdue", "invoices": "chasing_pause", "payments": "methd"}
    nearest = {"accounts": "balance_overdue", "invoices": "chasing_paused", "payments": "method"}
    step = {"id": "tell", "type": "notify", "to": ["mgr"], "text": "Hello"}
    for module, name in misspelt.items():
        asked = {"field": name, "op": "is_empty"}
        document = {"name": "A", "module": module, "trigger": {"type": "manual"}, "steps": [step]}
        with story.installation.database.read() as tx:
            (problem,) = examine(tx, {**document, "conditions": asked}, []).problems
        assert (problem.path, problem.remedy) == (
            "conditions.field",
            f"Did you mean `{nearest[module]}`?",
        )


def test_related_modules_are_listed_also_through_the_one_between(story: Story) -> None:
    (contacts,) = described(story, "contacts")["modules"]
    assert {"module": "invoices", "via": "invoice_contacts.contact"} in contacts["related"]
    assert {"module": "accounts", "via": "invoice_contacts.contact"} not in contacts["related"]
