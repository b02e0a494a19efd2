"""Workflows and their versions in the database: what is decided about them is written here only."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import insert, update

from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.transaction import Transaction

# What a page showed to the person who decided, as plain data.
Seen = Mapping[str, Any]

# --- workflows ---


def add_workflow(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Keep a new workflow. Returns its id."""
    id = tx.db.scalar(insert(WORKFLOWS).values(dict(values)).returning(WORKFLOWS.c.id))
    assert id is not None
    return int(id)


def keep_draft(tx: Transaction, workflow: int, values: Mapping[str, Any]) -> None:
    """Keep what its authors changed."""
    _change(tx, workflow, values)


def send_to_review(tx: Transaction, workflow: int) -> None:
    _change(tx, workflow, {"state": "in_review"})


def send_back(tx: Transaction, workflow: int) -> None:
    """It is a draft again, if it was in review: one that runs goes on running."""
    waiting = (WORKFLOWS.c.id == workflow, WORKFLOWS.c.state == "in_review")
    tx.db.execute(update(WORKFLOWS).where(*waiting).values(state="draft"))


def activate(tx: Transaction, workflow: int, version: int, values: Mapping[str, Any]) -> None:
    """A version runs from now on; the values are what else is new of its workflow."""
    now = {"state": "active", "active_version": version, "activated_at": tx.now}
    _change(tx, workflow, {**values, **now, "changed_at": tx.now})


def switch_on(tx: Transaction, workflow: int) -> None:
    """What it runs for is what changes from now on."""
    _change(tx, workflow, {"state": "active", "activated_at": tx.now, "changed_at": tx.now})


def switch_off(tx: Transaction, workflow: int) -> None:
    _change(tx, workflow, {"state": "paused", "changed_at": tx.now})


def archive(tx: Transaction, workflow: int) -> None:
    _change(tx, workflow, {"state": "archived", "changed_at": tx.now})


def _change(tx: Transaction, workflow: int, values: Mapping[str, Any]) -> None:
    mine = WORKFLOWS.c.id == workflow
    tx.db.execute(update(WORKFLOWS).where(mine).values(dict(values)))


# --- versions ---


def add_version(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Keep a version that waits for review. Returns its id."""
    new = {**values, "state": "in_review", "submitted_at": tx.now}
    id = tx.db.scalar(insert(VERSIONS).values(new).returning(VERSIONS.c.id))
    assert id is not None
    return int(id)


def withdraw(tx: Transaction, versions: Collection[int]) -> None:
    """Versions that waited for review wait no longer: their author wrote something else."""
    overtaken = {"state": "superseded", "decided_at": tx.now, "comment": "Changed by its author."}
    tx.db.execute(update(VERSIONS).where(VERSIONS.c.id.in_(versions)).values(overtaken))


def supersede(tx: Transaction, workflow: int) -> None:
    """The version that was in force is no more."""
    mine = (VERSIONS.c.workflow == workflow, VERSIONS.c.state == "approved")
    tx.db.execute(update(VERSIONS).where(*mine).values(state="superseded"))


def approve(
    tx: Transaction, version: int, by: str, comment: str, seen: Seen | None, *, own: bool
) -> None:
    """A person approved what was `seen`; `own`: one of its authors."""
    _decide(tx, version, "approved", by, comment, seen=seen, self_approved=own)


def reject(tx: Transaction, version: int, by: str, comment: str, seen: Seen | None) -> None:
    """A person rejected what was `seen`."""
    _decide(tx, version, "rejected", by, comment, seen=seen)


def _decide(tx: Transaction, version: int, state: str, by: str, comment: str, **more: Any) -> None:
    decided = {"state": state, "decided_by": by, "decided_at": tx.now, "comment": comment}
    tx.db.execute(update(VERSIONS).where(VERSIONS.c.id == version).values(**decided, **more))
