"""How many scheduled workflows may be active at once."""

from collections.abc import Iterator

from sqlalchemy import func, select

from engine.problems import Problem
from engine.records.tables import SCHEDULES, WORKFLOWS
from engine.records.transaction import Transaction
from engine.workflows.workflow import Workflow


def active_schedules(tx: Transaction, besides: int | None = None) -> int:
    """The number of active workflows that a schedule starts."""
    active = (WORKFLOWS.c.id == SCHEDULES.c.workflow, WORKFLOWS.c.state == "active")
    others = SCHEDULES.c.workflow != (besides or 0)
    query = select(func.count()).select_from(SCHEDULES).where(*active, others)
    return tx.db.scalar(query) or 0


def over_limit(tx: Transaction, workflow: Workflow, id: int | None) -> Iterator[Problem]:
    """What keeps one more scheduled workflow from being active beside the others."""
    limit = tx.company.scheduled_limit
    if not workflow.trigger.repeats or (others := active_schedules(tx, id)) < limit:
        return
    are = "is 1 active scheduled workflow" if others == 1 else f"are {others} of them active"
    yield Problem(
        "trigger",
        f"the company's limit is {limit} scheduled workflows, and there {are}.",
        "Switch one of them off, or ask an admin to raise the limit (System, Calendar).",
    )
