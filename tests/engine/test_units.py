"""An audience in the units that people count in."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from engine.runs.audience import audience
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hello", "body": "Pay."}
NOTE = {"id": "log", "type": "add_note", "text": "Seen"}
OVERDUE = {
    "all": [
        {"field": "due_date", "op": "less_than", "value": "today"},
        {"field": "balance", "op": "greater_than", "value": 0},
    ]
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def units(story: Story, limit: int = 50, **more: Any) -> str:
    daily = {"type": "schedule", "every": "day", "at": "09:00"}
    about = {"name": "A", "module": "invoices", "trigger": daily, "conditions": OVERDUE}
    workflow = Workflow.model_validate({**about, "steps": [MAIL], **more})
    with story.installation.database.read() as tx:
        return audience(tx, workflow, limit=limit).units(tx.schema.module(workflow.module))


def test_invoices_customers_and_mails_are_counted_apart(story: Story) -> None:
    assert units(story) == "6 invoices, 3 customers, 3 mails, 3 unreachable"
    assert units(story, group_by="account") == "6 invoices, 3 customers, 1 mail, 2 unreachable"
    assert units(story, steps=[NOTE]) == "6 invoices, 3 customers"
    assert units(story, limit=2) == "6 invoices, 3 customers, 2 mails (mails of the first 2)"


def test_whom_nobody_can_reach_is_counted(story: Story) -> None:
    story.tell({"save": "ACC-1", "values": {"email_opt_out": True}})
    told = units(story, group_by="account")
    assert told == "6 invoices, 3 customers, 0 mails, 3 unreachable"


def test_customers_are_not_counted_twice(story: Story) -> None:
    everyone: dict[str, Any] = {"conditions": {"all": []}, "everyone": True, "module": "accounts"}
    mail = {**MAIL, "to": ["email"]}
    assert units(story, steps=[mail], **everyone).startswith("4 accounts, ")
    assert "customer" not in units(story, steps=[mail], **everyone)


def test_records_of_different_kinds_are_told_apart(story: Story) -> None:
    """Who chases what is overdue may have forgotten that paid invoices are so too."""
    asked: dict[str, Any] = {"field": "id", "op": "at_most", "value": 5}
    about = {"name": "A", "module": "invoices", "trigger": {"type": "manual"}, "steps": [NOTE]}
    with story.installation.database.read() as tx:
        some = Workflow.model_validate({**about, "conditions": asked})
        told = audience(tx, some).made_of
        rows = tx.schema.tables["invoices"]
        held = list(tx.db.scalars(select(rows.c.status).where(rows.c.id <= 5)))
        same = {"field": "status", "op": "equals", "value": held[0]}
        alike = audience(tx, Workflow.model_validate({**about, "conditions": same})).made_of
    kinds = {kind: held.count(kind) for kind in held}
    assert told.startswith("Status: ")
    assert sorted(told.removeprefix("Status: ").split(", ")) == sorted(
        f"{number} {kind}" for kind, number in kinds.items()
    )
    assert len(kinds) > 1
    assert alike == ""
