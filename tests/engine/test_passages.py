"""What a template says line by line: each alternative on a line of its own, each sum told apart."""

from datetime import UTC, datetime

import pytest

from engine.blocks.in_full import in_full
from engine.blocks.words import lines
from engine.conditions import Binder
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.starter.demo_records import COMPANY
from engine.templates.wording import Wording
from engine.workflows.workflow import Workflow

SCHEMA = Schema(Module.model_validate(each) for each in starter("modules"))
BINDER = Binder(
    SCHEMA, SCHEMA.module("invoices"), datetime(2026, 3, 10, 8, tzinfo=UTC), COMPANY.calendar
)


def read(source: str) -> list[str]:
    """The lines, indented by the conditions above them."""
    return [f"{'  ' * line.depth}{line}" for line in lines(source, BINDER)]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Dear all,\n\n\n please  pay. \n", ["Dear all,", "", "please  pay."]),
        (
            "{% if record.balance > 0 %}Please pay.{% else %}You are a thief.{% endif %}",
            ["If balance is above 0: Please pay.", "Otherwise: You are a thief."],
        ),
        (
            "Pay {% if record.balance > 9 %}all{% elif record.balance %}it{% endif %} now.",
            ["Pay", "If balance is above 9: all", "If not, but balance: it", "now."],
        ),
        (
            "{% if record.balance %}A\nB{% if record.total %}C{% endif %}{% endif %}",
            ["If balance:", "  A", "  B", "  If total: C"],
        ),
        (
            "{% if record.balance %}{% if record.total %}C{% endif %}{% endif %}",
            ["If balance:", "  If total: C"],
        ),
        ("{% if record.balance %}{% endif %}", ["If balance: nothing"]),
        (
            "{% for each in records %}{{ each.number }}\n{% else %}None{% endfor %}",
            ["For each of records: [number]", "If there is none: None"],
        ),
        ("Dear {{ record.account.name }}", ["Dear [account's name]"]),
        ("{{ broken", ["{{ broken"]),
    ],
)
def test_each_alternative_stands_on_lines_of_its_own(source: str, said: list[str]) -> None:
    assert read(source) == said


@pytest.mark.parametrize(
    ("hole", "kind"),
    [
        ("record.balance|mul(2)|money('EUR')", "reckoned"),
        ("record.balance * 2", "reckoned"),
        ("(-record.balance)|money('EUR')", "reckoned"),
        ("record.balance|round(0)", "reckoned"),
        ("record.balance|money('EUR')", "filled"),
        ("record.due_date|date", "filled"),
    ],
)
def test_what_an_amount_is_worked_out_in_is_told_apart(hole: str, kind: str) -> None:
    [line] = lines(f"Pay {{{{ {hole} }}}} now", BINDER)
    assert [piece.kind for piece in line.pieces] == ["", kind, ""]


def texts(*library: Wording, **settings: object) -> list[str]:
    step = {"id": "mail", "type": "send_email", "to": ["account"], **settings}
    workflow = Workflow.model_validate(
        {"name": "W", "module": "invoices", "trigger": {"type": "manual"}, "steps": [step]}
    )
    return [
        f"{text.name}: {text}" for text in in_full(workflow.steps[0], BINDER, {"Hi": [*library]})
    ]


def test_a_subject_stands_apart_only_where_its_sentence_does_not_tell_it_plainly() -> None:
    assert texts(subject="Hi", body="Pay.") == ["Body: Pay."]
    doubled = "Pay {{ record.balance * 2 }}"
    assert texts(subject=doubled, body="Pay.") == ["Subject: Pay [balance times 2]", "Body: Pay."]


def test_a_step_tells_each_wording_of_the_template_that_it_names() -> None:
    library = Wording(subject="Hi", body="Pay."), Wording(language="fr", body="Payez.")
    assert texts(*library, template="Hi") == [
        "Subject of the template “Hi”: Hi",
        "Text of the template “Hi”: Pay.",
        "Text in fr of the template “Hi”: Payez.",
    ]
