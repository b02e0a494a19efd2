"""Runs and their entries in the database: what becomes of them is written here and nowhere else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.company.message_limits import RELEASED
from engine.records.states import DRIVEN, Act, Phase, Result, RunState
from engine.records.tables import AWAITING, ENTRIES, LIVE, MEMBERS, RUNS, UNSENT
from engine.records.transaction import Transaction
from engine.runs import story
from engine.runs.entry import Entry
from engine.runs.run import Run

# The entry of the step at which a run stands.
HERE = and_(ENTRIES.c.run == RUNS.c.id, ENTRIES.c.step == RUNS.c.step)
# Entries of messages that are held for being too many; `UNSENT` has an index.
CROWDED = and_(ENTRIES.c.cause.in_(("cap", "approval")), UNSENT)
IN_HAND = RUNS.c.state.in_(DRIVEN)
SWITCHED_OFF = "the workflow was switched off"


class Fenced(Exception):
    """Another worker has taken over one of these runs; nothing of this transaction may stay."""


# --- runs begin ---


START = {
    "sqlite": sqlite_insert(RUNS).on_conflict_do_nothing(),
    "postgresql": postgres_insert(RUNS).on_conflict_do_nothing(),
}


def start(tx: Transaction, row: Mapping[str, Any]) -> int | None:
    """Start one run: its number; None if there is one for this occasion already."""
    begun = START[tx.db.dialect.name].values(**row).returning(RUNS.c.id)
    found: int | None = tx.db.scalar(begun)
    return found


def start_all(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Start many runs in one statement; those for an occasion that was, do not begin again."""
    if rows:
        tx.db.execute(START[tx.db.dialect.name], rows)


def start_chosen(tx: Transaction, same: Mapping[str, Any], chosen: Select[Any]) -> int:
    """Start a run for each row of a query, in one statement. Returns how many began.

    `chosen` gives the columns that differ, by name; `same` those that are alike for all.
    """
    return tx.db.execute(_starting(tx, same, chosen)).rowcount


def start_groups(tx: Transaction, same: Mapping[str, Any], chosen: Select[Any]) -> int:
    """As `start_chosen`, of records that are taken together: each of them leads to the run."""
    told = (RUNS.c.id, RUNS.c.module, RUNS.c.members)
    begun = tx.db.execute(_starting(tx, same, chosen).returning(*told)).all()
    members = [
        {"module": row.module, "record": record, "run": row.id}
        for row in begun
        for record in row.members
    ]
    if members:
        tx.db.execute(insert(MEMBERS), members)
    return len(begun)


def _starting(tx: Transaction, same: Mapping[str, Any], chosen: Select[Any]) -> Any:
    rows = chosen.add_columns(
        *(literal(value, RUNS.c[name].type).label(name) for name, value in same.items())
    )
    names = [column.name for column in rows.selected_columns]
    return START[tx.db.dialect.name].from_select(names, rows)


# --- runs are carried on by a worker ---


NOW = bindparam("now", type_=RUNS.c.due.type)
# The runs whose time has come: those that stand before an effect outside, and all others.
DUE = {
    outward: select(RUNS.c.id).where(RUNS.c.outward.is_(outward), LIVE, RUNS.c.due <= NOW)
    for outward in (False, True)
}
FIRST = {
    outward: query.order_by(RUNS.c.due, RUNS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    for outward, query in DUE.items()
}
TAKE = (
    update(RUNS)
    .where(RUNS.c.id.in_(bindparam("runs", expanding=True)))
    .values(owner=bindparam("new_owner"), due=bindparam("until"))
    .returning(RUNS)
)
OURS = RUNS.c.owner == bindparam("held_by")
RENEW = update(RUNS).where(RUNS.c.id == bindparam("run"), OURS).values(due=bindparam("until"))
RUN_NOW = ("state", "step", "due", "outward", "reason", "ended_at", "owner", "awaits")
CHANGE_RUN = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), OURS)
    .values({name: bindparam(f"new_{name}") for name in RUN_NOW})
)
ENTRY = tuple(column.name for column in ENTRIES.columns)
ALIKE = tuple(name for name in ENTRY if name not in ("move", "result"))
ADD_ENTRY = insert(ENTRIES)
CHANGE_ENTRY = (
    update(ENTRIES)
    .where(ENTRIES.c.run == bindparam("new_run"), ENTRIES.c.step == bindparam("new_step"))
    .values({name: bindparam(f"new_{name}") for name in ENTRY[2:]})
)


def claim(tx: Transaction, limit: int, lease: timedelta, *, outward: bool) -> list[Row[Any]]:
    """Take runs that are due, until the lease ends: then those of a dead worker are due again."""
    ids = list(tx.db.scalars(FIRST[outward], {"now": tx.now, "most": limit}))
    if not ids:
        return []
    ours = {"runs": ids, "new_owner": token_hex(16), "until": tx.now + lease}
    place = {id: number for number, id in enumerate(ids)}
    return sorted(tx.db.execute(TAKE, ours).all(), key=lambda row: place[row.id])


def claimed(tx: Transaction, owners: Mapping[int, str | None]) -> list[Row[Any]]:
    """Of these runs, each with the owner that claimed it, those that are still theirs, locked."""
    mine = select(RUNS).where(RUNS.c.id.in_(owners)).order_by(RUNS.c.id)
    rows = tx.db.execute(mine.with_for_update()).all()
    return [row for row in rows if row.owner == owners[row.id]]


def next_due(tx: Transaction) -> datetime | None:
    """When the next run is due, or its lease ends."""
    lanes = (RUNS.c.outward.is_(False), RUNS.c.outward.is_(True))
    first = select(RUNS.c.due).where(LIVE).order_by(RUNS.c.due).limit(1)
    times = [tx.db.scalar(first.where(lane)) for lane in lanes]
    return min((at for at in times if at), default=None)


def renew(tx: Transaction, held: Iterable[tuple[int, str | None]], until: datetime) -> None:
    """Keep runs, each with the owner that claimed it, for longer."""
    tx.db.execute(RENEW, [{"run": run, "held_by": by, "until": until} for run, by in held])


def save(tx: Transaction, runs: Sequence[Run], leased: datetime | None = None) -> None:
    """Write what has become of claimed runs. Raises `Fenced` if one is no longer ours.

    Runs whose effect is being performed stay ours until `leased`; all others are anybody's.
    """
    entries = [entry for run in runs for entry in run.entries.values() if entry.changed]
    if fresh := [_entry(entry) for entry in entries if entry.fresh]:
        tx.db.execute(ADD_ENTRY, fresh)
    if changed := [_entry(entry, "new_") for entry in entries if not entry.fresh]:
        tx.db.execute(CHANGE_ENTRY, changed)
    for entry in entries:
        entry.fresh = entry.changed = False
    if runs:
        rows = [_run(run, tx.now, leased) for run in runs]
        if tx.db.execute(CHANGE_RUN, rows).rowcount != len(rows):
            raise Fenced("a run was taken over by another worker")
    story.write(tx, runs)


def _entry(entry: Entry, prefix: str = "") -> dict[str, Any]:
    row = {f"{prefix}{name}": getattr(entry, name) for name in ALIKE}
    return {**row, f"{prefix}move": entry.stored, f"{prefix}result": entry.result or None}


def _run(run: Run, now: datetime, leased: datetime | None) -> dict[str, Any]:
    entry = run.outward()
    performing = entry is not None and entry.phase == Phase.PERFORMING
    return {
        "run": run.id,
        "held_by": run.owner,
        "new_state": run.state,
        "new_step": run.step,
        "new_due": None if run.ended else leased if performing else run.due or now,
        "new_outward": entry is not None,
        "new_reason": run.reason,
        "new_ended_at": run.ended_at,
        "new_owner": run.owner if performing else None,
        "new_awaits": run.awaits,
    }


def give_up(tx: Transaction, run: int, owner: str | None, reason: str) -> int | None:
    """A claimed run fails as it stands. Returns its workflow; None if it is no longer ours."""
    values = {**_ended(tx, RunState.FAILED, reason), "owner": None}
    ours = (RUNS.c.id == run, RUNS.c.owner == owner)
    gone = update(RUNS).where(*ours).values(values).returning(RUNS.c.workflow)
    workflow: int | None = tx.db.scalar(gone)
    if workflow is not None:
        story.note(tx, Result.FAILED, RunState.FAILED, "", reason, RUNS.c.id == run)
    return workflow


def _ended(tx: Transaction, state: RunState, reason: str) -> dict[str, Any]:
    return {"state": state, "reason": reason, "ended_at": tx.now, "due": None}


# --- runs are looked at again ---


WAKE_AWAITING = (
    update(RUNS)
    .where(
        AWAITING,
        RUNS.c.awaits.in_(bindparam("records", expanding=True)),
        RUNS.c.state == RunState.WAITING,
    )
    .values(due=NOW)
)


def wake_awaiting(tx: Transaction, records: Sequence[str]) -> None:
    """Runs that wait for something look again: these records (`tasks/12`) have changed."""
    tx.db.execute(WAKE_AWAITING, {"records": records, "now": tx.now})


def wake_stopped(tx: Transaction, by: str) -> None:
    """Runs that stand at an effect which the kill switch held look again at once."""
    _wake(tx, by, "the stop was lifted", ENTRIES.c.cause == "stop")


def wake_crowded(tx: Transaction, workflow: int, by: str) -> None:
    """Runs of a workflow whose messages are held for being too many look again at once."""
    _wake(tx, by, "more may go today", RUNS.c.workflow == workflow, CROWDED)


def _wake(tx: Transaction, by: str, said: str, *which: ColumnElement[bool]) -> None:
    held = and_(IN_HAND, select(ENTRIES.c.run).where(HERE, *which).exists())
    story.note(tx, Act.RELEASED, RunState.RUNNING, by, said, held)
    tx.db.execute(update(RUNS).where(held).values(due=tx.now))


def release(tx: Transaction, run: int, by: str) -> bool:
    """Let the message at which a run stands go whatever the hour. False if none is waiting."""
    step = select(RUNS.c.step).where(RUNS.c.id == run).scalar_subquery()
    waits = ENTRIES.c.phase.in_((Phase.HELD, Phase.QUEUED))
    released = update(ENTRIES).where(ENTRIES.c.run == run, ENTRIES.c.step == step, waits)
    if not tx.db.execute(released.values(cause=RELEASED)).rowcount:
        return False
    going = update(RUNS).where(RUNS.c.id == run, IN_HAND).values(due=tx.now)
    if not tx.db.execute(going).rowcount:
        return False
    _note(tx, Act.RELEASED, run, by, "its message may go at any hour")
    return True


def move_time(tx: Transaction, run: int, step: str, moment: datetime, by: str) -> None:
    """A run that waits at a step goes on then; an entry that sleeps says so too."""
    local = moment.astimezone(tx.company.calendar.timezone)
    said = f"it goes on at {local:%Y-%m-%d %H:%M}"
    story.note(tx, Act.MOVED, RunState.WAITING, by, said, RUNS.c.id == run)
    tx.db.execute(update(RUNS).where(RUNS.c.id == run).values(due=moment))
    mine = (ENTRIES.c.run == run, ENTRIES.c.step == step)
    kept = tx.db.scalar(select(ENTRIES.c.move).where(*mine))
    if kept and kept["move"] == "sleep":
        changed = {**kept, "until": moment.isoformat()}
        tx.db.execute(update(ENTRIES).where(*mine).values(move=changed))


# --- people decide ---


def hold(tx: Transaction, by: str, which: ColumnElement[bool]) -> None:
    """Runs that a worker would carry on wait until their workflow is switched on."""
    held = {"state": RunState.PAUSED, "reason": f"held: {SWITCHED_OFF}"}
    _switch(tx, Act.PAUSED, by, SWITCHED_OFF, held, and_(IN_HAND, which))


def resume(tx: Transaction, workflow: int, by: str) -> None:
    """Runs that were held because their workflow was off go on, and no others that are paused.

    A run is paused too where only a person knows what became of its effect.
    """
    asks = exists(select(ENTRIES.c.run).where(HERE, ENTRIES.c.outcome == Result.UNKNOWN))
    held = (RUNS.c.workflow == workflow, RUNS.c.state == RunState.PAUSED, ~asks)
    going = {"state": RunState.WAITING, "reason": ""}
    _switch(tx, Act.RESUMED, by, "the workflow was switched on", going, and_(*held))


def stop(tx: Transaction, by: str, which: ColumnElement[bool]) -> None:
    """Runs that a worker would carry on end."""
    ended = _ended(tx, RunState.STOPPED, f"stopped: {SWITCHED_OFF}")
    _switch(tx, Act.STOPPED, by, SWITCHED_OFF, {**ended, "step": None}, and_(IN_HAND, which))


def _switch(
    tx: Transaction,
    act: Act,
    by: str,
    said: str,
    values: Mapping[str, Any],
    which: ColumnElement[bool],
) -> None:
    story.note(tx, act, values["state"], by, said, which)
    tx.db.execute(update(RUNS).where(which).values(dict(values)))


def reopen(tx: Transaction, run: int, step: str, by: str, said: str) -> None:
    """A run that failed at a step decides that step anew, now; `said` may tell why."""
    fresh = {"phase": Phase.HELD, "ended_at": None, "tries": 0, "cause": "", "since": None}
    _change_entry(tx, run, step, fresh)
    _go(tx, run, step, outward=False)
    _note(tx, Act.AGAIN, run, by, said)


def close(tx: Transaction, run: int, by: str, reason: str) -> None:
    """A run that failed is left at that: it is not tried again. It ended when it failed."""
    closed = {"state": RunState.STOPPED, "reason": reason, "step": None}
    said = "nothing more is sent"
    _switch(tx, Act.CLOSED, by, said, closed, RUNS.c.id == run)


def confirm(tx: Transaction, run: int, step: str, by: str, said: str, after: str | None) -> None:
    """An effect of which nobody knew was done: the run goes on `after` it, or is at its end."""
    _note(tx, Act.ARRIVED, run, by, "it arrived")
    _change_entry(tx, run, step, {"outcome": Result.DONE, "said": said})
    _go(tx, run, after, outward=False)


def repeat(tx: Transaction, run: int, step: str, by: str, said: str) -> None:
    """An effect of which nobody knew was not done: it is performed once more."""
    again = {"outcome": "", "phase": Phase.QUEUED, "tries": 0, "ended_at": None, "said": said}
    _change_entry(tx, run, step, again)
    _go(tx, run, step, outward=True)
    _note(tx, Act.REPEATED, run, by, "it did not arrive, so it is sent again")


def _note(tx: Transaction, act: Act, run: int, by: str, said: str) -> None:
    story.note(tx, act, RunState.RUNNING, by, said, RUNS.c.id == run)


def _change_entry(tx: Transaction, run: int, step: str, values: Mapping[str, Any]) -> None:
    mine = (ENTRIES.c.run == run, ENTRIES.c.step == step)
    tx.db.execute(update(ENTRIES).where(*mine).values(dict(values)))


def _go(tx: Transaction, run: int, step: str | None, *, outward: bool) -> None:
    now: dict[str, Any] = {"state": RunState.RUNNING, "reason": "", "due": tx.now, "ended_at": None}
    if step is None:
        now = _ended(tx, RunState.DONE, "finished")
    mine = update(RUNS).where(RUNS.c.id == run)
    tx.db.execute(mine.values(**now, step=step, outward=outward))


# --- what is kept no longer ---


def expired(
    tx: Transaction, after: int, before: datetime, most: int
) -> tuple[list[int], int | None]:
    """The runs whose steps may be forgotten among the `most` after this id, and the last of those.

    None instead of the last id where no older ones follow. Steps are kept of runs that go on, that
    wait for a person, or that failed and may be tried again.
    """
    some = select(RUNS.c.id, RUNS.c.state, RUNS.c.started_at, RUNS.c.ended_at).where(
        RUNS.c.id > after
    )
    rows = tx.db.execute(some.order_by(RUNS.c.id).limit(most)).all()
    over = (RunState.DONE, RunState.STOPPED)
    old = [row.id for row in rows if row.state in over and row.ended_at < before]
    taken = select(ENTRIES.c.run).where(ENTRIES.c.run.in_(old)).distinct()
    gone = list(tx.db.scalars(taken)) if old else []
    return gone, rows[-1].id if len(rows) == most and rows[-1].started_at < before else None


def forget(tx: Transaction, runs: Sequence[int]) -> None:
    """Delete what the steps of these runs planned, said and gave. That they ran is still known."""
    tx.db.execute(delete(ENTRIES).where(ENTRIES.c.run.in_(runs)))
    story.forget(tx, runs)
    tx.db.execute(update(RUNS).where(RUNS.c.id.in_(runs)).values(before=None))
