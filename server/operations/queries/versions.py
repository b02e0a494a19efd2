"""Versions of workflows: those that wait for a decision, and those that were decided."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.workflows.library import current_document, parsed_of, versions
from engine.workflows.workflow import Workflow
from server.access.rights import kept_back, kept_from
from server.operations.queries import Stored
from server.operations.registry import missing

# A version with the name and the module of its workflow, and which version of it is live.
WHOLE = select(VERSIONS, WORKFLOWS.c.name, WORKFLOWS.c.module, WORKFLOWS.c.active_version).join(
    WORKFLOWS, WORKFLOWS.c.id == VERSIONS.c.workflow
)


def in_states(tx: Transaction, *states: str, limit: int = 50) -> Sequence[Stored]:
    """Versions of workflows that are not archived, those first that were decided or sent last."""
    moment = func.coalesce(VERSIONS.c.decided_at, VERSIONS.c.submitted_at)
    query = WHOLE.where(*_meant(tx, states)).order_by(moment.desc(), VERSIONS.c.id.desc())
    return tx.db.execute(query.limit(limit)).all()


def count(tx: Transaction, *states: str) -> int:
    query = WHOLE.where(*_meant(tx, states)).with_only_columns(func.count())
    return tx.db.scalar(query) or 0


def _meant(tx: Transaction, states: Collection[str]) -> Iterator[ColumnElement[bool]]:
    yield VERSIONS.c.state.in_(states)
    yield WORKFLOWS.c.state != "archived"
    yield WORKFLOWS.c.module.not_in(kept_from(tx.schema))


def of_review(tx: Transaction, review: int) -> Stored:
    """The version behind a review's address. Raises `Missing`."""
    row = tx.db.execute(WHOLE.where(VERSIONS.c.id == review)).first()
    if row is None or kept_back(tx.schema, row.module):
        raise missing("review", f"there is no review {review}.", "Open the list of reviews.")
    return row


def of_workflow(tx: Transaction, workflow: int) -> Sequence[Stored]:
    """All versions of a workflow, the newest first."""
    return versions(tx, workflow)


def one(tx: Transaction, workflow: int, version: int) -> Stored:
    """One version of a workflow. Raises `Missing`."""
    found = [row for row in versions(tx, workflow) if row.version == version]
    if not found:
        raise missing("version", f"there is no version {version}.", "Choose one of its versions.")
    return found[0]


def newest_document(tx: Transaction, workflow: Stored) -> Mapping[str, Any]:
    """The draft of a workflow, or without one its newest version."""
    return current_document(tx, workflow)


def waiting(tx: Transaction) -> set[int]:
    """The workflows of which a version waits for a decision."""
    return set(tx.db.scalars(select(VERSIONS.c.workflow).where(VERSIONS.c.state == "in_review")))


def documents(tx: Transaction, workflows: Iterable[int]) -> dict[tuple[int, int], dict[str, Any]]:
    """The documents of all versions of these workflows, by workflow and version."""
    columns = (VERSIONS.c.workflow, VERSIONS.c.version, VERSIONS.c.document)
    query = select(*columns).where(VERSIONS.c.workflow.in_(list(workflows)))
    return {(row.workflow, row.version): row.document for row in tx.db.execute(query)}


def parsed(tx: Transaction, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Workflow]:
    """Versions by workflow and version, as they run."""
    wanted = set(keys)
    mine = VERSIONS.c.workflow.in_({workflow for workflow, _ in wanted})
    rows = {(row.workflow, row.version): row for row in tx.db.execute(select(VERSIONS).where(mine))}
    return {key: parsed_of(rows[key]) for key in wanted & rows.keys()}
