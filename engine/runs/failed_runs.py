"""Runs that failed: a person tries them again, or closes them and nothing more is done."""

from typing import Any

from sqlalchemy import Row, select

from engine.blocks.triggers.schedule import Schedule
from engine.problems import refuse
from engine.records.states import RunState
from engine.records.tables import RUNS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.runs import store
from engine.runs.alarms import close_mended
from engine.runs.histories import beside
from engine.workflows.history import When
from engine.workflows.library import Library, Live

# Runs with how their workflow stands, as `switched`.
WITH_SWITCH = select(RUNS, WORKFLOWS.c.state.label("switched")).join(
    WORKFLOWS, WORKFLOWS.c.id == RUNS.c.workflow
)


def try_again(tx: Transaction, library: Library, run: int, by: str) -> None:
    """Go on with a run that failed, at the step at which it did. Raises `Invalid`."""
    row = _failed(tx, run)
    if row.step is None:
        raise refuse("run", f"run R-{run} has not failed at a step.", "Open it to see its state.")
    live = library.version(tx, row.workflow, row.version)
    if not switched_on(row, live):
        raise refuse("run", "its workflow is switched off.", "Switch it on first.")
    if why := kept_back(tx, live, row):
        message = f"run R-{run} is not tried again: {why}."
        raise refuse("run", message, "Close it: then nothing more is sent.")
    store.reopen(tx, run, row.step, by, "")


def close(tx: Transaction, run: int, by: str) -> None:
    """Leave a run that failed as it is: nothing of it is done any more. Raises `Invalid`."""
    row = _failed(tx, run)
    store.close(tx, run, by, f"closed by {by}: {row.reason}")
    close_mended(tx, {row.workflow})


def _failed(tx: Transaction, run: int) -> Row[Any]:
    row = tx.db.execute(WITH_SWITCH.where(RUNS.c.id == run).with_for_update()).first()
    if row is None or row.state != RunState.FAILED:
        raise refuse("run", f"run R-{run} has not failed.", "Open it to see its state.")
    return row


def switched_on(row: Row[Any], live: Live) -> bool:
    """Whether its workflow is on; one for a single day is off as soon as that day has come."""
    trigger = live.parsed.trigger
    done = isinstance(trigger, Schedule) and trigger.every == "once"
    return row.switched == "active" or (done and row.switched == "paused")


def kept_back(tx: Transaction, live: Live, row: Row[Any]) -> str | None:
    """Why the recurrence does not let it be tried again: another run has done it since, or does."""
    when = When(tx.now, tx.company.calendar)
    past, repeats = beside(tx, live, row), live.parsed.trigger.repeats
    return live.parsed.recurrence.keeps(past, when, repeats=repeats)
