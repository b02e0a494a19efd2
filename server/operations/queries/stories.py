"""What happened to one run, line by line, as every door tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from engine.records.states import Phase, Result
from engine.records.tables import ENTRIES, STORY
from engine.records.transaction import Transaction
from server.operations.queries import Stored

OUTCOMES = frozenset(Result)


@dataclass(frozen=True)
class Happened:
    """What happened to a run: an outcome, an act, or the phase that a step is in now.

    `entry` is the step in full, with the newest line about it.
    """

    step: str | None
    what: str
    said: str
    at: datetime
    by: str = ""
    tries: int = 0
    until: datetime | None = None
    entry: Stored | None = None


def story(tx: Transaction, run: Stored) -> list[Happened]:
    """What happened to a run, in order, and what it does now."""
    lines = tx.db.execute(select(STORY).where(STORY.c.run == run.id).order_by(STORY.c.id)).all()
    steps = {entry.step: entry for entry in entries(tx, run.id)}
    newest = {line.step: line.id for line in lines if line.what in OUTCOMES}
    told = [_happened(line, steps if newest.get(line.step) == line.id else {}) for line in lines]
    return [*told, *(_now(run, entry) for entry in steps.values() if not entry.outcome)]


def _happened(line: Stored, steps: Mapping[str, Stored]) -> Happened:
    words = (line.step, line.what, line.said, line.at, line.by, line.tries, line.until)
    return Happened(*words, steps.get(line.step))


def _now(run: Stored, entry: Stored) -> Happened:
    """A step of which nothing came so far."""
    until = None if run.awaits or run.step != entry.step else run.due
    said = str(entry.said or entry.move.get("why") or "")
    asleep = entry.phase == Phase.SLEEPING
    return Happened(
        entry.step,
        entry.phase,
        said,
        entry.at,
        tries=entry.tries,
        until=until if asleep else None,
        entry=entry,
    )


def entries(tx: Transaction, run: int) -> Sequence[Stored]:
    """The steps that a run has taken, in order."""
    query = select(ENTRIES).where(ENTRIES.c.run == run).order_by(ENTRIES.c.position)
    return tx.db.execute(query).all()
