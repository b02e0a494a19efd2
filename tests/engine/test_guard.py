"""The guard: what is asked again before each action of a run that has rested."""

from typing import Any

import pytest

from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import Office, prepare

CHANGED: dict[str, Any] = {"type": "record_modified", "fields": ["status"]}
DAY = {"id": "day", "type": "wait", "days": 1}
STAGE = {"type": "stage_changed", "field": "status", "to": "Overdue"}
NOTE = {"id": "log", "type": "add_note", "text": "Still {{ record.status }}"}
MARK = {"id": "mark", "type": "update_fields", "values": {"status": "Sent"}}


def one(op: str, value: Any) -> dict[str, Any]:
    return {"field": "status", "op": op, "value": value}


def noted(office: Office, clock: Clock, *changes: str, **document: Any) -> list[str]:
    """How the run stands that begins as an invoice becomes Overdue, a day and changes later."""
    office.activate(**{"trigger": CHANGED, "steps": [DAY, NOTE], **document})
    id = office.create("invoices", account="ACME", status="Sent", balance=10)
    office.update("invoices", id, status="Overdue")
    office.worker.work()
    for status in changes:
        office.update("invoices", id, status=status)
    clock.advance(days=1, minutes=1)
    office.worker.work()
    return office.runs()


@pytest.mark.parametrize("op", ["changed_to", "becomes"])
def test_T25_what_became_overdue_has_to_be_so_when_the_mail_goes(
    op: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    with Office.at(template_database("office", prepare).database_url, clock.now) as office:
        conditions = one(op, "Overdue")
        (paid,) = noted(office, clock, "Paid", conditions=conditions)
        assert paid == "stopped: no longer applies: status “Paid” is not equal to “Overdue”"


@pytest.mark.parametrize(
    ("document", "changes", "goes"),
    [
        ({"conditions": one("changed_to", "Overdue")}, ["Paid", "Overdue"], True),
        (
            {"trigger": {"type": "stage_changed", "field": "status", "to": "Overdue"}},
            ["Paid"],
            False,
        ),
        (
            {"conditions": {"any": [one("becomes", "Overdue"), one("becomes", "Paid")]}},
            ["Paid"],
            True,
        ),
        (
            {"conditions": {"any": [one("becomes", "Overdue"), one("becomes", "Paid")]}},
            ["Draft"],
            False,
        ),
        ({"conditions": {"field": "status", "op": "changed"}}, ["Paid"], True),
        ({"conditions": {"not": one("changed_to", "Paid")}}, ["Paid"], True),
        ({"conditions": one("changed_from", "Sent")}, ["Paid"], True),
        ({"conditions": one("changed_to", "Overdue"), "steps": [MARK, DAY, NOTE]}, [], True),
    ],
)
def test_T25_a_change_is_asked_again_by_what_came_of_it(
    document: dict[str, Any],
    changes: list[str],
    goes: bool,
    template_database: TemplateDatabase,
    clock: Clock,
) -> None:
    with Office.at(template_database("office", prepare).database_url, clock.now) as office:
        first = noted(office, clock, *changes, **document)[0]
        assert first.startswith("done" if goes else "stopped"), first
