"""The planner: what is scheduled, when it ran and runs next, and whether the scheduler is alive."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NotRequired

from sqlalchemy import Row, func, select
from typing_extensions import TypedDict

from engine.blocks.triggers.schedule import Schedule
from engine.people import audit
from engine.problems import Invalid, Problem, refuse
from engine.queue import TICK
from engine.records.tables import HEARTBEATS, SCHEDULES, WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.visibility import seen_runs
from engine.runs.schedules.rescheduling import Pending, apply, mover, moves, pending, undo
from engine.workflows.library import Live, current_document, examine
from engine.workflows.schedule_limit import active_schedules
from server.access.desk import Desk
from server.operations import answers
from server.operations.drafts import Draft, draft_workflow
from server.operations.queries import Stored
from server.operations.registry import Number, Plain, operation

SILENCE = timedelta(seconds=3 * TICK)


class ScheduleLine(TypedDict):
    """A scheduled workflow; `status` is on, off, or of one for a single day completed or missed."""

    workflow: int
    name: str
    module: str
    frequency: str
    status: str
    last_at: str | None
    missed_at: str | None
    next_at: str | None


class Schedules(TypedDict):
    """The scheduled workflows, how many are on, and how many may be."""

    schedules: list[ScheduleLine]
    active: int
    limit: int


class Scheduler(TypedDict):
    """Whether what looks at the clock is alive and, if not, why; and when something is due."""

    ok: bool
    status: str
    last_tick: str | None
    interval_seconds: int
    next_at: str | None
    why: NotRequired[str]


class SchedulerAndLimit(Scheduler):
    """The same, with how many schedules are on and how many may be."""

    active: int
    limit: int


class MovedStep(TypedDict):
    """A run that waits: at which step until when, and until when after the move."""

    run: int
    workflow: int
    name: str
    record: str
    step: str
    does: str
    old: str
    new: str


class Moving(TypedDict):
    """What is moved or would be; `move` is what undo_move takes."""

    count: int
    steps: list[MovedStep]
    moved: bool
    move: NotRequired[int]


class Move(TypedDict):
    """A move that was made, and whether it was undone."""

    move: int
    said: str
    steps: int
    at: str
    by: str
    undone_at: str | None
    undone_by: str | None


class Moves(TypedDict):
    """The moves that were made."""

    moves: list[Move]


class UndoneMove(TypedDict):
    """How many steps have their old time again, and how many had gone on."""

    restored: int
    left: int


@operation(
    "GET /schedules",
    scope="workflows:read",
)
def list_schedules(desk: Desk) -> Schedules:
    """List the scheduled workflows: how often, whether on, when each ran last and runs next."""
    with desk.read() as tx:
        rows = [_line(tx, row, live) for row, live in scheduled(desk, tx)]
        return {
            "schedules": rows,
            "active": how_many_on(tx),
            "limit": tx.company.scheduled_limit,
        }


def how_many_on(tx: Transaction) -> int:
    """How many scheduled workflows are on."""
    return active_schedules(tx)


def moved(tx: Transaction) -> Sequence[Stored]:
    """What was moved, the newest first."""
    return moves(tx)


def scheduled(desk: Desk, tx: Transaction) -> list[tuple[Row[Any], Live]]:
    """Each workflow that a schedule starts, on or off, with its version; the next due first."""
    query = (
        select(WORKFLOWS, SCHEDULES.c.next_at, SCHEDULES.c.last_at, SCHEDULES.c.missed_at)
        .join(SCHEDULES, SCHEDULES.c.workflow == WORKFLOWS.c.id)
        .where(WORKFLOWS.c.state.in_(("active", "paused")), WORKFLOWS.c.active_version.is_not(None))
        .order_by(SCHEDULES.c.next_at.is_(None), SCHEDULES.c.next_at, WORKFLOWS.c.id)
    )
    rows = [row for row in tx.db.execute(query) if answers.shown(tx, row.module)]
    library = desk.installation.library
    found = [(row, library.version(tx, row.id, row.active_version)) for row in rows]
    return [(row, live) for row, live in found if isinstance(live.parsed.trigger, Schedule)]


def frequency(tx: Transaction, live: Live) -> str:
    """How often it looks, in words, and in which hours."""
    trigger, window = live.parsed.trigger, live.parsed.window
    assert isinstance(trigger, Schedule)
    said = trigger.words(tx.company.calendar)
    return f"{said}, {window.words()}" if window else said


def standing(tx: Transaction, row: Row[Any], live: Live) -> str:
    """How it stands: on, off, or over for good: completed, or missed."""
    trigger = live.parsed.trigger
    over = isinstance(trigger, Schedule) and trigger.past(tx.now, tx.company.calendar)
    if over and row.next_at is None:
        return "missed" if row.last_at is None or missed(row) else "completed"
    return "on" if row.state == "active" else "off"


def missed(row: Row[Any]) -> datetime | None:
    """The occasion that was missed since it last ran, if one was."""
    at: datetime | None = row.missed_at
    return at if at and (row.last_at is None or at > row.last_at) else None


def _line(tx: Transaction, row: Row[Any], live: Live) -> ScheduleLine:
    return {
        "workflow": row.id,
        "name": row.name,
        "module": row.module,
        "frequency": frequency(tx, live),
        "status": standing(tx, row, live),
        "last_at": answers.iso(row.last_at),
        "missed_at": answers.iso(missed(row)),
        "next_at": answers.iso(row.next_at),
    }


@operation("GET /scheduler", scope="runs:read")
def get_scheduler(desk: Desk) -> SchedulerAndLimit:
    """Tell whether the scheduler is alive: when it last looked at the clock, and what is due."""
    with desk.read() as tx:
        return {
            **scheduler(tx),
            "active": how_many_on(tx),
            "limit": tx.company.scheduled_limit,
        }


def last_sign_of_life(tx: Transaction) -> datetime | None:
    """When a worker last looked at the clock."""
    return tx.db.scalar(select(HEARTBEATS.c.at).where(HEARTBEATS.c.name == "worker"))


def next_due(tx: Transaction, workflow: int | None = None) -> datetime | None:
    """When a schedule comes due next, or that of one workflow."""
    mine = [SCHEDULES.c.workflow == workflow] if workflow is not None else []
    due: datetime | None = tx.db.scalar(select(func.min(SCHEDULES.c.next_at)).where(*mine))
    return due


def scheduler(tx: Transaction) -> Scheduler:
    """How the engine of all schedules is: down, if three of its intervals went by in silence."""
    seen, due = last_sign_of_life(tx), next_due(tx)
    told: Scheduler = {
        "ok": True,
        "status": "up",
        "last_tick": answers.iso(seen),
        "interval_seconds": int(TICK),
        "next_at": answers.iso(due),
    }
    if why := _down(tx, seen, due):
        return {**told, "ok": False, "status": "scheduler down", "why": why}
    return told


def _down(tx: Transaction, seen: Any, due: Any) -> str:
    zone, remedy = tx.company.calendar.timezone, "start `sayso worker`"
    if seen is None:
        return f"scheduler down: no worker has given a sign of life yet; {remedy}"
    if tx.now - seen > SILENCE:
        last = f"{seen.astimezone(zone):%Y-%m-%d %H:%M}"
        ago = f"more than 3 intervals of {TICK:.0f} seconds ago"
        return f"scheduler down: its last tick was at {last}, {ago}; {remedy}"
    if due is not None and tx.now - due > SILENCE:
        since = f"{due.astimezone(zone):%Y-%m-%d %H:%M}"
        return f"scheduler down: what was due at {since} has not been started; look at the log"
    return ""


@operation(
    "PUT /schedules/{workflow}",
    scope="workflows:write",
    kind="write",
    body="trigger",
)
def change_schedule(desk: Desk, workflow: Number, trigger: Plain) -> Draft:
    """Draft another schedule for a workflow; what is live goes on until a person approves it.

    `trigger`: like {"every": "week", "weekdays": ["mon"], "at": "09:00"}."""
    with desk.read() as tx:
        document = with_schedule(tx, workflow, trigger)
    return draft_workflow(desk, document, workflow)


def refuse_unsound(desk: Desk, tx: Transaction, workflow: int, trigger: Mapping[str, Any]) -> None:
    """Raises `Invalid` with all that would be wrong with the workflow under this schedule."""
    document = with_schedule(tx, workflow, trigger)
    if problems := examine(tx, document, desk.installation.unsafe, workflow).problems:
        raise Invalid(*problems)


def with_schedule(tx: Transaction, workflow: int, trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a scheduled workflow with another schedule. Raises `Invalid`."""
    row = answers.workflow_row(tx, workflow)
    document = dict(current_document(tx, row))
    if (document.get("trigger") or {}).get("type") != "schedule":
        told = f"no schedule starts “{row.name}”."
        raise refuse("workflow", told, "Change the whole trigger in its document.")
    return {**document, "trigger": {**trigger, "type": "schedule"}}


# --- many times at once ---


@operation(
    "POST /schedules/move",
    scope="runs:control",
    kind="write",
)
def move_times(
    desk: Desk,
    at: str | None = None,
    to: str | None = None,
    by: str | None = None,
    workflows: list[Number] | None = None,
    shown: Number | None = None,
    dry: bool = True,
) -> Moving:
    """Move the times at which waiting runs go on, of some workflows or all: those `at` a time of
    day, or all, `to` another time or `by` an offset like +2h. `dry` only shows them; to change
    them send `dry: false` and the count that was `shown`."""
    opened = desk.read if dry else desk.begin
    with opened() as tx:
        move = mover(at, to, by, tx.company.calendar)
        mine = list(seen_runs(tx.schema))
        every = pending(tx, desk.installation.library, move, at, workflows, mine)
        found = [each for each in every if answers.shown(tx, each.module)]
        answer: Moving = {"count": len(found), "steps": _steps(found), "moved": False}
        if dry or not found:
            return answer
        if shown is not None and shown != len(found):
            told = f"{shown} steps were shown, and by now there are {len(found)}."
            raise Invalid(Problem("shown", told, "Look at them again, then move them."))
        said = _said(at, to, by)
        number, changed = apply(tx, found, said, desk.who.name)
        detail = {"said": said, "steps": changed}
        audit.record(tx, desk.who.name, "move times", f"move/{number}", detail, desk.who.token)
    desk.installation.changed()
    return {**answer, "count": changed, "moved": True, "move": number}


def _said(at: str | None, to: str | None, by: str | None) -> str:
    return f"{f'from {at}' if at else 'all'} {f'to {to}' if to else f'by {by}'}"


def _steps(found: list[Pending]) -> list[MovedStep]:
    return [
        {
            "run": each.run,
            "workflow": each.workflow,
            "name": each.name,
            "record": f"{each.module}/{each.record}",
            "step": each.step,
            "does": each.does,
            "old": answers.iso(each.old),
            "new": answers.iso(each.new),
        }
        for each in found
    ]


@operation("GET /schedules/moves", scope="runs:read")
def list_moves(desk: Desk) -> Moves:
    """List what was moved, newest first: when, by whom, how many steps, and whether undone."""
    with desk.read() as tx:
        return {
            "moves": [
                {
                    "move": row.id,
                    "said": row.said,
                    "steps": len(row.rows),
                    "at": answers.iso(row.at),
                    "by": row.by,
                    "undone_at": answers.iso(row.undone_at),
                    "undone_by": row.undone_by,
                }
                for row in moved(tx)
            ]
        }


@operation(
    "POST /schedules/moves/{move}/undo",
    scope="runs:control",
    kind="write",
)
def undo_move(desk: Desk, move: Number) -> UndoneMove:
    """Restore the times before a move, of all steps that did not go on since."""
    with desk.begin() as tx:
        restored, left = undo(tx, move, desk.who.name)
        detail = {"restored": restored, "left": left}
        audit.record(tx, desk.who.name, "undo move", f"move/{move}", detail, desk.who.token)
    desk.installation.changed()
    return {"restored": restored, "left": left}
