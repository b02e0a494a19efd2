"""Start what schedules ask for: each occasion once, also when late."""

import logging
from collections import deque
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from engine.blocks.triggers.schedule import Schedule
from engine.phrases import say_count
from engine.records.alerts import raise_alert, settle_cause
from engine.records.tables import SCHEDULES
from engine.records.transaction import Transaction
from engine.runs.enrol import enrol_matching
from engine.runs.match import stale
from engine.runs.schedules.next_due import forget, note_missed, note_ran, plan_next
from engine.runs.switching import switch_off
from engine.workflows.library import Library, Live

GRACE = timedelta(hours=6)
PROMPT = timedelta(minutes=10)  # what is due at the last minute of a window may start this late
log = logging.getLogger("sayso.schedule")


def words() -> str:
    """What comes of times that were missed."""
    return say_count(
        "What its schedule misses is made up for within {count} hour, the newest time alone; what "
        "is older is told and lost.",
        "What its schedule misses is made up for within {count} hours, the newest time alone; what "
        "is older is told and lost.",
        GRACE // timedelta(hours=1),
    )


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
        if live := lives.get(row.workflow):
            _fire_newest(tx, live, row.next_at)
        else:
            forget(tx, row.workflow)
    return len(rows)


def _fire_newest(tx: Transaction, live: Live, first: datetime) -> None:
    """Start it once for all occasions since it fell due; one that has no other is switched off."""
    newest = newest_occasion(tx, live, first)
    if newest != first:
        tell_missed(tx, live, first)
    if _lost(tx, live, newest):
        tell_missed(tx, live, newest)
    elif fire_apart(tx, live, newest):
        note_ran(tx, live.workflow, newest)
    due = plan_next(tx, live, tx.now)
    trigger = live.parsed.trigger
    if due is None and isinstance(trigger, Schedule) and trigger.every == "once":
        switch_off(tx, live.workflow, "finish")


def fire_apart(tx: Transaction, live: Live, occasion: datetime) -> bool:
    """As `fire`; one that cannot be asked is told of, and holds up no other."""
    try:
        with tx.db.begin_nested():
            ran = fire(tx, live, occasion)
    except OperationalError:
        raise
    except Exception as error:
        log.exception(
            "the schedule of workflow %s could not be asked",
            live.workflow,
            extra={"workflow": live.workflow},
        )
        told = f"“{live.name}” could not look for its records: {error}"
        remedy = "Correct the workflow and submit it for review again."
        raise_alert(tx, "failed", f"unasked/{live.workflow}", told, remedy, live.workflow)
        return False
    settle_cause(tx, f"unasked/{live.workflow}", "it looked for its records again")
    return ran


def newest_occasion(tx: Transaction, live: Live, first: datetime) -> datetime:
    """The last occasion since `first` fell due: after a long stop, only that one counts."""
    trigger, window = live.parsed.trigger, live.parsed.window
    if not isinstance(trigger, Schedule):
        return first
    calendar = tx.company.calendar
    occasions = trigger.occasions(first, tx.now, calendar)
    inside = (at for at in occasions if window is None or window.holds(at, calendar))
    return next(iter(deque(inside, 1)), first)


def fire(tx: Transaction, live: Live, occasion: datetime) -> bool:
    """Start runs for all records that match at this occasion. False if it may not any more."""
    if stale(tx, live):
        return False
    enrol_matching(tx, live, mark(occasion, tx), occasion)
    return True


def mark(occasion: datetime, tx: Transaction) -> str:
    """The name of an occasion: what the company's clock shows, which it may show twice."""
    local = occasion.astimezone(tx.company.calendar.timezone)
    return f"{local:%Y-%m-%dT%H:%M}{' again' if local.fold else ''}"


def _lost(tx: Transaction, live: Live, occasion: datetime) -> bool:
    """Whether it is too late to make up for an occasion."""
    return tx.now - occasion > GRACE or _closed(tx, live, occasion)


def _closed(tx: Transaction, live: Live, occasion: datetime) -> bool:
    """Whether it is so late that the window of the workflow has closed meanwhile."""
    window = live.parsed.window
    late = tx.now - occasion > PROMPT
    return window is not None and late and not window.holds(tx.now, tx.company.calendar)


def tell_missed(tx: Transaction, live: Live, occasion: datetime) -> None:
    """Tell people of an occasion that is lost; one that a next look makes up for is none."""
    trigger = live.parsed.trigger
    if isinstance(trigger, Schedule) and trigger.polls:
        return
    note_missed(tx, live.workflow, occasion)
    local = occasion.astimezone(tx.company.calendar.timezone)
    cause = f"“{live.name}” was due at {local:%Y-%m-%d %H:%M}, but nothing was running then."
    remedy = "Run it by hand if it still matters."
    raise_alert(tx, "missed", f"missed/{live.workflow}", cause, remedy, live.workflow)
