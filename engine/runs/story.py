"""What happened to each run: a line each time, when it happens, by whom, and never changed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update

from engine.records.states import Act, Result, RunState
from engine.records.tables import COUNTED, RUNS, STORY
from engine.records.transaction import Transaction
from engine.runs.run import Run

Condition = ColumnElement[bool]
# What is looked at again and again, and is a line only when it says something new.
REPEATED = (Result.HELD, Result.RETRY)


def write(tx: Transaction, runs: Iterable[Run]) -> None:
    """Write what happened to claimed runs in this transaction, in order."""
    told = [run for run in runs if run.lines]
    known = _newest(tx, [run.id for run in told if run.lines[0].what in REPEATED])
    rows = [row for run in told for row in _rows(run, tx.now, known.get(run.id))]
    if rows:
        tx.db.execute(insert(STORY), rows)
    for run in told:
        run.lines.clear()


def _rows(run: Run, now: datetime, known: tuple[Any, ...] | None) -> list[dict[str, Any]]:
    """The lines of a run as they are stored, but for a first one that only repeats the newest."""
    last = run.lines[-1]
    return [
        {
            "run": run.id,
            "step": line.step,
            "what": line.what,
            "state": run.state if line is last else RunState.RUNNING,
            "at": now,
            "by": "",
            "said": line.said,
            "tries": line.tries,
            "until": line.until,
        }
        for line in run.lines
        if (line.what, line.step, line.said, line.tries) != known
    ]


def _newest(tx: Transaction, runs: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Of each run what its newest line says."""
    if not runs:
        return {}
    newest = select(func.max(STORY.c.id)).where(STORY.c.run.in_(runs)).group_by(STORY.c.run)
    said = (STORY.c.run, STORY.c.what, STORY.c.step, STORY.c.said, STORY.c.tries)
    rows = tx.db.execute(select(*said).where(STORY.c.id.in_(newest)))
    return {run: tuple(line) for run, *line in rows}


def note(
    tx: Transaction, what: Act | Result, state: RunState, by: str, said: str, which: Condition
) -> None:
    """Write a line for each of these runs, where each stands now; after it they are in `state`."""
    same = {"what": what, "state": state, "at": tx.now, "by": by, "said": said, "tries": 0}
    columns = [literal(value, STORY.c[name].type).label(name) for name, value in same.items()]
    runs = select(RUNS.c.id, RUNS.c.step, *columns).where(which)
    tx.db.execute(insert(STORY).from_select(["run", "step", *same], runs))


def failed(tx: Transaction, runs: Sequence[int]) -> dict[int, set[str]]:
    """The steps at which each of these runs ended once, because they failed."""
    mine = (STORY.c.run.in_(runs), STORY.c.state == RunState.FAILED, STORY.c.step.is_not(None))
    found: dict[int, set[str]] = defaultdict(set)
    for run, step in tx.db.execute(select(STORY.c.run, STORY.c.step).where(COUNTED, *mine)):
        found[run].add(step)
    return found


def forget(tx: Transaction, runs: Sequence[int]) -> None:
    """Delete what happened to these runs, but that it failed or was skipped: that is counted."""
    mine = STORY.c.run.in_(runs)
    tx.db.execute(delete(STORY).where(mine, ~COUNTED))
    tx.db.execute(update(STORY).where(mine).values(said=""))
