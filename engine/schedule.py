"""Which scheduled workflows are due, and what they start: each occasion once, also when late."""

import logging
from collections import deque
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from engine.alerts import raise_alert
from engine.enrol import enrol_matching
from engine.library import Library, Live
from engine.match import stale
from engine.tables import SCHEDULES
from engine.transaction import Transaction
from engine.triggers.schedule import Schedule

GRACE = timedelta(hours=6)
log = logging.getLogger("sayso.schedule")


def plan_next(tx: Transaction, live: Live, after: datetime) -> datetime | None:
    """Note when a workflow is due next; nothing for one that the clock does not start."""
    trigger = live.parsed.trigger
    if not isinstance(trigger, Schedule):
        forget(tx, live.workflow)
        return None
    due = trigger.next_after(after, tx.company.calendar)
    tx.upsert(
        SCHEDULES,
        ["workflow"],
        {"workflow": live.workflow, "next_at": due, "last_at": None},
        {"next_at": due},
    )
    return due


def forget(tx: Transaction, workflow: int) -> None:
    tx.db.execute(delete(SCHEDULES).where(SCHEDULES.c.workflow == workflow))


def fire_due(tx: Transaction, library: Library) -> int:
    """Start what is due now. Returns the number of schedules that were due."""
    query = (
        select(SCHEDULES)
        .where(SCHEDULES.c.next_at <= tx.now)
        .order_by(SCHEDULES.c.next_at)
        .limit(20)
    )
    rows = tx.db.execute(query.with_for_update(skip_locked=True)).all()
    if not rows:
        return 0
    lives = library.live(tx)
    for row in rows:
        live = lives.get(row.workflow)
        if live is None:
            forget(tx, row.workflow)
            continue
        newest = newest_occasion(tx, live, row.next_at)
        if newest != row.next_at:
            tell_missed(tx, live, row.next_at)
        fire_apart(tx, live, newest)
        plan_next(tx, live, tx.now)
        mine = SCHEDULES.c.workflow == live.workflow
        tx.db.execute(update(SCHEDULES).where(mine).values(last_at=newest))
    return len(rows)


def fire_apart(tx: Transaction, live: Live, occasion: datetime) -> None:
    """As `fire`; one that cannot be asked is told of, and holds up no other."""
    try:
        with tx.db.begin_nested():
            fire(tx, live, occasion)
    except OperationalError:
        raise
    except Exception as error:
        log.exception("the schedule of workflow %s could not be asked", live.workflow)
        told = f"“{live.name}” could not look for its records: {error}"
        remedy = "Correct the workflow and submit it for review again."
        raise_alert(tx, "failed", f"unasked/{live.workflow}", told, remedy, live.workflow)


def newest_occasion(tx: Transaction, live: Live, first: datetime) -> datetime:
    """The last occasion since `first` fell due: after a long stop, only that one counts."""
    trigger = live.parsed.trigger
    if not isinstance(trigger, Schedule):
        return first
    return next(iter(deque(trigger.occasions(first, tx.now, tx.company.calendar), 1)), first)


def fire(tx: Transaction, live: Live, occasion: datetime) -> int:
    """Start runs for all records that match at this occasion. Returns their number."""
    if tx.now - occasion > GRACE:
        tell_missed(tx, live, occasion)
        return 0
    if stale(tx, live):
        return 0
    local = occasion.astimezone(tx.company.calendar.timezone)
    return enrol_matching(tx, live, f"{local:%Y-%m-%dT%H:%M}", occasion)


def tell_missed(tx: Transaction, live: Live, occasion: datetime) -> None:
    local = occasion.astimezone(tx.company.calendar.timezone)
    cause = f"“{live.name}” was due at {local:%Y-%m-%d %H:%M}, but nothing was running then."
    remedy = "Run it by hand if it still matters."
    raise_alert(tx, "missed", f"missed/{live.workflow}", cause, remedy, live.workflow)


def next_due(tx: Transaction) -> datetime | None:
    """When a schedule is due next."""
    return tx.db.scalar(
        select(SCHEDULES.c.next_at)
        .where(SCHEDULES.c.next_at.is_not(None))
        .order_by(SCHEDULES.c.next_at)
        .limit(1)
    )
