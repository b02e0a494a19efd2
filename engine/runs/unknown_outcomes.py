"""Runs that wait because nobody knows whether their mail arrived, until a person says so."""

from typing import Any

from sqlalchemy import Row, select

from engine.problems import refuse
from engine.records.alerts import settle_cause
from engine.records.states import Result, RunState
from engine.records.tables import ENTRIES, RUNS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.runs import store
from engine.schema.own_modules import EMAILS
from engine.workflows.library import Library, row_of


def decide(tx: Transaction, library: Library, run: int, arrived: bool, by: str) -> None:
    """Go on as if it was sent, or send it once more. Raises `Invalid`."""
    row = tx.db.execute(select(RUNS).where(RUNS.c.id == run).with_for_update()).first()
    entry = _doubtful(tx, row) if row is not None else None
    if row is None or entry is None:
        message = f"run R-{run} does not wait for anybody to say what happened."
        raise refuse("run", message, "Open it to see how it stands.")
    live = library.version(tx, row.workflow, row.version)
    if arrived:
        said = f"{entry.said}; {by} says that it arrived"
        store.confirm(tx, run, row.step, by, said, live.parsed.route[row.step][1])
    else:
        said = f"{entry.said}; {by} says that it did not arrive, so it is sent again"
        store.repeat(tx, run, row.step, by, said)
    if row_of(tx, row.workflow).state == "paused":
        store.hold(tx, by, RUNS.c.id == run)
    settle_cause(tx, f"unknown/{run}")
    _mark_copy(tx, row, arrived, by)


def _doubtful(tx: Transaction, row: Row[Any]) -> Row[Any] | None:
    """The entry whose outcome is not known, where the run waits for just that."""
    if row.state != RunState.PAUSED or row.step is None:
        return None
    mine = (
        ENTRIES.c.run == row.id,
        ENTRIES.c.step == row.step,
        ENTRIES.c.outcome == Result.UNKNOWN,
    )
    return tx.db.execute(select(ENTRIES).where(*mine)).first()


def _mark_copy(tx: Transaction, row: Row[Any], arrived: bool, by: str) -> None:
    """Its copy in the mailbox says so too."""
    emails = tx.schema.tables[EMAILS]
    mine = (emails.c.run == row.id, emails.c.step == row.step, emails.c.status == "unknown")
    for id in tx.db.scalars(select(emails.c.id).where(*mine)).all():
        status = "sent" if arrived else "failed"
        Records(tx, Author(by), starts=False).update(EMAILS, id, {"status": status})
