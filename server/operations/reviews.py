"""Reviews: what waits for a decision, all a person must see, and the decision. Pages only."""

from typing import Any

from sqlalchemy import Row, select

from engine.people import audit
from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.review import decisions
from engine.review.decisions import Baseline
from engine.runs.rehearsal import audience
from engine.workflows.advice import advice
from engine.workflows.diff import differences
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import examine, parsed_of
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.access.rights import Refused
from server.operations import answers
from server.operations.registry import Answer, missing
from server.operations.workflows import difference


def list_reviews(desk: Desk, state: str = "in_review") -> Answer:
    """Versions in this state, the newest first."""
    desk.need("workflows:read")
    with desk.read() as tx:
        query = (
            select(VERSIONS, WORKFLOWS.c.name, WORKFLOWS.c.module)
            .join(WORKFLOWS, WORKFLOWS.c.id == VERSIONS.c.workflow)
            .where(VERSIONS.c.state == state)
            .order_by(VERSIONS.c.id.desc())
            .limit(200)
        )
        rows = [row for row in tx.db.execute(query) if answers.shown(tx, row.module)]
        return {"reviews": [_line(row) for row in rows]}


def _line(row: Row[Any]) -> Answer:
    return {
        "review": row.id,
        "workflow": row.workflow,
        "version": row.version,
        "state": row.state,
        "name": row.name,
        "module": row.module,
        "authors": row.authors,
        "by_agent": row.by_agent,
        "note": row.note,
        "audience": row.audience,
        "submitted_by": row.submitted_by,
        "submitted_at": answers.iso(row.submitted_at),
        "decided_by": row.decided_by,
        "decided_at": answers.iso(row.decided_at),
        "comment": row.comment,
        "self_approved": row.self_approved,
    }


def get_review(desk: Desk, review: int) -> Answer:
    """A version as a person must see it to decide: its words, difference, audience and hash."""
    desk.need("workflows:read")
    with desk.read() as tx:
        row = _row(tx, review)
        parsed = parsed_of(row)
        checked = examine(tx, row.document, desk.installation.unsafe, row.workflow)
        binder = tx.binder(tx.schema.module(parsed.module))
        before = _approved(tx, row)
        meant = None if checked.problems else audience(tx, parsed, limit=10)
        unwise = advice(
            parsed, tx.schema, meant.count if meant else None, desk.installation.lacks(tx.company)
        )
        changed = differences(before, parsed, binder) if before else []
        return {
            **_line(row),
            "hash": row.hash,
            "unchanged": fingerprint(row.document, parsed, tx.schema) == row.hash,
            "document": row.document,
            "texts": row.texts or {},
            "words": parsed.words(binder),
            "problems": answers.problems(checked.problems),
            "advice": answers.problems(unwise),
            "first": before is None,
            "diff": [difference(each) for each in changed],
            "now": _meant(meant),
            **_may_decide(desk, tx, row),
        }


def _row(tx: Transaction, review: int) -> Row[Any]:
    query = (
        select(VERSIONS, WORKFLOWS.c.name, WORKFLOWS.c.module)
        .join(WORKFLOWS, WORKFLOWS.c.id == VERSIONS.c.workflow)
        .where(VERSIONS.c.id == review)
    )
    row = tx.db.execute(query).first()
    if row is None or not answers.shown(tx, row.module):
        raise missing("review", f"there is no review {review}.", "Open the list of reviews.")
    return row


def _approved(tx: Transaction, row: Row[Any]) -> Workflow | None:
    """The version that was approved last before this one."""
    earlier = (
        VERSIONS.c.workflow == row.workflow,
        VERSIONS.c.version < row.version,
        VERSIONS.c.decided_by.is_not(None),
        VERSIONS.c.state.in_(("approved", "superseded")),
    )
    query = select(VERSIONS).where(*earlier).order_by(VERSIONS.c.version.desc())
    found = tx.db.execute(query.limit(1)).first()
    return parsed_of(found) if found else None


def _meant(meant: Any) -> Answer | None:
    if meant is None:
        return None
    return {
        "count": meant.count,
        "runs": meant.runs,
        "records": meant.records,
        "suppressed": meant.suppressed,
    }


def _may_decide(desk: Desk, tx: Transaction, row: Row[Any]) -> Answer:
    """Whether this person may decide, and if not, why."""
    why = ""
    if row.state != "in_review":
        why = f"Version {row.version} is {row.state.replace('_', ' ')}; there is nothing to decide."
    elif not desk.may("reviews:decide"):
        why = "It takes the role approver to decide."
    elif desk.who.name in row.authors and tx.company.four_eyes:
        why = "You took part in writing this version; somebody else must approve it."
    return {"may_decide": not why, "why_not": why}


def approve(
    desk: Desk, review: int, hash: str, comment: str = "", baseline: Baseline | None = None
) -> Answer:
    """Put a version into force, if it still is what the person saw. For people only."""
    _person(desk)
    with desk.installation.database.begin() as tx:
        _row(tx, review)
        library = desk.installation.library
        row = decisions.approve(tx, library, review, hash, desk.by, comment.strip(), baseline)
        _note(desk, tx, "approve", row)
    desk.installation.changed()
    return {"review": review, "workflow": row.workflow, "version": row.version, "state": row.state}


def reject(desk: Desk, review: int, hash: str, comment: str) -> Answer:
    """Send a version back to its author, with a reason. For people only."""
    _person(desk)
    with desk.installation.database.begin() as tx:
        _row(tx, review)
        row = decisions.reject(tx, review, desk.by, comment)
        _note(desk, tx, "reject", row)
    desk.installation.changed()
    return {"review": review, "workflow": row.workflow, "version": row.version, "state": row.state}


def _person(desk: Desk) -> None:
    """Raises `Refused` for whoever acts through a token, and for people without the role."""
    if desk.who.agent or desk.who.scopes is not None:
        remedy = "A person does it, signed in to the web page."
        raise Refused("reviews:decide", "No token may decide a review.", remedy)
    desk.need("reviews:decide")


def _note(desk: Desk, tx: Transaction, verb: str, row: Row[Any]) -> None:
    detail = {
        "version": row.version,
        "hash": row.hash,
        "comment": row.comment,
        "self_approved": row.self_approved,
    }
    audit.record(tx, desk.who.name, verb, f"workflow/{row.workflow}", detail)
