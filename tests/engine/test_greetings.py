"""A greeting that could go out without a name is told before it does."""

from typing import Any

import pytest

from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.workflows.greetings import greetings
from engine.workflows.workflow import Workflow

SCHEMA = Schema(Module.model_validate(each) for each in starter("modules"))


def advised(body: str, module: str = "contacts", key: str = "body") -> list[str]:
    step: dict[str, Any] = {"id": "mail", "type": "send_email", "to": ["alice"], "subject": "Hi"}
    document = {
        "name": "Greet",
        "module": module,
        "trigger": {"type": "manual"},
        "steps": [{**step, key: body}],
    }
    return [
        f"{problem.path}: {problem.message}"
        for problem in greetings(Workflow.model_validate(document), SCHEMA)
    ]


@pytest.mark.parametrize(
    ("body", "greeting", "field"),
    [
        ("Dear {{ record.first_name }},", "Dear", "first name"),
        ("Hello,\n\nBonjour {{ record.first_name|title }} !", "Bonjour", "first name"),
        (
            "<p><b>Sehr geehrte</b> {{ contact.last_name }}</p>",
            "Sehr geehrte",
            "contact's last name",
        ),
        ("Dear $lastname,", "Dear", "last name"),
        ("Hi {{ record.account.name }}", "Hi", "account's name"),
        ("{% if record.email %}Dear {{ record.first_name }}{% endif %}", "Dear", "first name"),
        ("Dear Mrs. {{ record.last_name }}", "Dear Mrs.", "last name"),
    ],
)
def test_a_greeting_of_what_may_be_empty_is_told(body: str, greeting: str, field: str) -> None:
    (told,) = advised(body)
    assert told == f"steps.0.body: “{greeting} ,” goes out where the {field} is empty."


@pytest.mark.parametrize(
    ("body", "module"),
    [
        ("Dear {{ record.first_name|default('customer') }},", "contacts"),
        ("Dear {{ record.first_name or 'customer' }},", "contacts"),
        ("Dear {{ coalesce(record.first_name, 'you') }},", "contacts"),
        (
            "Dear {% if record.first_name %}{{ record.first_name }}{% else %}you{% endif %},",
            "contacts",
        ),
        ("Dear {{ record.account.name }},", "invoices"),
        ("Dear {{ record.number }},", "invoices"),
        ("Dear {{ company.name }},", "invoices"),
        ("Dear Ana {{ record.last_name }},", "contacts"),
        ("My dear friend, {{ record.first_name }}", "contacts"),
        ("Dear {{ record.nothing }},", "contacts"),
    ],
)
def test_a_greeting_that_always_has_a_name_is_not(body: str, module: str) -> None:
    assert advised(body, module) == []


def test_it_is_told_of_the_html_too() -> None:
    assert advised("<p>Dear {{ record.first_name }}</p>", key="html") != []
