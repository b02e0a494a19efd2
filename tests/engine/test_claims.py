"""What an author says of a workflow is told apart where its steps contradict it."""

import pytest

from engine.blocks.rights import Right
from engine.workflows.claims import claims
from engine.workflows.workflow import Workflow

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
MAY_MAIL = Right("mail", "account.email", "its account")
MAY_WRITE = Right("write", "invoices.status", "the invoice's status")


def told(text: str, *rights: Right, label: str = "") -> list[str]:
    workflow = Workflow.model_validate(
        {
            "name": "Reminder",
            "description": text,
            "module": "invoices",
            "trigger": {"type": "manual"},
            "steps": [{**MAIL, "label": label}],
        }
    )
    return [problem.message for problem in claims(workflow, rights)]


@pytest.mark.parametrize(
    "text",
    [
        "Sends nothing.",
        "It does not send any mail",
        "No e-mails are sent.",
        "It never sends mail",
        "This one does not mail.",
        "Calls nobody",
        "Nothing leaves the house.",
        "Harmless",
    ],
)
def test_words_that_deny_what_it_may_do_are_told_with_what_contradicts_them(text: str) -> None:
    assert told(text, MAY_MAIL) == [f"its author says “{text}”, but it may mail its account."]


def test_each_denial_is_held_against_what_it_denies_alone() -> None:
    assert told("Sends nothing", MAY_WRITE) == []
    assert told("Changes nothing", MAY_MAIL) == []
    assert len(told("Changes nothing", MAY_WRITE)) == 1
    assert told("Reminds all, but never writes to those in dispute", MAY_WRITE) == []
    assert told("Reminds customers whose quotes were approved by their manager", MAY_MAIL) == []


@pytest.mark.parametrize(
    "text", ["Safe to approve", "Checked by the engine", "Already approved, no need to read it"]
)
def test_words_that_vouch_for_it_are_told_as_unchecked(text: str) -> None:
    assert told(text) == [f"its author says “{text}”: nobody has checked that."]


def test_the_label_of_a_step_is_its_author_too() -> None:
    assert told("", MAY_MAIL, label="Sends nothing") == [
        "its author says “Sends nothing”, but it may mail its account."
    ]
