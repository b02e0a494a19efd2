"""When each scheduled workflow is due next."""

from datetime import datetime

from sqlalchemy import delete, select, update

from engine.blocks.triggers.schedule import Schedule
from engine.company.windows import next_inside
from engine.records.tables import SCHEDULES
from engine.records.transaction import Transaction
from engine.workflows.library import Library, Live


def plan_next(tx: Transaction, live: Live, after: datetime) -> datetime | None:
    """Note when a workflow is due next; nothing for one that the clock does not start."""
    trigger = live.parsed.trigger
    if not isinstance(trigger, Schedule):
        forget(tx, live.workflow)
        return None
    due = next_inside(trigger, live.parsed.window, after, tx.company.calendar)
    tx.upsert(
        SCHEDULES,
        ["workflow"],
        {"workflow": live.workflow, "next_at": due, "last_at": None},
        {"next_at": due},
    )
    return due


def replan(tx: Transaction, library: Library) -> int:
    """Plan anew what is not due yet, for a company whose clock or calendar is another now."""
    lives = library.live(tx)
    coming = SCHEDULES.c.next_at.is_(None) | (SCHEDULES.c.next_at > tx.now)
    rows = tx.db.scalars(select(SCHEDULES.c.workflow).where(coming)).all()
    return len([plan_next(tx, lives[id], tx.now) for id in rows if id in lives])


def note_ran(tx: Transaction, workflow: int, occasion: datetime) -> None:
    """Keep for which occasion a workflow ran last."""
    mine = SCHEDULES.c.workflow == workflow
    tx.db.execute(update(SCHEDULES).where(mine).values(last_at=occasion))


def note_missed(tx: Transaction, workflow: int, occasion: datetime) -> None:
    """Keep which occasion of a workflow was missed last."""
    mine = SCHEDULES.c.workflow == workflow
    tx.db.execute(update(SCHEDULES).where(mine).values(missed_at=occasion))


def rest(tx: Transaction, workflow: int) -> None:
    """It is not due again until it is planned again."""
    mine = SCHEDULES.c.workflow == workflow
    tx.db.execute(update(SCHEDULES).where(mine).values(next_at=None))


def forget(tx: Transaction, workflow: int) -> None:
    tx.db.execute(delete(SCHEDULES).where(SCHEDULES.c.workflow == workflow))


def next_due(tx: Transaction) -> datetime | None:
    """When a schedule is due next."""
    return tx.db.scalar(
        select(SCHEDULES.c.next_at)
        .where(SCHEDULES.c.next_at.is_not(None))
        .order_by(SCHEDULES.c.next_at)
        .limit(1)
    )
