"""Which runs an alert is about: it closes when none of them is left."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select

from engine.records.alerts import listed, settle_cause
from engine.records.states import Result, RunState
from engine.records.tables import ENTRIES, RUNS
from engine.records.transaction import Transaction
from engine.runs.store import CROWDED, HERE, IN_HAND

MENDED = "none of its runs needs a look any more"
LONGEST = 80  # how much of a reason tells one cause from another


def failed(workflow: int, reason: str) -> str:
    """The key of the alert about runs of a workflow that failed for this reason."""
    return f"failed/{workflow}/{reason[:LONGEST]}"


def concerned(alert: Row[Any]) -> ColumnElement[bool] | None:
    """The runs that an alert is about, as they stand now; None for one that is about no runs."""
    word, _, rest = str(alert.key).partition("/")
    match word:
        case "failed":
            reason = func.substr(RUNS.c.reason, 1, LONGEST) == rest.partition("/")[2]
            return and_(RUNS.c.workflow == alert.workflow, RUNS.c.state == RunState.FAILED, reason)
        case "unknown":
            return and_(RUNS.c.id == int(rest), stands_at(ENTRIES.c.outcome == Result.UNKNOWN))
        case "held":
            return and_(RUNS.c.workflow == alert.workflow, IN_HAND, stands_at(CROWDED))
        case "sender":
            return and_(IN_HAND, stands_at(ENTRIES.c.cause == "sender"))
        case "queue":
            return and_(IN_HAND, stands_at(ENTRIES.c.cause == "retry"))
    return None


def stands_at(at: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a run stands at such an entry."""
    here = select(ENTRIES.c.run).where(HERE, at)
    return here.correlate_except(ENTRIES).exists()


def close_mended(tx: Transaction, workflows: Collection[int]) -> None:
    """Close the alerts about runs of these workflows, or of all, that have none left."""
    for alert in listed(tx):
        if alert.workflow is not None and alert.workflow not in workflows:
            continue
        runs = concerned(alert)
        if runs is not None and not tx.count(RUNS, runs):
            settle_cause(tx, alert.key, MENDED)
