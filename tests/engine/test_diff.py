"""What differs between two versions of a workflow, as a reviewer reads it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.company.calendar import Calendar
from engine.company.company import Company
from engine.conditions import Binder
from engine.schema.modules import Module, Schema
from engine.workflows.diff import DiagramNode, Difference, Edit, differences, merged
from engine.workflows.workflow import Workflow

INVOICES = Module.model_validate(
    {
        "name": "invoices",
        "label": "Invoices",
        "singular": "Invoice",
        "numbering": "INV-{n}",
        "fields": [
            {"name": "status", "type": "picklist", "options": ["Draft", "Sent"]},
            {"name": "balance", "type": "money"},
        ],
    }
)
CALENDAR: Calendar = Company(timezone="Europe/Paris").calendar
BINDER = Binder(Schema([INVOICES]), INVOICES, datetime(2026, 3, 10, tzinfo=UTC), CALENDAR)

NOTE = {"id": "note", "type": "add_note", "text": "Late"}
WAIT = {"id": "pause", "type": "wait", "days": 7}
TAG = {"id": "tag", "type": "add_tags", "tags": ["late"]}
BIG = {"field": "balance", "op": "at_least", "value": 1000}


def workflow(*steps: Mapping[str, Any], **more: Any) -> Workflow:
    return Workflow.model_validate(
        {
            "name": "Chase",
            "module": "invoices",
            "trigger": {"type": "record_created"},
            "steps": list(steps),
            **more,
        }
    )


def test_equal_workflows_do_not_differ() -> None:
    assert differences(workflow(NOTE, WAIT), workflow(NOTE, WAIT), BINDER) == []


def test_a_setting_that_changed_is_shown_before_and_after() -> None:
    now = workflow(NOTE, {**WAIT, "days": 5, "working_days": True})
    assert differences(workflow(NOTE, WAIT), now, BINDER) == [
        Difference(
            "changed",
            "pause",
            "Wait 5 working days",
            "",
            (Edit("days", "7", "5"), Edit("working days", None, "yes")),
        )
    ]


def test_a_new_step_tells_where_it_stands_and_all_its_settings() -> None:
    fork = {"id": "big", "type": "if", "label": "Big?", "conditions": BIG, "then": [NOTE]}
    now = {**fork, "then": [NOTE, TAG]}
    assert differences(workflow(fork), workflow(now), BINDER) == [
        Difference(
            "added",
            "tag",
            "Add the tag “late”",
            "in “If the balance is at least 1,000”, Yes",
            (Edit("tags", None, "late"),),
        )
    ]


def test_a_removed_step_is_told_by_what_it_did() -> None:
    assert differences(workflow(NOTE, WAIT), workflow(NOTE), BINDER) == [
        Difference("removed", "pause", "Wait 7 days")
    ]


def test_the_conditions_of_the_workflow_are_compared_in_words() -> None:
    sent = {"field": "status", "op": "equals", "value": "Sent"}
    (found,) = differences(workflow(NOTE), workflow(NOTE, conditions=sent), BINDER)
    assert found == Difference(
        "changed", "", "Conditions", "", (Edit("", "always", "the status is “Sent”"),)
    )


def test_a_step_that_changed_places_is_moved_and_those_it_passed_are_not() -> None:
    found = differences(workflow(NOTE, WAIT, TAG), workflow(TAG, NOTE, WAIT), BINDER)
    assert found == [Difference("moved", "tag", "Add the tag “late”")]


def test_a_step_that_went_into_a_branch_tells_where_from() -> None:
    fork = {"id": "big", "type": "if", "label": "Big?", "conditions": BIG, "then": [NOTE]}
    now = {**fork, "then": [NOTE], "else": [TAG]}
    assert differences(workflow(fork, TAG), workflow(now), BINDER) == [
        Difference(
            "moved", "tag", "Add the tag “late”", "in “If the balance is at least 1,000”, No",
            (Edit("place", "", "in “If the balance is at least 1,000”, No"),),
        )
    ]  # fmt: skip


def test_the_diagram_keeps_a_removed_step_where_it_stood() -> None:
    old, new = workflow(NOTE, WAIT, TAG), workflow(NOTE, TAG)
    assert shape(merged(old, new, BINDER)) == ["note", "pause removed", "tag"]


def test_the_diagram_shows_the_branches_of_a_removed_if_as_removed() -> None:
    fork = {"id": "big", "type": "if", "conditions": BIG, "then": [NOTE], "else": [WAIT]}
    assert shape(merged(workflow(fork, TAG), workflow(TAG), BINDER)) == [
        "big removed",
        "then: note removed",
        "else: pause removed",
        "tag",
    ]


def test_a_changed_step_says_in_the_diagram_what_it_was() -> None:
    (node,) = merged(workflow(WAIT), workflow({**WAIT, "days": 5}), BINDER)
    assert (node.sign, node.was) == ("changed", "Wait 7 days")


def test_the_diagram_of_a_first_version_has_no_signs() -> None:
    assert shape(merged(None, workflow(NOTE, WAIT), BINDER)) == ["note", "pause"]


def shape(nodes: tuple[DiagramNode, ...], prefix: str = "") -> list[str]:
    """Each step with its sign, depth first, with the branch it is in."""
    lines = []
    for node in nodes:
        lines.append(f"{prefix}{node.step.id} {node.sign or ''}".strip())
        for name, inside in node.branches.items():
            lines += shape(inside, f"{name}: ")
    return lines
