"""Edits of a document: by step id, all or nothing, with faults that say what would be right."""

from typing import Any

import pytest

from engine.problems import Invalid, Problem
from engine.workflows.edits import apply

CALL = {"id": "call", "type": "create_task", "title": "Call"}
FIRM = {"id": "firm", "type": "add_note", "text": "Firm"}
BIG = {"id": "big", "type": "if", "then": [CALL], "else": [FIRM]}
POLITE = {"id": "polite", "type": "send_email", "subject": "Invoice"}
DOCUMENT = {
    "name": "Remind",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "steps": [POLITE, BIG],
}


def edited(*edits: dict[str, Any]) -> dict[str, Any]:
    return apply(DOCUMENT, edits)


def faults(*edits: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Invalid) as refused:
        apply(DOCUMENT, edits)
    return list(refused.value.problems)


def test_a_key_of_a_step_is_set_by_the_steps_id() -> None:
    changed = edited({"op": "set", "step": "call", "key": "title", "value": "Ring"})
    assert changed["steps"] == [POLITE, {**BIG, "then": [{**CALL, "title": "Ring"}]}]


def test_without_a_step_a_key_of_the_workflow_is_set_and_dots_lead_inside() -> None:
    changed = edited(
        {"op": "set", "key": "description", "value": "Why"},
        {"op": "set", "key": "trigger.at", "value": "10:00"},
    )
    assert changed["description"] == "Why"
    assert changed["trigger"] == {"type": "schedule", "every": "day", "at": "10:00"}


@pytest.mark.parametrize(
    ("place", "ids"),
    [
        ({"after": "polite"}, ["polite", "new", "big"]),
        ({"before": "polite"}, ["new", "polite", "big"]),
        ({}, ["polite", "big", "new"]),
    ],
)
def test_a_step_is_added_beside_another_or_at_the_end(place: Any, ids: list[str]) -> None:
    changed = edited({"op": "add", "step": {"id": "new", "type": "stop"}, **place})
    assert [step["id"] for step in changed["steps"]] == ids


def test_a_step_is_added_into_a_branch_also_one_that_is_not_there_yet() -> None:
    bare = {"id": "other", "type": "if"}
    new = {"id": "new", "type": "stop"}
    changed = edited(
        {"op": "add", "step": bare},
        {"op": "add", "step": new, "into": "other.else"},
        {"op": "add", "step": {**new, "id": "last"}, "into": "big.then"},
    )
    assert changed["steps"][1]["then"] == [CALL, {**new, "id": "last"}]
    assert changed["steps"][2] == {**bare, "else": [new]}


def test_a_step_moves_out_of_a_branch_and_takes_its_own_along() -> None:
    assert edited({"op": "move", "step": "firm", "before": "polite"})["steps"] == [
        FIRM,
        POLITE,
        {**BIG, "else": []},
    ]
    assert edited({"op": "move", "step": "big", "before": "polite"})["steps"] == [BIG, POLITE]


def test_a_step_cannot_move_into_itself() -> None:
    told = "a step cannot go into or beside itself."
    assert faults({"op": "move", "step": "big", "into": "big.then"}) == [
        Problem("edits.0.into", told, "Name another step.")
    ]
    assert faults({"op": "move", "step": "big", "after": "call"}) == [
        Problem("edits.0.after", told, "Name another step.")
    ]


def test_a_step_or_a_single_key_is_removed() -> None:
    assert edited({"op": "remove", "step": "big"})["steps"] == [POLITE]
    bare = {"id": "polite", "type": "send_email"}
    assert edited({"op": "remove", "step": "polite", "key": "subject"})["steps"] == [bare, BIG]


def test_one_bad_edit_keeps_all_others_from_counting_and_all_faults_are_told() -> None:
    before = {**DOCUMENT, "steps": [dict(POLITE), BIG]}
    assert faults(
        {"op": "set", "key": "name", "value": "Other"},
        {"op": "delete", "step": "polite"},
        {"op": "replace", "step": "polite"},
        {"op": "set", "step": "polit", "key": "subject", "value": "x"},
        {"op": "set", "step": "polite", "value": "x"},
        {"op": "set", "step": "polite", "key": "subject"},
        {"op": "set", "key": "steps.0.subject", "value": "x"},
        {"op": "add", "step": {"id": "call"}},
        {"op": "add", "step": {"id": "x"}, "into": "polite.then"},
        {"op": "add", "step": {"id": "y"}, "after": "big", "before": "big"},
        {"op": "remove", "step": "polite", "key": "body"},
        {"op": "set", "steps": "polite", "key": "subject", "value": "x"},
    ) == [
        Problem("edits.1.op", "`delete` is no edit.", "Did you mean `remove`?"),
        Problem("edits.2.op", "`replace` is no edit.", "Did you mean `set`?"),
        Problem("edits.3.step", "there is no step `polit`.", "Did you mean `polite`?"),
        Problem(
            "edits.4.key",
            "it does not say which key is meant.",
            'Write it like {"op": "set", "step": "remind", "key": "subject", "value": "..."}.',
        ),
        Problem(
            "edits.5.value",
            "there is no new value.",
            'Write it like {"op": "set", "step": "remind", "key": "subject", "value": "..."}.',
        ),
        Problem(
            "edits.6.key",
            "`steps` has no keys inside.",
            'Name a step by its id: "step": "remind", "key": "subject".',
        ),
        Problem("edits.7.step.id", "there is a step `call` already.", "Choose another id."),
        Problem(
            "edits.8.into", "`polite.then` is no branch.", 'Write it like "big.then" or "big.else".'
        ),
        Problem("edits.9.before", "one place is enough.", "Say `after`, `before` or `into`."),
        Problem("edits.10.key", "there is no `body` to remove.", "Keys: `id`, `type`, `subject`."),
        Problem("edits.11.steps", "`set` has no key `steps`.", "Did you mean `step`?"),
    ]
    assert before == DOCUMENT


def test_the_document_that_was_given_stays_as_it_was() -> None:
    document = {"steps": [{"id": "a", "type": "stop"}]}
    apply(document, [{"op": "set", "step": "a", "key": "reason", "value": "x"}])
    assert document == {"steps": [{"id": "a", "type": "stop"}]}
