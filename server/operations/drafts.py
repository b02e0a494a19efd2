"""Drafts of workflows: saved, edited part by part, and submitted for approval."""

from typing import Any

from sqlalchemy import Row
from typing_extensions import TypedDict

from engine.people import audit
from engine.problems import refuse
from engine.records.transaction import Transaction
from engine.runs.audience import Audience, audience
from engine.workflows.edits import apply
from engine.workflows.library import (
    Checked,
    Document,
    current_document,
    examine,
    save_draft,
    submit,
    surroundings,
)
from server.access.desk import Desk
from server.operations import answers
from server.operations.registry import Number, Plain, Several, operation
from server.operations.workflows import Examined, told


class DraftAudience(TypedDict):
    """Whom a draft means now: how many records and runs, and the numbers of the first records.

    `units` says it as people count: "11 invoices, 8 customers, 6 mails, 2 unreachable".
    """

    units: str
    count: int
    runs: int
    suppressed: int
    first: list[str]


class Draft(Examined):
    """A draft as it was saved. `audience` is null while there are problems."""

    workflow: int
    revision: int
    state: str
    audience: DraftAudience | None
    next: str


class Submitted(TypedDict):
    """A version that waits for approval, and where a person decides on it."""

    workflow: int
    version: int
    state: str
    link: str
    next: str


@operation(
    "POST /workflows",
    scope="workflows:write",
    kind="write",
    body="document",
    stage="draft",
)
def draft_workflow(desk: Desk, document: Plain, workflow: Number | None = None) -> Draft:
    """Save a workflow document as a draft: a new workflow, or all of `workflow` anew.

    Never active; saved with its problems. Its keys: describe_blocks(types=["workflow"]).
    """
    with desk.begin() as tx:
        if workflow is not None:
            answers.workflow_row(tx, workflow)
        row = save_draft(tx, _about_seen(tx, document), desk.by, workflow)
        _noted(desk, tx, "draft", row)
    return _drafted(desk, row.id)


@operation(
    "POST /workflows/{workflow}/edit",
    scope="workflows:write",
    kind="write",
    stage="draft",
)
def edit_workflow(desk: Desk, workflow: Number, revision: Number, edits: Several) -> Draft:
    """Change parts of a draft, all or nothing: {"op":"set","step":ID,"key":K,"value":V} (no step:
    of the workflow), {"op":"add","step":{...},"after":ID} (or before, or into "ID.then"),
    {"op":"move","step":ID,"after":ID}, {"op":"remove","step":ID}."""
    with desk.begin() as tx:
        row = answers.workflow_row(tx, workflow)
        if revision != row.revision:
            told = f"the draft is at revision {row.revision}, you have {revision}."
            raise refuse("revision", told, "Read it with get_workflow, then edit what is there.")
        document = _about_seen(tx, apply(current_document(tx, row), edits))
        row = save_draft(tx, document, desk.by, workflow, revision)
        _noted(desk, tx, "edit", row)
    return _drafted(desk, workflow)


def _about_seen(tx: Transaction, document: Document) -> Document:
    """The document, if it is about records that may be seen here. Raises `Invalid`."""
    if not answers.shown(tx, str(document.get("module"))):
        tx.schema.module(str(document.get("module")))
    return document


def _noted(desk: Desk, tx: Transaction, verb: str, row: Row[Any]) -> None:
    detail = {"revision": row.revision}
    audit.record(
        tx, desk.who.name, f"{verb} workflow", f"workflow/{row.id}", detail, desk.who.token
    )


def _drafted(desk: Desk, workflow: int) -> Draft:
    """What there is to say about a draft that was just saved, and what to do next."""
    with desk.read() as tx:
        row = answers.workflow_row(tx, workflow)
        checked = examine(tx, row.draft or {}, desk.installation.unsafe, workflow)
        meant = _meant(tx, checked, workflow)
        return {
            "workflow": row.id,
            "revision": row.revision,
            "state": row.state,
            **told(desk, tx, checked, workflow),
            "audience": _audience(tx, checked, meant),
            "next": _next(row, checked),
        }


def _meant(tx: Transaction, checked: Checked, workflow: int) -> Audience | None:
    if checked.problems or checked.parsed is None:
        return None
    return audience(tx, checked.parsed, number=workflow)


def _audience(tx: Transaction, checked: Checked, meant: Audience | None) -> DraftAudience | None:
    if meant is None or checked.parsed is None:
        return None
    return {
        "units": meant.units(tx.schema.module(checked.parsed.module)),
        "count": meant.count,
        "runs": meant.runs,
        "suppressed": len(meant.suppressed),
        "first": [row["number"] for row in meant.records[:5]],
    }


def _next(row: Row[Any], checked: Checked) -> str:
    if checked.problems:
        return (
            f"Correct the problems with edit_workflow (revision {row.revision}), "
            f"or send all anew with draft_workflow (workflow {row.id})."
        )
    goes_on = f" Version {row.active_version} runs until then." if row.active_version else ""
    return (
        "See what it would do with test_workflow, then submit_workflow "
        f"(revision {row.revision}): a person has to approve it.{goes_on}"
    )


@operation(
    "POST /workflows/{workflow}/submit",
    scope="workflows:write",
    kind="write",
    stage="decide",
)
def submit_workflow(desk: Desk, workflow: Number, revision: Number, note: str = "") -> Submitted:
    """Ask people to approve the draft; gives the link for them."""
    document = _draft(desk, workflow)
    with desk.read() as tx:
        checked = examine(tx, document, desk.installation.unsafe, workflow)
        meant = _meant(tx, checked, workflow)
    with desk.installation.database.begin() as whole:
        tx, count = desk.view(whole), meant.count if meant else None
        by, unsafe, why = desk.by, desk.installation.unsafe, note[:2000]
        row = submit(tx, workflow, revision, why, by, unsafe, count, surroundings(whole))
        detail = {"version": row.version, "hash": row.hash}
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "submit workflow", named, detail, desk.who.token)
    return {
        "workflow": workflow,
        "version": row.version,
        "state": row.state,
        "link": review_link(desk, row.id),
        "next": "Give the link to a person who may approve; no tool can. It runs once approved.",
    }


def _draft(desk: Desk, workflow: int) -> Document:
    with desk.read() as tx:
        return dict(answers.workflow_row(tx, workflow).draft or {})


def review_link(desk: Desk, version: int) -> str:
    """Where a person decides on a version."""
    return f"{desk.installation.settings.address}/reviews/{version}"
