"""Drafts, versions, approval, off and on: nothing runs that a person did not approve."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Row, select

from engine.problems import Invalid, Problem
from engine.records.tables import RUNS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.review import decisions
from engine.runs.switching import Running, switch_off
from engine.schema.fields import Field
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import (
    By,
    examine,
    save_draft,
    submit,
    surroundings,
    version_row,
    versions,
)
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

Document = dict[str, Any]

ALICE, ADMIN = By("alice"), By("admin")
DOCUMENT: Document = {
    "name": "Invoices - Thank",
    "description": "Thank those who pay.",
    "category": "Billing",
    "module": "invoices",
    "trigger": {"type": "record_saved"},
    "conditions": {"field": "status", "op": "equals", "value": "Paid"},
    "recurrence": "once",
    "steps": [
        {
            "id": "task",
            "type": "create_task",
            "label": "Say thank you",
            "title": "Thank {{ record.account.name }}",
            "description": "In a friendly way.",
        }
    ],
}
WAITING: Document = {
    **DOCUMENT,
    "steps": [{"id": "rest", "type": "wait", "days": 2}, *DOCUMENT["steps"]],
}
(TASK,) = DOCUMENT["steps"]


@dataclass
class Desk:
    """What people do with workflows, each in a transaction of its own."""

    story: Story

    def draft(
        self, document: Document, workflow: int | None = None, revision: int | None = None
    ) -> Row[Any]:
        with self.story.installation.database.begin() as tx:
            return save_draft(tx, document, ALICE, workflow, revision)

    def submit(self, draft: Row[Any], by: By = ALICE) -> Row[Any]:
        with self.story.installation.database.begin() as tx:
            unsafe = self.story.installation.unsafe
            return submit(tx, draft.id, draft.revision, "", by, unsafe, None)

    def approve(
        self,
        version: Row[Any],
        by: By = ADMIN,
        shown: str | None = None,
        baseline: decisions.Baseline | None = None,
    ) -> Row[Any]:
        with self.story.installation.database.begin() as tx:
            library, hash = self.story.installation.library, shown or version.hash
            return decisions.approve(tx, library, version.id, hash, by, "", baseline)

    def live(self, document: Document, baseline: decisions.Baseline | None = None) -> int:
        """A workflow that was approved and runs."""
        version = self.submit(self.draft(document))
        self.approve(version, baseline=baseline)
        workflow: int = version.workflow
        return workflow

    def states(self, workflow: int) -> tuple[str, dict[int, str]]:
        """The state of the workflow, and of each of its versions."""
        with self.story.installation.database.read() as tx:
            known = {row.version: row.state for row in versions(tx, workflow)}
            state = tx.db.scalar(select(WORKFLOWS.c.state).where(WORKFLOWS.c.id == workflow))
            return str(state), known

    def runs(self) -> list[tuple[str, str]]:
        with self.story.installation.database.read() as tx:
            rows = tx.db.execute(select(RUNS.c.state, RUNS.c.reason).order_by(RUNS.c.id))
            return [(row.state, row.reason) for row in rows]

    def retype(self, name: str, kind: str) -> None:
        """Make a field of invoices another type, as an administrator might."""
        installation = self.story.installation
        with installation.database.begin() as tx:
            module = tx.schema.module("invoices")
            fields = (_retyped(field, name, kind) for field in module.fields)
            installation.database.save_module(
                tx, module.model_copy(update={"fields": tuple(fields)})
            )


def _retyped(field: Field, name: str, kind: str) -> Field:
    return field.model_copy(update={"type": kind, "options": ()}) if field.name == name else field


@pytest.fixture
def desk(template_database: TemplateDatabase, clock: Clock) -> Iterator[Desk]:
    with living({}, template_database, clock) as story:
        yield Desk(story)


def first(refused: pytest.ExceptionInfo[Invalid]) -> Problem:
    return refused.value.problems[0]


# --- drafts ---


def test_a_draft_may_have_problems_and_never_runs(desk: Desk) -> None:
    draft = desk.draft({**DOCUMENT, "steps": []})
    assert (draft.state, draft.revision, draft.name) == ("draft", 1, "Invoices - Thank")
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    assert desk.runs() == []


def test_each_edit_makes_a_new_revision_and_an_old_one_is_refused(desk: Desk) -> None:
    draft = desk.draft(DOCUMENT)
    again = desk.draft({**DOCUMENT, "name": "Thanks"}, draft.id, 1)
    assert (again.id, again.revision, again.name) == (draft.id, 2, "Thanks")
    with pytest.raises(Invalid) as refused:
        desk.draft(DOCUMENT, draft.id, 1)
    assert first(refused) == Problem(
        "revision",
        "the draft is at revision 2, you have 1.",
        "Read it again and repeat your edits on what is there now.",
    )


def test_a_draft_with_problems_cannot_be_submitted(desk: Desk) -> None:
    draft = desk.draft({**DOCUMENT, "steps": [], "group_by": "account"})
    with pytest.raises(Invalid) as refused:
        desk.submit(draft)
    assert [problem.path for problem in refused.value.problems] == ["group_by", "steps"]
    assert desk.states(draft.id) == ("draft", {})


def test_an_edit_takes_a_version_back_from_review(desk: Desk) -> None:
    version = desk.submit(desk.draft(DOCUMENT))
    assert desk.states(version.workflow) == ("in_review", {1: "in_review"})
    desk.draft(WAITING, version.workflow)
    assert desk.states(version.workflow) == ("draft", {1: "superseded"})
    with pytest.raises(Invalid) as refused:
        desk.approve(version)
    assert first(refused).message == ("version 1 is superseded, it does not wait for a decision.")


# --- versions ---


def test_a_version_never_changes_and_the_next_one_takes_its_place(desk: Desk) -> None:
    workflow = desk.live(DOCUMENT)
    draft = desk.draft(WAITING, workflow)
    assert desk.states(workflow) == ("active", {1: "approved"})
    version = desk.submit(draft)
    assert desk.states(workflow) == ("active", {1: "approved", 2: "in_review"})
    desk.approve(version)
    assert desk.states(workflow) == ("active", {1: "superseded", 2: "approved"})
    with desk.story.installation.database.read() as tx:
        documents = [version_row(tx, workflow, number).document for number in (1, 2)]
    assert documents == [DOCUMENT, WAITING]


def test_a_run_goes_on_as_the_version_that_it_began_with(desk: Desk) -> None:
    workflow = desk.live(WAITING)
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    other = {**WAITING, "steps": [WAITING["steps"][0], {**TASK, "title": "Another"}]}
    desk.approve(desk.submit(desk.draft(other, workflow)))
    desk.story.news()
    desk.story.tell({"at": "2026-03-12T09:00"})
    assert [task["title"] for task in desk.story.news()["tasks"]] == ["Thank ACME"]


def hash_of(tx: Transaction, document: Document) -> str:
    draft = save_draft(tx, document, ALICE)
    found: str = submit(tx, draft.id, draft.revision, "", ALICE, lambda url: None, None).hash
    return found


@pytest.mark.parametrize(
    "cosmetic",
    [
        {"name": "Thanks"},
        {"description": "Because."},
        {"category": "Sales"},
        {"steps": [{**TASK, "label": "Thank"}]},
    ],
)
def test_mere_words_leave_the_hash_as_it_is(desk: Desk, cosmetic: Document) -> None:
    with desk.story.installation.database.begin() as tx:
        assert hash_of(tx, {**DOCUMENT, **cosmetic}) == hash_of(tx, DOCUMENT)


@pytest.mark.parametrize(
    "change",
    [
        {"trigger": {"type": "record_modified"}},
        {"conditions": {"field": "status", "op": "equals", "value": "Sent"}},
        {"recurrence": "every"},
        {"stop_when": {"field": "balance", "op": "equals", "value": 1}},
        {"steps": [{**TASK, "title": "Thank them"}]},
        {"steps": [{**TASK, "description": "In a cold way."}]},
        {"steps": [{**TASK, "id": "other"}]},
        {"steps": [{**TASK, "on_error": "continue"}]},
    ],
)
def test_whatever_decides_what_it_does_changes_the_hash(desk: Desk, change: Document) -> None:
    with desk.story.installation.database.begin() as tx:
        assert hash_of(tx, {**DOCUMENT, **change}) != hash_of(tx, DOCUMENT)


def test_the_values_of_a_new_record_are_no_mere_words(desk: Desk) -> None:
    def opening(name: str) -> Document:
        values = {"type": "Customer", "name": name, "description": name}
        values.pop("description")
        step = {"id": "open", "type": "create_record", "module": "accounts", "values": values}
        return {**DOCUMENT, "steps": [step]}

    with desk.story.installation.database.begin() as tx:
        assert hash_of(tx, opening("A")) != hash_of(tx, opening("B"))


@pytest.mark.parametrize("field", ["status", "account", "due_date"])
def test_the_type_of_a_field_it_uses_is_part_of_the_hash(desk: Desk, field: str) -> None:
    steps = [TASK, {"id": "until_due", "type": "wait", "until": "due_date"}]
    document = {**DOCUMENT, "steps": steps}
    with desk.story.installation.database.begin() as tx:
        before = hash_of(tx, document)
    with desk.story.installation.database.read() as tx:
        parsed = examine(tx, document, lambda url: None).parsed
    desk.retype(field, "longtext" if field != "due_date" else "datetime")
    assert parsed
    with desk.story.installation.database.read() as tx:
        assert fingerprint(document, parsed, surroundings(tx)) != before


# --- approval ---


def test_who_wrote_a_version_cannot_approve_it(desk: Desk) -> None:
    version = desk.submit(desk.draft(DOCUMENT))
    with pytest.raises(Invalid) as refused:
        desk.approve(version, ALICE)
    assert first(refused) == Problem(
        "review",
        "you took part in writing this version.",
        "Somebody else must approve it (or allow solo mode).",
    )
    assert desk.states(version.workflow) == ("in_review", {1: "in_review"})


def test_in_solo_mode_the_author_may_approve_and_it_is_noted(desk: Desk) -> None:
    installation = desk.story.installation
    with installation.database.begin() as tx:
        installation.database.save_company(tx, tx.company.model_copy(update={"four_eyes": False}))
    decided = desk.approve(desk.submit(desk.draft(DOCUMENT)), ALICE)
    assert (decided.state, decided.decided_by, decided.self_approved) == ("approved", "alice", True)


def test_an_agent_cannot_approve_whoever_it_acts_for(desk: Desk) -> None:
    version = desk.submit(desk.draft(DOCUMENT))
    with pytest.raises(Invalid) as refused:
        desk.approve(version, By("admin", agent=True))
    assert first(refused) == Problem(
        "review", "an agent cannot approve.", "Send the link to a person."
    )


def test_only_what_was_shown_can_be_approved(desk: Desk) -> None:
    version = desk.submit(desk.draft(DOCUMENT))
    with pytest.raises(Invalid) as refused:
        desk.approve(version, shown="0" * 64)
    assert first(refused) == Problem(
        "hash", "this has changed since you opened it.", "Read it again, then decide."
    )


def test_a_version_whose_fields_have_changed_since_cannot_be_approved(desk: Desk) -> None:
    version = desk.submit(desk.draft(DOCUMENT))
    desk.retype("status", "text")
    with pytest.raises(Invalid) as refused:
        desk.approve(version)
    assert first(refused).path == "hash"


def test_a_rejection_needs_a_reason_and_sends_the_draft_back(desk: Desk) -> None:
    version = desk.submit(desk.draft(DOCUMENT))
    database = desk.story.installation.database
    with database.begin() as tx, pytest.raises(Invalid) as refused:
        decisions.reject(tx, version.id, ADMIN, "  ")
    assert first(refused).message == "a rejection needs a reason."
    with database.begin() as tx:
        decided = decisions.reject(tx, version.id, ADMIN, "Too friendly.")
    assert (decided.decided_by, decided.comment) == ("admin", "Too friendly.")
    assert desk.states(version.workflow) == ("draft", {1: "rejected"})
    with pytest.raises(Invalid):
        desk.approve(version)


def test_changes_made_before_the_approval_start_nothing(desk: Desk) -> None:
    with desk.story.installation.database.begin() as tx:
        Records(tx, Author("alice")).update("invoices", 1, {"status": "Paid"})
    desk.story.clock.advance(seconds=1)
    desk.live({**DOCUMENT, "recurrence": "every"})
    desk.story.tell({"tick": True})
    assert desk.runs() == []


# --- off and on ---


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ("hold", ("paused", "held: the workflow was switched off")),
        ("finish", ("waiting", "")),
        ("stop", ("stopped", "stopped: the workflow was switched off")),
    ],
)
def test_switching_off_holds_finishes_or_stops_what_is_going_on(
    desk: Desk, running: Running, expected: tuple[str, str]
) -> None:
    workflow = desk.live(WAITING)
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    with desk.story.installation.database.begin() as tx:
        switch_off(tx, workflow, running)
    desk.story.tell({"save": "INV-2", "values": {"status": "Paid"}})
    assert (desk.states(workflow)[0], desk.runs()) == ("paused", [expected])
    desk.story.tell({"at": "2026-03-13T09:00"})
    tasks = desk.story.news().get("tasks", [])
    assert [task["title"] for task in tasks] == (["Thank ACME"] if running == "finish" else [])


def test_what_was_held_goes_on_when_it_is_switched_on_again(desk: Desk) -> None:
    workflow = desk.live(WAITING)
    installation = desk.story.installation
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    with installation.database.begin() as tx:
        switch_off(tx, workflow)
    with installation.database.begin() as tx:
        Records(tx, Author("alice")).update("invoices", 2, {"status": "Paid"})
    desk.story.clock.advance(minutes=1)
    with installation.database.begin() as tx:
        assert decisions.switch_on(tx, installation.library, workflow, "alice")
    desk.story.tell({"at": "2026-03-12T09:00"})
    assert desk.runs() == [("done", "finished")]


def test_it_is_not_switched_on_again_if_a_field_has_changed(desk: Desk) -> None:
    workflow = desk.live(DOCUMENT)
    installation = desk.story.installation
    with installation.database.begin() as tx:
        switch_off(tx, workflow)
    desk.retype("status", "text")
    with installation.database.begin() as tx:
        assert not decisions.switch_on(tx, installation.library, workflow, "alice")
    assert desk.states(workflow)[0] == "paused"


def test_a_field_that_changes_under_a_live_workflow_stops_it_with_an_alert(desk: Desk) -> None:
    desk.live(DOCUMENT)
    desk.retype("status", "text")
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    assert (desk.runs(), desk.story.news()["alerts"]) == ([], ["changed"])


def test_a_draft_that_nobody_approved_is_not_switched_on(desk: Desk) -> None:
    draft = desk.draft(DOCUMENT)
    installation = desk.story.installation
    with installation.database.begin() as tx:
        assert not decisions.switch_on(tx, installation.library, draft.id, "alice")


def test_an_archived_workflow_ends_its_runs_and_cannot_be_edited(desk: Desk) -> None:
    workflow = desk.live(WAITING)
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    with desk.story.installation.database.begin() as tx:
        decisions.archive(tx, workflow, "alice")
    assert desk.runs() == [("stopped", "stopped: the workflow was switched off")]
    with pytest.raises(Invalid) as refused:
        desk.draft(DOCUMENT, workflow)
    assert first(refused).message == "“Invoices - Thank” is archived."


# --- records that match already when it is switched on ---


@pytest.mark.parametrize("recurrence", ["once", "episode"])
def test_by_default_those_that_match_already_are_left_alone(desk: Desk, recurrence: str) -> None:
    desk.live({**DOCUMENT, "recurrence": recurrence})
    desk.story.tell({"save": "INV-5", "values": {"subject": "Chairs"}})
    assert desk.runs() == []
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    assert desk.runs() == [("done", "finished")]


@pytest.mark.parametrize("recurrence", ["once", "episode"])
def test_those_that_match_already_are_taken_if_a_person_says_so(
    desk: Desk, recurrence: str
) -> None:
    desk.live({**DOCUMENT, "recurrence": recurrence}, baseline="include")
    desk.story.tell({"save": "INV-5", "values": {"subject": "Chairs"}})
    desk.story.tell({"save": "INV-5", "values": {"subject": "Tables"}})
    assert desk.runs() == [("done", "finished")]


@pytest.mark.parametrize(("recurrence", "runs"), [("once", 0), ("episode", 1)])
def test_what_was_left_alone_counts_again_only_where_each_episode_does(
    desk: Desk, recurrence: str, runs: int
) -> None:
    desk.live({**DOCUMENT, "recurrence": recurrence})
    for status in ("Sent", "Paid", "Paid"):
        desk.story.tell({"save": "INV-5", "values": {"status": status}})
    assert len(desk.runs()) == runs


def test_a_new_version_leaves_who_was_told_already_alone(desk: Desk) -> None:
    workflow = desk.live(DOCUMENT)
    desk.story.tell({"save": "INV-1", "values": {"status": "Paid"}})
    sooner = {**DOCUMENT, "steps": [{**TASK, "due": "today+2d"}]}
    desk.approve(desk.submit(desk.draft(sooner, workflow)))
    desk.story.tell({"save": ["INV-1", "INV-5"], "values": {"subject": "Chairs"}})
    assert desk.runs() == [("done", "finished")]


@pytest.mark.parametrize(("baseline", "runs"), [(None, 1), ("include", 1), ("ignore", 0)])
def test_a_schedule_takes_those_that_match_already_unless_a_person_says_no(
    desk: Desk, baseline: decisions.Baseline | None, runs: int
) -> None:
    daily = {"type": "schedule", "every": "day", "at": "10:00"}
    desk.live({**DOCUMENT, "trigger": daily}, baseline)
    desk.story.tell({"at": "2026-03-10T10:00"})
    assert len(desk.runs()) == runs
