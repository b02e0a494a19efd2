"""What is approved is a hash: each thing that decides what a workflow does is in it."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from engine.company.company import Company, Sender
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.templates.wording import Wording
from engine.workflows.fingerprint import fingerprint
from engine.workflows.surroundings import Started, Surroundings
from engine.workflows.workflow import Workflow

SCHEMA = Schema([Module.model_validate(module) for module in starter("modules")])
COSMETIC = ("name", "description", "category", "label")
RICH: dict[str, Any] = {
    "schema": 1,
    "name": "Invoices - Everything",
    "description": "Why.",
    "category": "Collections",
    "module": "invoices",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "window": {"from": "08:00", "to": "18:00", "days": ["mon", "tue"]},
    "conditions": {"field": "account.balance", "op": "greater_than", "value": 10},
    "recurrence": {"every_days": 7},
    "everyone": False,
    "group_by": "account",
    "stop_when": {"field": "balance", "op": "equals", "value": 0},
    "pause_when": {"field": "dispute", "op": "equals", "value": True},
    "steps": [
        {
            "id": "mail",
            "type": "send_email",
            "label": "Ask",
            "to": ["account"],
            "cc": ["owner"],
            "from": "Billing",
            "template": "polite",
            "attach": ["pdf"],
            "when_missing": "wait",
            "at": "10:00",
            "when_nothing_matches": "skip",
            "delivery": "at_least_once",
            "on_error": "continue",
        },
        {"id": "rest", "type": "wait", "days": 5, "working_days": True},
        {
            "id": "big",
            "type": "if",
            "conditions": {"field": "steps.mail.outcome", "op": "equals", "value": "done"},
            "then": [{"id": "text", "type": "send_sms", "to": ["account"], "body": "Pay."}],
            "else": [{"id": "strike", "type": "set_strike_level", "by": 1}],
        },
        {"id": "book", "type": "update_erp", "values": {"status": "string:Late"}},
    ],
}


def hashed(document: Any, schema: Schema = SCHEMA, body: str = "Pay.", **around: Any) -> str:
    """The hash of a document, read as the rich one: only what stands in it may differ."""
    workflow = Workflow.model_validate(RICH).with_texts({"polite": (Wording(body=body),)})
    return fingerprint(document, workflow, Surroundings(schema, **around))


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every single value in a document, by the keys that lead to it."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for key, part in pairs:
        if isinstance(part, (dict, list)):
            yield from places(part, (*path, key))
        else:
            yield (*path, key)


def without(path: tuple[Any, ...]) -> Any:
    """The rich document without one value."""
    document = copy.deepcopy(RICH)
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return document


EVERY = [path for path in places(RICH) if path[-1] not in ("schema", "type", "id")]
KEPT = [path for path in EVERY if path[-1] not in COSMETIC]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: ".".join(map(str, path)))
def test_whatever_is_taken_out_of_a_workflow_makes_it_another(path: tuple[Any, ...]) -> None:
    assert hashed(without(path)) != hashed(RICH)


@pytest.mark.parametrize("path", [("description",), ("category",), ("steps", 0, "label")])
def test_what_people_call_it_is_not_in_the_hash(path: tuple[Any, ...]) -> None:
    assert hashed(without(path)) == hashed(RICH)


def test_what_its_templates_say_is_in_the_hash() -> None:
    assert hashed(RICH, body="Pay now.") != hashed(RICH)


@pytest.mark.parametrize(
    ("module", "field", "changes"),
    [
        ("invoices", "dispute", {"type": "text"}),
        ("invoices", "pdf", {"type": "text", "module": None}),
        ("accounts", "strike_level", {"type": "decimal"}),
        ("accounts", "balance", {"formula": {"count": "invoices", "via": "account"}}),
    ],
)
def test_a_field_that_becomes_another_makes_it_another(
    module: str, field: str, changes: dict[str, Any]
) -> None:
    home = SCHEMA.module(module)
    fields = [
        each.model_copy(update=changes) if each.name == field else each for each in home.fields
    ]
    changed = home.model_copy(update={"fields": tuple(fields)})
    schema = Schema([changed if each.name == module else each for each in SCHEMA])
    assert hashed(RICH, schema) != hashed(RICH)


def test_a_field_it_has_nothing_to_do_with_does_not() -> None:
    home = SCHEMA.module("leads")
    schema = Schema([each for each in SCHEMA if each.name != home.name])
    assert hashed(RICH, schema) == hashed(RICH)


# --- what it may do is in the hash ---


def test_the_address_behind_a_sender_is_in_the_hash() -> None:
    def company(**sender: str) -> Company:
        return Company(senders=(Sender(name="Billing", **sender),))

    was = hashed(RICH, company=company(address="billing@acme.test"))
    assert hashed(RICH, company=company(address="else@acme.test")) != was
    assert hashed(RICH, company=company(address="billing@acme.test", reply_to="x@x.test")) != was
    other = Sender(name="Sales", address="sales@acme.test")
    known = (*company(address="billing@acme.test").senders, other)
    assert hashed(RICH, company=Company(senders=known, sender="office@acme.test")) == was


def test_what_a_workflow_may_do_that_it_starts_is_in_the_hash() -> None:
    document = {**RICH, "steps": [{"id": "go", "type": "run_workflow", "workflow": "Escalate"}]}
    starting = Workflow.model_validate(document)

    def started(**step: Any) -> str:
        mail = {"id": "mail", "type": "send_email", "to": ["owner"], "subject": "Late", **step}
        parsed = Workflow.model_validate({**RICH, "steps": [mail]})
        around = Surroundings(SCHEMA, started=lambda named: [Started(7, str(named), parsed)])
        return fingerprint(document, starting, around)

    was = started(body="Look.")
    assert started(body="Look again.") == was, "what it says is its own approver's business"
    assert started(body="Look.", cc=["boss@x.test"]) != was
    assert started(body="{{ customer.phone }}") != was


@pytest.mark.parametrize(
    ("module", "change"),
    [("accounts", {"email_field": "billing_email"}), ("accounts", {"sensitive": True})],
)
def test_where_an_address_is_kept_and_what_is_sensitive_are_in_the_hash(
    module: str, change: dict[str, Any]
) -> None:
    document = {**RICH, "steps": [{**RICH["steps"][0], "template": "", "subject": "Hello"}]}
    document["steps"][0]["body"] = "{{ record.account.name }}"
    parsed = Workflow.model_validate(document)
    changed = SCHEMA.module(module).model_copy(update=change)
    schema = Schema([changed if each.name == module else each for each in SCHEMA])
    now, then = (fingerprint(document, parsed, Surroundings(each)) for each in (SCHEMA, schema))
    assert now != then
