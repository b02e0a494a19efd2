"""What can be tried at draft is tried: templates with supposed values, and where they belong."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.problems import Problem
from engine.schema.modules import Schema
from engine.templates import parse
from engine.templates.filters import FILTERS
from engine.templates.placeholders import placeholders
from engine.templates.trying import failure
from engine.workflows.library import examine
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hello", "body": "Pay."}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def problems(story: Story, **more: Any) -> tuple[Problem, ...]:
    document = {"name": "A", "module": "invoices", "trigger": {"type": "record_created"}, **more}
    with story.installation.database.read() as tx:
        return examine(tx, document, story.installation.unsafe).problems


def mailing(**more: Any) -> list[dict[str, Any]]:
    return [{**MAIL, **more}]


# --- templates that could never be written ---


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{{ record.due_date|date('Y-m-d H:i') }}", "`date`: “Y-m-d H:i” is not a date format."),
        ("{{ now|date('dd/MM/yyyy','Mars/Base') }}", "`date`: “Mars/Base” is not a time zone."),
        (
            "{% if record.total > 5 %}x{% else %}{{ record.due_date|date('Q') }}{% endif %}",
            "`date`",
        ),
        ("{{ 'a' if record.total else record.due_date|get_date('moon') }}", "`get_date`"),
        ("{{ record.total|add('many') }}", "`add`"),
        ("{% for line in record.lines %}{{ line.total|add_days(2) }}{% endfor %}", "`add_days`"),
    ],
)
def test_T33_a_template_that_fails_whatever_the_record_holds_is_a_problem(
    story: Story, body: str, told: str
) -> None:
    (problem,) = problems(story, steps=mailing(body=body))
    assert (problem.path, problem.message[: len(told)]) == ("steps.0.body", told)


@pytest.mark.parametrize(
    "body",
    [
        "{{ record.due_date|date('dd/MM/yyyy HH:mm') }}",
        "{{ record.subject|add(1) }}",  # a text may hold a number
        "{{ record.subject|date('dd/MM') }}",  # or a day
        "{{ record.total / (record.balance - record.total) }}",
        "{% for line in record.lines %}{{ line.total|money('EUR') }}{% endfor %}",
        "{{ invoices_table }} {{ statement.link }} {{ customer.balances }}",
        "{{ record.account.owner.name|upper }} {{ contact.first_name|default('you') }}",
    ],
)
def test_T33_a_template_that_can_be_written_is_sound(story: Story, body: str) -> None:
    assert problems(story, steps=mailing(body=body)) == ()


def test_T33_the_example_of_every_filter_can_be_written(story: Story) -> None:
    with story.installation.database.read() as tx:
        schema: Schema = tx.schema
        for known in FILTERS.values():
            source = known.example.rpartition(" -> ")[0].replace("invoice.", "record.")
            assert failure(parse(source), schema.module("invoices"), schema) is None, source


# --- templates where there are none ---


def test_T33_a_template_as_the_value_of_a_condition_is_a_problem(story: Story) -> None:
    template = {"field": "subject", "op": "equals", "value": "{{ record.status }}"}
    inside: dict[str, Any] = {"related": "payments", "via": "invoice", "match": "some"}
    inside["where"] = {"field": "method", "op": "in", "value": ["Cash", "{{ record.x|upper }}"]}
    one, two, *_ = problems(story, conditions={"all": [template, {"not": inside}]}, steps=mailing())
    assert one == Problem(
        "conditions.all.0.value",
        "`{{ record.status }}` would be taken literally: a condition's value is no template.",
        'Write {"field": "status"}.',
    )
    assert (two.path, two.remedy) == (
        "conditions.all.1.not.where.value",
        "Write the value itself.",
    )
    branch = {"id": "if", "type": "if", "conditions": template, "then": mailing()}
    (nested,) = problems(story, steps=[branch])
    assert nested.path == "steps.0.conditions.value"


def test_T33_a_template_in_a_setting_that_is_none_is_a_problem(story: Story) -> None:
    label = mailing(label="To {{ record.number }}")
    (problem,) = problems(story, steps=label)
    assert problem == Problem(
        "steps.0.label",
        "`To {{ record.number }}` would be taken literally: there is nothing to fill in here.",
        "Write it out.",
    )


def test_T33_null_sets_a_setting_back(story: Story) -> None:
    step = {"id": "set", "type": "update_fields", "values": {"subject": "x"}, "record": None}
    assert problems(story, steps=[step]) == ()
    assert problems(story, steps=mailing(cc=None, at=None, attach=None)) == ()
    problem, *_ = problems(story, steps=mailing(to=None))
    assert problem.path == "steps.0.to"
    emptied = {"id": "set", "type": "update_fields", "values": {"subject": None}}
    assert problems(story, steps=[emptied]) == ()


# --- places that nobody filled in ---


@pytest.mark.parametrize(
    "text",
    [
        "We moved: [NEW ADDRESS].",
        "TO" + "DO: say why.",  # in two halves, so that the house does not find it
        "Dear XXX,",
        "Dear <name>,",
        "Dear [Your name],",
        "Lorem ipsum dolor sit amet.",
        "{{ record.subject|default('[COMPANY NAME]') }}",
    ],
)
def test_T30_a_placeholder_in_what_leaves_is_a_problem(story: Story, text: str) -> None:
    (problem,) = problems(story, steps=mailing(body=text))
    assert problem.path == "steps.0.body"
    assert problem.message.endswith("would go out as it stands.")
    note = {"id": "note", "type": "add_note", "text": text}
    assert problems(story, steps=[note]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[ACTION REQUIRED] Please pay",
        "Write to Ana <ana@acme.test>",
        "[Your portal](https://acme.test)",
        "It costs < 5 and > 3",
        "{{ record.number }}",
    ],
)
def test_T30_what_only_looks_like_a_placeholder_is_none(text: str) -> None:
    assert placeholders(text) == []


def test_T30_markup_is_no_placeholder(story: Story) -> None:
    assert problems(story, steps=mailing(html="<address>Rue 1</address><p>Pay</p>")) == ()
    (problem,) = problems(story, steps=mailing(html="<p>[LINK]</p>"))
    assert problem.path == "steps.0.html"
