"""One workflow starts another: its own rules count, no circle is closed, and a dry run tells."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.problems import Invalid
from engine.review.decisions import approve
from engine.runs.rehearsal import rehearse
from engine.workflows.library import By, examine, save_draft, submit
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living


def document(name: str, module: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"name": name, "description": "For a test.", "module": module, "steps": list(steps)}
    return {"trigger": {"type": "manual"}, **asked, **more}


NOTE = {"id": "log", "type": "add_note", "text": "Escalated"}
ESCALATE = document(
    "Accounts - Escalate", "accounts", NOTE, conditions={"field": "tier", "op": "is_not_empty"}
)
GO = {"id": "go", "type": "run_workflow", "workflow": "Accounts - Escalate", "record": "account"}
DISPUTED: dict[str, Any] = {
    "trigger": {"type": "record_saved"},
    "conditions": {"field": "dispute", "op": "changed_to", "value": True},
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def test_another_workflow_is_started_for_a_related_record(story: Story) -> None:
    story.approve(ESCALATE)
    story.approve(document("Invoices - Dispute", "invoices", GO, **DISPUTED))
    story.tell({"save": "INV-1", "values": {"dispute": True}})
    news = story.news()
    assert (news["runs"], [note["record"] for note in news["notes"]]) == ({"done": 2}, ["ACC-1"])
    assert news["said"]["INV-1"] == "started “Accounts - Escalate” for ACME (R-2)"


def test_the_conditions_of_the_other_workflow_count(story: Story) -> None:
    story.approve(ESCALATE)
    story.approve(document("Invoices - Dispute", "invoices", GO, **DISPUTED))
    story.tell({"save": "ACC-3", "values": {"tier": None}})
    story.tell({"save": "INV-6", "values": {"dispute": True}})
    news = story.news()
    assert news["runs"] == {"done": 1}
    told = "“Accounts - Escalate” was not started: not for GAMMA: tier"
    assert news["said"]["INV-6"].startswith(told)


def test_no_circle_is_closed(story: Story) -> None:
    """Each is sound beside the other as it is. What one may do is part of the other's hash, so once
    the first is approved, the second is no longer what its approver was shown."""
    changed = {"field": "tier", "op": "changed"}
    saved = {"trigger": {"type": "record_saved"}, "conditions": changed}
    back = {"id": "back", "type": "run_workflow", "workflow": "Ping"}
    forth = {"id": "forth", "type": "run_workflow", "workflow": "Pong"}
    sent = []
    for name, more in (("Ping", saved), ("Pong", {})):
        story.approve(document(name, "accounts", NOTE, **more))
        sent.append(story.workflow)
    library, unsafe = story.installation.library, story.installation.unsafe
    with story.installation.database.begin() as tx:
        ours = (document("Ping", "accounts", forth, **saved), document("Pong", "accounts", back))
        drafts = [save_draft(tx, one, By("alice"), id) for one, id in zip(ours, sent, strict=True)]
        ping, pong = (submit(tx, draft.id, 2, "", By("alice"), unsafe, None) for draft in drafts)
        approve(tx, library, ping.id, ping.hash, By("admin"), "")
        with pytest.raises(Invalid, match="this has changed since you opened it"):
            approve(tx, library, pong.id, pong.hash, By("admin"), "")
    story.tell({"save": "ACC-1", "values": {"tier": "Bronze"}})
    assert story.news()["runs"] == {"done": 2}


def test_a_workflow_that_is_not_there_or_is_about_other_records_is_refused(story: Story) -> None:
    story.approve(ESCALATE)
    for step, path, said in (
        ({**GO, "workflow": "Accounts - Escalat"}, "steps.0.workflow", "no single active workflow"),
        ({**GO, "record": ""}, "steps.0.record", "is about accounts, not about invoices"),
    ):
        with story.installation.database.read() as tx:
            wrong = document("Invoices - Dispute", "invoices", step, **DISPUTED)
            (problem,) = examine(tx, wrong, story.installation.unsafe).problems
        assert (problem.path, said in problem.message) == (path, True)


def test_a_dry_run_tells_what_would_be_started_and_starts_nothing(story: Story) -> None:
    story.approve(ESCALATE)
    wanted = Workflow.model_validate(document("Invoices - Dispute", "invoices", GO, **DISPUTED))
    with story.installation.database.read() as tx:
        (one,) = rehearse(tx, wanted, [3], change={"dispute": True})
    assert [told.does for told in one.effects] == ["start “Accounts - Escalate” for BETA"]
    story.tell({"tick": True})
    assert story.news() == {}
