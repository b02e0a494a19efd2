"""Move the times at which waiting runs go on, many at once: shown, then changed, and undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from engine.company.calendar import Calendar, Offset, parse_offset, shift
from engine.company.schedule_checks import time_problems
from engine.problems import BadValue, refuse
from engine.records.states import Phase, RunState
from engine.records.tables import ENTRIES, RUNS, SCHEDULE_MOVES
from engine.records.transaction import Transaction
from engine.runs import store
from engine.workflows.library import Library

MOST = 5000
Move = Callable[[datetime], datetime]


@dataclass(frozen=True)
class Pending:
    """A run that goes on at a set time: at which step it stands, and the time before and after."""

    run: int
    workflow: int
    name: str
    module: str
    record: int
    step: str
    does: str
    old: datetime
    new: datetime


def mover(at: str | None, to: str | None, by: str | None, calendar: Calendar) -> Move:
    """How a time moves: those at a time of day, or all, `to` another or `by` an offset.

    Raises `Invalid`.
    """
    for path, word in (("from", at), ("to", to)):
        for _, message, remedy in time_problems(word):
            raise refuse(path, message, remedy)
    offset = parse_offset(by) if by else None
    if (to is None) is (by is None):
        raise refuse("to", "say where the times move.", 'Give `to`, like "11:00", or `by`: "+2h".')
    if by and offset is None:
        raise refuse("by", f"`{by}` is no offset.", "Write +2h, -30min, +1d or +1wd.")
    return lambda moment: _moved(moment, to, offset, calendar)


def _moved(moment: datetime, to: str | None, offset: Offset | None, calendar: Calendar) -> datetime:
    if offset:
        return shift(moment, offset, calendar)
    local = moment.astimezone(calendar.timezone)
    return calendar.at(local.date(), time.fromisoformat(to or ""))


def pending(
    tx: Transaction,
    library: Library,
    move: Move,
    at: str | None = None,
    workflows: Sequence[int] | None = None,
    among: Sequence[ColumnElement[bool]] = (),
) -> list[Pending]:
    """What would move, the soonest first; of these workflows, or of all, `among` some of the runs.

    Runs that wait for something to come about, or try again after a failure, have no set time.
    """
    zone = tx.company.calendar.timezone
    found = []
    for row in tx.db.execute(_waiting(workflows).where(*among)):
        if row.phase == Phase.SLEEPING and row.move["move"] != "sleep":
            continue
        if at is not None and f"{row.due.astimezone(zone):%H:%M}" != at:
            continue
        try:
            new = move(row.due)
        except (OverflowError, BadValue):
            raise refuse("by", "that is outside the calendar.", "Move them less far.") from None
        if new != row.due:
            found.append(_pending(tx, library, row, max(new, tx.now)))
    if len(found) > MOST:
        told = f"these are {len(found):,} steps, and at most {MOST:,} are moved at once."
        raise refuse("workflows", told, "Choose some of the workflows, or one time of day.")
    return found


def _waiting(workflows: Sequence[int] | None) -> Any:
    """Runs that stand at a wait, or before a message that is held, until a set time."""
    held = (ENTRIES.c.phase == Phase.HELD) & (ENTRIES.c.cause == "time")
    query = (
        select(RUNS, ENTRIES.c.phase, ENTRIES.c.move)
        .join(ENTRIES, store.HERE)
        .where(
            RUNS.c.state == RunState.WAITING,
            RUNS.c.awaits.is_(None),
            RUNS.c.owner.is_(None),
            RUNS.c.due.is_not(None),
            (ENTRIES.c.phase == Phase.SLEEPING) | held,
        )
        .order_by(RUNS.c.due, RUNS.c.id)
    )
    return query.where(RUNS.c.workflow.in_(workflows)) if workflows is not None else query


def _pending(tx: Transaction, library: Library, row: Row[Any], new: datetime) -> Pending:
    live = library.version(tx, row.workflow, row.version)
    step, after = live.parsed.route[row.step]
    told = step if row.phase == Phase.HELD or after is None else live.parsed.route[after][0]
    module = tx.schema.modules.get(row.module)
    does = told.heading(tx.binder(module)) if module else told.id
    place = (row.module, row.record, row.step, does)
    return Pending(row.id, row.workflow, live.name, *place, row.due, new)


def apply(tx: Transaction, found: Sequence[Pending], said: str, by: str) -> tuple[int, int]:
    """Change these times, where they still are those that were found.

    Returns the number under which they can be restored, and how many were changed.
    """
    stands = _held(tx, [each.run for each in found])
    still = [each for each in found if stands.get((each.run, each.step)) == each.old]
    rows = []
    for each in still:
        store.move_time(tx, each.run, each.step, each.new, by)
        times = {"old": each.old.isoformat(), "new": each.new.isoformat()}
        rows.append({"run": each.run, "step": each.step, **times})
    values = {"at": tx.now, "by": by, "said": said, "rows": rows}
    id = tx.db.scalar(insert(SCHEDULE_MOVES).values(**values).returning(SCHEDULE_MOVES.c.id))
    assert id is not None
    return int(id), len(rows)


def undo(tx: Transaction, move: int, by: str) -> tuple[int, int]:
    """Restore the times before a move: how many, and how many had gone on or moved since.

    Raises `Invalid`.
    """
    mine = SCHEDULE_MOVES.c.id == move
    row = tx.db.execute(select(SCHEDULE_MOVES).where(mine).with_for_update()).first()
    if row is None:
        raise refuse("move", f"there is no move {move}.", "List the moves.")
    if row.undone_at is not None:
        raise refuse("move", f"move {move} was undone by {row.undone_by}.", "Move them anew.")
    stands = _held(tx, [each["run"] for each in row.rows])
    restored = 0
    for each in row.rows:
        old, new = (datetime.fromisoformat(each[key]) for key in ("old", "new"))
        if stands.get((each["run"], each["step"])) == new:
            store.move_time(tx, each["run"], each["step"], old, by)
            restored += 1
    tx.db.execute(update(SCHEDULE_MOVES).where(mine).values(undone_at=tx.now, undone_by=by))
    return restored, len(row.rows) - restored


def _held(tx: Transaction, runs: Sequence[int]) -> dict[tuple[int, str], datetime]:
    """Where runs wait, and until when; nobody carries them on until this transaction ends."""
    found = {}
    for start in range(0, len(runs), 500):
        query = select(RUNS.c.id, RUNS.c.step, RUNS.c.due).where(
            RUNS.c.id.in_(runs[start : start + 500]),
            RUNS.c.state == RunState.WAITING,
            RUNS.c.owner.is_(None),
        )
        for run, step, due in tx.db.execute(query.order_by(RUNS.c.id).with_for_update()):
            found[run, step] = due
    return found


def moves(tx: Transaction, limit: int = 20) -> list[Row[Any]]:
    """What was moved, the newest first."""
    query = select(SCHEDULE_MOVES).order_by(SCHEDULE_MOVES.c.id.desc()).limit(limit)
    return list(tx.db.execute(query).all())
