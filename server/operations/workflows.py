"""Workflows: listed, read, drafted, edited, submitted, switched off and on."""

from typing import Any, Literal

from sqlalchemy import Row, func, select

from engine.people import audit
from engine.problems import Invalid, refuse, suggest
from engine.records.tables import ALERTS, VERSIONS
from engine.records.transaction import Transaction
from engine.review.decisions import archive, switch_on
from engine.runs.rehearsal import Audience, audience
from engine.runs.switching import Running, switch_off
from engine.workflows.advice import advice
from engine.workflows.diff import Difference, differences
from engine.workflows.edits import apply
from engine.workflows.library import (
    Checked,
    Document,
    current_document,
    examine,
    save_draft,
    submit,
    version_row,
    versions,
)
from engine.workflows.reading import read
from server.access.desk import Desk
from server.operations import answers
from server.operations.queries import runs
from server.operations.queries import workflows as queries
from server.operations.queries.versions import waiting as waiting_for_review
from server.operations.registry import Answer, Missing, Number, Plain, Several, operation

STATES = ("draft", "in_review", "active", "paused", "archived")
DRAFTED = (
    "workflow:integer revision:integer state:string words:array problems:array advice:array "
    "audience?:object next:string"
)


# --- reading ---


@operation("GET /workflows", scope="workflows:read", gives="workflows:array", stage="draft")
def list_workflows(
    desk: Desk,
    status: str | None = None,
    module: str | None = None,
    category: str | None = None,
    text: str | None = None,
) -> Answer:
    """List workflows with state, runs and open alerts. Look here before drafting a duplicate.

    `status`: draft, in_review, active, paused, archived.
    """
    if status is not None and status not in STATES:
        raise refuse("status", f"there is no state `{status}`.", suggest(status, STATES, "States"))
    with desk.read() as tx:
        wanted = queries.Wanted(status or "", module or "", category or "", text or "")
        chosen = queries.listed(tx, wanted)
        counted, alerts, waiting = runs.by_state(tx), _alerts(tx), waiting_for_review(tx)
        return {
            "workflows": [
                {
                    "workflow": row.id,
                    "name": row.name,
                    "module": row.module,
                    "category": row.category,
                    "state": row.state,
                    "version": row.active_version,
                    "draft": row.draft is not None,
                    "in_review": row.id in waiting,
                    "runs": dict(counted.get(row.id, {})),
                    "alerts": alerts.get(row.id, 0),
                    "changed_at": answers.iso(row.changed_at),
                }
                for row in chosen
            ]
        }


def _alerts(tx: Transaction) -> dict[int, int]:
    query = select(ALERTS.c.workflow, func.count()).where(ALERTS.c.state == "open")
    rows = tx.db.execute(query.group_by(ALERTS.c.workflow))
    return {workflow: count for workflow, count in rows if workflow is not None}


@operation(
    "GET /workflows/{workflow}",
    scope="workflows:read",
    gives="workflow:integer revision:integer state:string document:object words:array "
    "problems:array advice:array versions:array",
    stage="draft",
)
def get_workflow(
    desk: Desk, workflow: Number, version: Number | None = None, compare_to: Number | None = None
) -> Answer:
    """Read a workflow: its draft or newest version, or one `version`; document, words, problems.

    `compare_to`: also what differs from that version.
    """
    with desk.read() as tx:
        row = answers.workflow_row(tx, workflow)
        every = versions(tx, workflow)
        shown = _version(tx, workflow, version) if version else None
        document = dict(shown.document) if shown else current_document(tx, row)
        if shown is None and row.draft is None and every:
            shown = every[0]
        checked = examine(tx, document, desk.installation.unsafe, workflow)
        answer: Answer = {
            "workflow": row.id,
            "name": row.name,
            "revision": row.revision,
            "state": row.state,
            "active_version": row.active_version,
            "version": shown.version if shown else None,
            "document": document,
            **_told(desk, tx, checked, None),
            "versions": [_version_line(each) for each in every],
            "link": f"{desk.installation.settings.address}/workflows/{row.id}",
        }
        if compare_to is not None:
            old = _version(tx, workflow, compare_to).document
            answer["diff"] = _diff(tx, old, checked)
        return answer


def _diff(tx: Transaction, old: Document, new: Checked) -> list[Answer] | None:
    """What differs, in words; nothing can be said while the newer one is not well-formed."""
    before, _ = read(old)
    if before is None or new.parsed is None:
        return None
    binder = tx.binder(tx.schema.module(new.parsed.module))
    return [difference(each) for each in differences(before, new.parsed, binder)]


def difference(found: Difference) -> Answer:
    """One difference between two versions, in words."""
    told = {"sign": found.sign, "step": found.step, "title": found.title, "place": found.place}
    edits = [{"name": e.name, "before": e.before, "after": e.after} for e in found.edits]
    return {key: value for key, value in {**told, "edits": edits}.items() if value}


def _version(tx: Transaction, workflow: int, version: int) -> Row[Any]:
    try:
        return version_row(tx, workflow, version)
    except Invalid as invalid:
        raise Missing(*invalid.problems) from None


def _version_line(row: Row[Any]) -> Answer:
    line = {
        "version": row.version,
        "state": row.state,
        "by": row.submitted_by,
        "at": answers.iso(row.submitted_at),
        "note": row.note,
        "decided_by": row.decided_by,
        "decided_at": answers.iso(row.decided_at),
        "comment": row.comment,
    }
    return {key: value for key, value in line.items() if value not in (None, "")}


def _told(desk: Desk, tx: Transaction, checked: Checked, count: int | None) -> Answer:
    """What can be said about a document: its words, what is wrong, what is unwise."""
    parsed = checked.parsed
    if parsed is None:
        faults = answers.faults(checked.problems, checked.document)
        return {"words": [], "problems": faults, "advice": []}
    words = parsed.words(tx.binder(tx.schema.module(parsed.module)))
    lacks = desk.installation.lacks(tx.company)
    unwise = [] if checked.problems else list(advice(parsed, tx.schema, count, lacks))
    return {
        "words": words,
        "problems": answers.faults(checked.problems, checked.document),
        "advice": answers.faults(unwise, checked.document),
    }


# --- writing ---


@operation(
    "POST /workflows",
    scope="workflows:write",
    kind="write",
    gives=DRAFTED,
    body="document",
    stage="draft",
)
def draft_workflow(desk: Desk, document: Plain, workflow: Number | None = None) -> Answer:
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
    gives=DRAFTED,
    stage="draft",
)
def edit_workflow(desk: Desk, workflow: Number, revision: Number, edits: Several) -> Answer:
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


def _drafted(desk: Desk, workflow: int) -> Answer:
    """What there is to say about a draft that was just saved, and what to do next."""
    with desk.read() as tx:
        row = answers.workflow_row(tx, workflow)
        checked = examine(tx, row.draft or {}, desk.installation.unsafe, workflow)
        meant = _meant(tx, checked)
        return {
            "workflow": row.id,
            "revision": row.revision,
            "state": row.state,
            **_told(desk, tx, checked, meant.count if meant else None),
            "audience": _audience(meant),
            "next": _next(row, checked),
        }


def _meant(tx: Transaction, checked: Checked) -> Audience | None:
    if checked.problems or checked.parsed is None:
        return None
    return audience(tx, checked.parsed, limit=20)


def _audience(meant: Audience | None) -> Answer | None:
    if meant is None:
        return None
    numbers = [row["number"] for row in meant.records[:5]]
    counts = {"count": meant.count, "runs": meant.runs, "suppressed": len(meant.suppressed)}
    return {**counts, "first": numbers}


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


# --- towards approval ---


@operation(
    "POST /workflows/{workflow}/submit",
    scope="workflows:write",
    kind="write",
    gives="workflow:integer version:integer state:string link:string next:string",
    stage="decide",
)
def submit_workflow(desk: Desk, workflow: Number, revision: Number, note: str = "") -> Answer:
    """Ask people to approve the draft; gives the link for them. `note`: why."""
    document = _draft(desk, workflow)
    with desk.read() as tx:
        meant = _meant(tx, examine(tx, document, desk.installation.unsafe, workflow))
    with desk.begin() as tx:
        count = meant.count if meant else None
        row = submit(tx, workflow, revision, note[:2000], desk.by, desk.installation.unsafe, count)
        detail = {"version": row.version, "hash": row.hash}
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "submit workflow", named, detail, desk.who.token)
    return {
        "workflow": workflow,
        "version": row.version,
        "state": row.state,
        "link": _review(desk, row.id),
        "next": "Give the link to a person who may approve; no tool can. It runs once approved.",
    }


def _draft(desk: Desk, workflow: int) -> Document:
    with desk.read() as tx:
        return dict(answers.workflow_row(tx, workflow).draft or {})


def _review(desk: Desk, version: int) -> str:
    return f"{desk.installation.settings.address}/reviews/{version}"


@operation(
    "POST /workflows/{workflow}/toggle",
    scope="workflows:toggle",
    kind="switch",
    gives="workflow:integer state:string link?:string next:string",
    stage="decide",
)
def toggle_workflow(
    desk: Desk, workflow: Number, active: bool, running: Literal["hold", "finish", "stop"] = "hold"
) -> Answer:
    """Switch a workflow off at once (`running`: what becomes of its runs), or on again: only as a
    person approved it; else pending_approval and a link."""
    with desk.read() as tx:
        row = answers.workflow_row(tx, workflow)
    if row.state == "archived":
        raise refuse("workflow", f"“{row.name}” is archived.", "Draft a new workflow instead.")
    answer = _switched_on(desk, row) if active else _switched_off(desk, row, running)
    desk.installation.changed()
    return answer


def _switched_off(desk: Desk, row: Row[Any], running: Running) -> Answer:
    if row.state != "active":
        told = "It was not active; nothing had to be switched off."
        return {"workflow": row.id, "state": row.state, "next": told}
    with desk.installation.database.begin() as tx:
        switch_off(tx, row.id, running)
        detail = {"running": running}
        audit.record(tx, desk.who.name, "switch off", f"workflow/{row.id}", detail, desk.who.token)
    ends = {"hold": "held", "finish": "finishing", "stop": "stopped"}[running]
    told = f"It starts nothing any more; its runs are {ends}."
    return {"workflow": row.id, "state": "paused", "next": told}


def _switched_on(desk: Desk, row: Row[Any]) -> Answer:
    with desk.installation.database.begin() as tx:
        if switch_on(tx, desk.installation.library, row.id):
            if row.state != "active":
                named = f"workflow/{row.id}"
                audit.record(tx, desk.who.name, "switch on", named, None, desk.who.token)
            return {"workflow": row.id, "state": "active", "next": "It is on."}
        where = (VERSIONS.c.workflow == row.id, VERSIONS.c.state == "in_review")
        waiting = tx.db.scalar(select(VERSIONS.c.id).where(*where).order_by(VERSIONS.c.id.desc()))
    pending = {"workflow": row.id, "state": "pending_approval"}
    if waiting is not None:
        told = "Give the link to a person who may approve; it runs once approved."
        return {**pending, "link": _review(desk, waiting), "next": told}
    told = f"Submit it first: submit_workflow (workflow {row.id}, revision {row.revision})."
    return {
        **pending,
        "link": f"{desk.installation.settings.address}/workflows/{row.id}",
        "next": told,
    }


@operation(
    "POST /workflows/{workflow}/archive",
    scope="workflows:write",
    kind="switch",
    gives="workflow:integer state:string",
)
def archive_workflow(desk: Desk, workflow: Number) -> Answer:
    """Take a workflow away for good; its runs end, its history stays."""
    with desk.begin() as tx:
        answers.workflow_row(tx, workflow)
        archive(tx, workflow)
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "archive workflow", named, None, desk.who.token)
    desk.installation.changed()
    return {"workflow": workflow, "state": "archived"}
