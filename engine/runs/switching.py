"""Switching a workflow off: it starts nothing any more, and its runs are held, go on or end."""

from typing import Literal

from engine.problems import refuse
from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from engine.runs import store
from engine.runs.alarms import close_mended
from engine.runs.schedules.next_due import rest
from engine.workflows import store as workflow_store
from engine.workflows.library import row_of

Running = Literal["hold", "finish", "stop"]


def switch_off(tx: Transaction, workflow: int, running: Running = "hold", by: str = "") -> None:
    """Stop a workflow at once; its runs are held, may finish, or end. `by` nobody: by itself."""
    row = row_of(tx, workflow)
    if row.state != "active":
        raise refuse(
            "workflow",
            f"“{row.name}” is {row.state.replace('_', ' ')}, not active.",
            "Nothing to switch off.",
        )
    workflow_store.switch_off(tx, workflow)
    mine = RUNS.c.workflow == workflow
    if running == "hold":
        store.hold(tx, by, mine)
    elif running == "stop":
        store.stop(tx, by, mine)
    close_mended(tx, {workflow})
    rest(tx, workflow)
    tx.touch("workflows")
