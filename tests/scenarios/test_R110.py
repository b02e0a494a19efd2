"""R110: who is switched off can be given nothing, and a workflow that names them says so."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.people.logins import Principal
from engine.problems import Invalid, Problem
from engine.records.tables import ALERTS
from engine.records.writer import Author, Records
from engine.review.decisions import approve
from engine.workflows.library import By, examine, save_draft, submit
from server.access.desk import Desk
from server.operations.records import write_record
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

ASSIGN = {"id": "hand_over", "type": "assign", "to": "cons"}
STEPS: list[tuple[dict[str, Any], str]] = [
    (ASSIGN, "to"),
    ({"id": "task", "type": "create_task", "title": "Call", "assign_to": "cons"}, "assign_to"),
    (
        {"id": "book", "type": "create_event", "title": "x", "start": "now", "assign_to": "cons"},
        "assign_to",
    ),
    ({"id": "tell", "type": "notify", "to": ["owner", "cons"], "text": "Look"}, "to.1"),
    ({"id": "set", "type": "update_fields", "values": {"owner": "cons"}}, "values.owner"),
]


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Leads - To cons",
        "description": "For a test.",
        "module": "leads",
        "trigger": {"type": "record_created"},
        "steps": list(steps),
    }


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def switch_off(story: Story, username: str) -> Any:
    desk = Desk(story.installation, Principal("admin", frozenset({"admin"})))
    number = {"cons": "U-6", "bob": "U-2"}[username]
    return write_record(desk, "users", {"active": False}, number)


def problems(story: Story, *steps: dict[str, Any]) -> tuple[Problem, ...]:
    with story.installation.database.read() as tx:
        return examine(tx, document(*steps), story.installation.unsafe).problems


@pytest.mark.parametrize(("step", "path"), STEPS)
def test_a_step_that_names_a_user_who_is_switched_off_is_refused(
    step: dict[str, Any], path: str, story: Story
) -> None:
    assert problems(story, step) == ()
    switch_off(story, "cons")
    (problem,) = problems(story, step)
    assert problem.path == f"steps.0.{path}"
    assert "cons is switched off" in problem.message
    assert problems(story, {**ASSIGN, "to": "alice"}) == ()


def test_a_version_is_not_put_into_force_once_its_user_is_gone(story: Story) -> None:
    with story.installation.database.begin() as tx:
        draft = save_draft(tx, document(ASSIGN), By("alice"))
        version = submit(
            tx, draft.id, draft.revision, "", By("alice"), story.installation.unsafe, None
        )
    switch_off(story, "cons")
    refused = pytest.raises(Invalid, match="cons, who is switched off")
    with refused, story.installation.database.begin() as tx:
        approve(tx, story.installation.library, version.id, version.hash, By("admin"), "")


def test_people_are_told_which_workflows_name_a_user_who_is_switched_off(story: Story) -> None:
    story.approve(document(ASSIGN))
    assert switch_off(story, "bob")["named_in"] == []
    assert switch_off(story, "cons")["named_in"] == ["Leads - To cons"]
    with story.installation.database.read() as tx:
        (alert,) = tx.db.execute(ALERTS.select()).all()
    assert alert.kind == "absent"
    assert "cons, who is switched off" in alert.cause
    story.tell({"create": "leads", "values": {"name": "Gus", "owner": "bob"}})
    told = "LD-3 was not assigned: cons is not active any more. Name somebody else."
    assert story.news()["said"] == {"LD-3": told}


def test_a_task_for_a_user_who_is_gone_falls_to_the_owner_of_the_record(story: Story) -> None:
    story.approve(document(STEPS[1][0]))
    with story.installation.database.begin() as tx:
        Records(tx, Author("admin")).update("users", 6, {"active": False})
    story.tell({"create": "leads", "values": {"name": "Gus", "owner": "alice"}})
    assert [task["owner"] for task in story.news()["tasks"]] == ["alice"]
    story.tell({"create": "leads", "values": {"name": "Ida", "owner": "cons"}})
    assert [task["owner"] for task in story.news()["tasks"]] == [None]
