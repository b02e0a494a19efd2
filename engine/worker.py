"""Do all that is due: match events, fire schedules, carry runs on. Any number of workers may, at the same time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import OperationalError

from engine.alerts import raise_alert
from engine.database import Database
from engine.effects import OutwardEffect
from engine.facts import Reader
from engine.ledger import Entry, Fenced, Run, read_runs, store
from engine.library import Library, Live
from engine.match import Matcher, stale
from engine.runner import advance, settle
from engine.schedule import fire_due, next_due
from engine.tables import ENTRIES, EVENTS, RUNS, VERSIONS
from engine.transaction import Transaction
from engine.world import Inside, World

LEASE = timedelta(seconds=120)
BATCH = 64
OUTWARD = 8
log = logging.getLogger("sayso.worker")


@dataclass
class Worker:
    """Turns the crank. `ring` asks another worker for help when there is more than a batch to do."""

    database: Database
    world: World
    library: Library = field(default_factory=Library)
    ring: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.matcher = Matcher(self.library)

    def work(self) -> int:
        """Do all that is due now. Returns the number of things done."""
        done = 0
        while step := self.match() + self.fire() + self.carry() + self.reach():
            done += step
        return done

    def match(self) -> int:
        """Ask the workflows about a batch of changes."""
        with self.database.begin() as tx:
            taken = self.matcher.take(tx)
        if taken == 200:
            self.ring()
        return taken

    def fire(self) -> int:
        """Start what schedules ask for."""
        with self.database.begin() as tx:
            return fire_due(tx, self.library)

    def carry(self) -> int:
        """Take all steps of a batch of runs that need nothing from outside; one transaction for all of them.

        Should one of them break it, each is tried again in a transaction of its own.
        """
        try:
            with self.database.begin() as tx:
                rows = claim(tx, BATCH, outward=False)
                self._advance(tx, rows)
                return len(rows)
        except (OperationalError, Fenced):
            raise
        except Exception:
            log.exception("a batch of runs could not be carried on; each is tried alone")
        return self._alone()

    def _alone(self) -> int:
        with self.database.begin() as tx:
            rows = claim(tx, BATCH, outward=False)
        for row in rows:
            try:
                with self.database.begin() as tx:
                    self._advance(tx, [row])
            except Exception as error:
                log.exception("run R-%s failed", row.id)
                self._give_up(row, error)
        return len(rows)

    def _give_up(self, row: Row[Any], error: Exception) -> None:
        """A run that breaks its worker fails, visibly, and holds up nobody else."""
        with self.database.begin() as tx:
            told = f"Sayso itself failed at this step: {type(error).__name__}: {error}"
            held = (RUNS.c.id == row.id, RUNS.c.owner == row.owner)
            tx.db.execute(
                update(RUNS)
                .where(*held)
                .values(state="failed", reason=told, ended_at=tx.now, due=None, owner=None)
            )
            raise_alert(
                tx,
                "failed",
                f"failed/{row.workflow}",
                told,
                "Report this; then try the run again.",
                row.workflow,
            )

    def _advance(self, tx: Transaction, rows: list[Row[Any]]) -> list[Run]:
        if not rows:
            return []
        reader = Reader(tx)
        runs = read_runs(
            tx, reader, rows, lambda workflow, version: self.library.version(tx, workflow, version)
        )
        stage, judged = Inside(tx, reader), dict[tuple[int, int], str | None]()
        for run in runs:
            key = (run.live.workflow, run.live.version)
            if key not in judged:
                judged[key] = revoked(tx, run.live)
            if why := judged[key]:
                run.end("stopped", why)
            else:
                advance(run, stage)
        finish(tx, runs)
        return runs

    def reach(self) -> int:
        """Perform a few planned effects outside, and carry their runs on."""
        with self.database.begin() as tx:
            rows = claim(tx, OUTWARD, outward=True)
            runs = self._prepared(tx, rows)
        for run in runs:
            self._perform(run)
        return len(rows)

    def _prepared(self, tx: Transaction, rows: list[Row[Any]]) -> list[int]:
        """Mark the effects as being performed, before they are. What was being performed already was lost."""
        reader = Reader(tx)
        ready = []
        for run in read_runs(
            tx, reader, rows, lambda workflow, version: self.library.version(tx, workflow, version)
        ):
            entry = run.entries[run.step or ""]
            effect = entry.effect()
            if why := revoked(tx, run.live):
                run.end("stopped", why)
            elif entry.tries and (gone := run.over(run.live.parsed.route[run.step or ""][0])):
                run.end("stopped", gone)
            elif (
                entry.phase == "performing"
                and isinstance(effect, OutwardEffect)
                and (lost := effect.lost()).result == "unknown"
            ):
                settle(run, run.live.parsed.route[entry.step][0], entry, lost, Inside(tx, reader))
            else:
                where = (ENTRIES.c.run == run.id, ENTRIES.c.step == entry.step)
                tx.db.execute(
                    update(ENTRIES)
                    .where(*where)
                    .values(phase="performing", tries=ENTRIES.c.tries + 1)
                )
                ready.append(run.id)
                continue
            finish(tx, [run])
        return ready

    def _perform(self, id: int) -> None:
        with self.database.read() as tx:
            row = tx.db.execute(select(RUNS).where(RUNS.c.id == id)).one()
            entry = entry_of(tx, row)
        effect = entry.effect()
        assert isinstance(effect, OutwardEffect)
        outcome = self.world.perform(effect, entry)
        with self.database.begin() as tx:
            reader = Reader(tx)
            (run,) = read_runs(
                tx,
                reader,
                [row],
                lambda workflow, version: self.library.version(tx, workflow, version),
            )
            step = run.live.parsed.route[entry.step][0]
            stage = Inside(tx, reader)
            settle(run, step, run.entries[entry.step], outcome, stage)
            advance(run, stage)
            finish(tx, [run])

    def next_due(self) -> datetime | None:
        """When there will be something to do again, if nothing happens before."""
        with self.database.read() as tx:
            live = RUNS.c.state.in_(("running", "waiting"))
            run = tx.db.scalar(select(func.min(RUNS.c.due)).where(live))
            times = [at for at in (run, next_due(tx)) if at]
            return min(times) if times else None

    def backlog(self) -> int:
        """How many changes no workflow was asked about yet."""
        with self.database.read() as tx:
            return tx.count(EVENTS, EVENTS.c.pending)


def claim(tx: Transaction, limit: int, *, outward: bool) -> list[Row[Any]]:
    """Take runs that are due, for as long as the lease lasts. A run whose worker died is due when its lease ends.

    `outward` takes those that stand before an effect outside; otherwise all others.
    """
    planned = select(ENTRIES.c.run).where(
        ENTRIES.c.run == RUNS.c.id,
        ENTRIES.c.step == RUNS.c.step,
        ENTRIES.c.phase.in_(("planned", "performing")),
    )
    stands = planned.exists() if outward else ~planned.exists()
    due = select(RUNS.c.id).where(
        RUNS.c.state.in_(("running", "waiting")), RUNS.c.due <= tx.now, stands
    )
    due = due.order_by(RUNS.c.due, RUNS.c.id).limit(limit).with_for_update(skip_locked=True)
    taken = update(RUNS).where(RUNS.c.id.in_(due)).values(owner=token_hex(16), due=tx.now + LEASE)
    return list(tx.db.execute(taken.returning(RUNS)).all())


def entry_of(tx: Transaction, row: Row[Any]) -> Entry:
    found = tx.db.execute(
        select(ENTRIES).where(ENTRIES.c.run == row.id, ENTRIES.c.step == row.step)
    ).one()
    return Entry(
        found.run,
        found.step,
        found.position,
        found.move,
        found.phase,
        tries=found.tries,
        fresh=False,
    )


def finish(tx: Transaction, runs: list[Run]) -> None:
    """Write runs back, and tell people of those that failed or wait for them."""
    store(tx, runs)
    for run in runs:
        if run.state == "failed":
            key = f"failed/{run.live.workflow}/{run.reason[:80]}"
            raise_alert(
                tx,
                "failed",
                key,
                f"“{run.live.name}”: {run.reason}",
                "Open the run to see the step.",
                run.live.workflow,
            )
        elif run.state == "paused" and run.reason:
            raise_alert(
                tx,
                "unknown",
                f"unknown/{run.id}",
                run.reason,
                "Open the run and say what happened.",
                run.live.workflow,
            )


def revoked(tx: Transaction, live: Live) -> str | None:
    """Why a version may not act any more."""
    where = (VERSIONS.c.workflow == live.workflow, VERSIONS.c.version == live.version)
    state = tx.db.scalar(select(VERSIONS.c.state).where(*where))
    if state not in ("approved", "superseded"):
        return f"stopped: version {live.version} is {str(state).replace('_', ' ')}"
    return "stopped: a field it uses has changed since it was approved" if stale(tx, live) else None
