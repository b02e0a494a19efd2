"""Workflows switched on, off, and off for good."""

from typing import Any, Literal, NotRequired

from sqlalchemy import Row, select
from typing_extensions import TypedDict

from engine.people import audit
from engine.problems import refuse
from engine.records.tables import VERSIONS
from engine.review.decisions import archive, discard, switch_on
from engine.runs.switching import Running, switch_off
from server.access.desk import Desk
from server.operations import answers
from server.operations.drafts import review_link
from server.operations.registry import Number, operation


class Switched(TypedDict):
    """How a workflow stands now; with a link where a person has to decide first."""

    workflow: int
    state: str
    link: NotRequired[str]
    next: str


class Discarded(TypedDict):
    """How a workflow stands without its draft."""

    workflow: int
    state: str
    revision: int


class Archived(TypedDict):
    """A workflow that is away for good."""

    workflow: int
    state: str


@operation(
    "POST /workflows/{workflow}/toggle",
    scope="workflows:toggle",
    kind="switch",
    stage="decide",
)
def toggle_workflow(
    desk: Desk, workflow: Number, active: bool, running: Literal["hold", "finish", "stop"] = "hold"
) -> Switched:
    """Switch a workflow off at once (`running`: what becomes of its runs), or on again: only as a
    person approved it; else pending_approval and a link."""
    with desk.read() as tx:
        row = answers.workflow_row(tx, workflow)
    if row.state == "archived":
        raise refuse("workflow", f"“{row.name}” is archived.", "Draft a new workflow instead.")
    answer = _switched_on(desk, row) if active else _switched_off(desk, row, running)
    desk.installation.changed()
    return answer


def _switched_off(desk: Desk, row: Row[Any], running: Running) -> Switched:
    if row.state != "active":
        told = "It was not active; nothing had to be switched off."
        return {"workflow": row.id, "state": row.state, "next": told}
    with desk.installation.database.begin() as tx:
        switch_off(tx, row.id, running, desk.who.name)
        detail = {"running": running}
        audit.record(tx, desk.who.name, "switch off", f"workflow/{row.id}", detail, desk.who.token)
    ends = {"hold": "held", "finish": "finishing", "stop": "stopped"}[running]
    told = f"It starts nothing any more; its runs are {ends}."
    return {"workflow": row.id, "state": "paused", "next": told}


def _switched_on(desk: Desk, row: Row[Any]) -> Switched:
    with desk.installation.database.begin() as tx:
        if switch_on(tx, desk.installation.library, row.id, desk.who.name):
            if row.state != "active":
                named = f"workflow/{row.id}"
                audit.record(tx, desk.who.name, "switch on", named, None, desk.who.token)
            return {"workflow": row.id, "state": "active", "next": "It is on."}
        where = (VERSIONS.c.workflow == row.id, VERSIONS.c.state == "in_review")
        waiting = tx.db.scalar(select(VERSIONS.c.id).where(*where).order_by(VERSIONS.c.id.desc()))
    if waiting is not None:
        link = review_link(desk, waiting)
        told = "Give the link to a person who may approve; it runs once approved."
    else:
        link = f"{desk.installation.settings.address}/workflows/{row.id}"
        told = f"Submit it first: submit_workflow (workflow {row.id}, revision {row.revision})."
    return {"workflow": row.id, "state": "pending_approval", "link": link, "next": told}


@operation(
    "POST /workflows/{workflow}/archive",
    scope="workflows:write",
    kind="switch",
)
def archive_workflow(desk: Desk, workflow: Number) -> Archived:
    """Take a workflow away for good; its runs end, its history stays."""
    with desk.begin() as tx:
        answers.workflow_row(tx, workflow)
        archive(tx, workflow, desk.who.name)
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "archive workflow", named, None, desk.who.token)
    desk.installation.changed()
    return {"workflow": workflow, "state": "archived"}


@operation(
    "POST /workflows/{workflow}/discard",
    scope="workflows:write",
    kind="write",
)
def discard_draft(desk: Desk, workflow: Number) -> Discarded:
    """Let go of a draft. What runs goes on; a workflow that never ran is archived."""
    with desk.begin() as tx:
        answers.workflow_row(tx, workflow)
        discard(tx, workflow, desk.who.name)
        row = answers.workflow_row(tx, workflow)
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "discard draft", named, None, desk.who.token)
    desk.installation.changed()
    return {"workflow": workflow, "state": row.state, "revision": row.revision}
