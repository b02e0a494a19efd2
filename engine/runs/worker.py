"""Do all that is due: match events, fire schedules, carry runs on. Any number may, at once."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import exists, select
from sqlalchemy.exc import OperationalError

from engine.outside.digest import next_letter, post
from engine.outside.world import World
from engine.records.alerts import raise_alert
from engine.records.database import Database
from engine.records.tables import EVENTS, PENDING, SCHEDULES
from engine.runs import store
from engine.runs.alarms import failed
from engine.runs.bindings import Bindings
from engine.runs.carrying import Carrier
from engine.runs.match import Matcher
from engine.runs.performing import Performer, UnderWay, broken
from engine.runs.retention import Keep, Retention
from engine.runs.run import Run
from engine.runs.schedules.firing import fire_due
from engine.runs.schedules.next_due import next_due
from engine.workflows.library import Library

BATCH = 64
FEW = 20
TRIES = 3  # how often more what another transaction was in the way of is tried
GLANCE = 0.25  # seconds between two looks at what else is due, while effects outside are under way
LOOK = select(
    exists(select(EVENTS.c.id).where(PENDING)),
    exists(select(SCHEDULES.c.workflow).where(SCHEDULES.c.next_at <= store.NOW)),
    exists(store.DUE[False]),
    exists(store.DUE[True]),
)
log = logging.getLogger("sayso.worker")


@dataclass
class Worker:
    """Does what is due in an installation, beside any number of other workers.

    `heartbeat` is called before each look at what is due, and at least four times a second while
    effects are being performed; `ring` once in a piece of work that is more than one batch, so
    that others come and help. A claimed run is ours for the `lease`, which is renewed while its
    effect is being performed; should this process die, others take it over when the lease ends.
    At most `effects_at_once` effects outside are performed at a time.
    """

    database: Database
    world: World
    library: Library = field(default_factory=Library)
    ring: Callable[[], None] = lambda: None
    heartbeat: Callable[[], None] = lambda: None
    lease: timedelta = timedelta(seconds=60)
    effects_at_once: int = 16
    keep: Keep = field(default_factory=Keep)

    def __post_init__(self) -> None:
        bindings = Bindings()
        self.matcher = Matcher(self.library, bindings)
        self._carrier = Carrier(self.world, self.library, bindings, self.lease)
        self.performer = Performer(self.database, self.world, self.lease, self.effects_at_once)
        self._recording = Lock()
        self.retention = Retention(self.keep)

    def work(self) -> int:
        """Do all that is due, and see effects outside to their end. Returns how much was done:
        changes matched, schedules fired, runs carried on, outcomes recorded, mails of notices."""
        done = 0
        while True:
            self.heartbeat()
            step = _patiently(self.record_outcomes)
            for do in self._due():
                step += _patiently(do)
            if step >= BATCH > done:
                self.ring()
            done += step
            if not step:
                if not self.performer.busy:
                    return done
                self.performer.watch(GLANCE)

    def _due(self) -> list[Callable[[], int]]:
        """What there is to do, found without keeping anyone from writing."""
        with self.database.read() as tx:
            changes, schedules, runs, effects = tx.db.execute(LOOK, {"now": tx.now}).one()
            letter = next_letter(tx)
            letters = letter is not None and letter <= tx.now
            forgets = self.retention.due(tx.now)
        begins = [self.match_and_carry] * changes + [self.fire] * schedules
        carry = [self.carry] if begins or runs else []
        others = [self.post] * letters + [self.forget] * forgets
        return [*begins, *carry, *([self.perform] * effects), *others]

    def next_due(self) -> datetime | None:
        """When there will be something to do again, if nothing happens before."""
        with self.database.read() as tx:
            times = (store.next_due(tx), next_due(tx), next_letter(tx))
            return min((at for at in times if at), default=None)

    # --- what there is to do; each returns how much was done ---

    def match(self) -> int:
        """Ask the workflows about a batch of changes."""
        try:
            with self.database.begin() as tx:
                return self.matcher.take(tx)
        except OperationalError:
            raise
        except Exception:
            log.exception("a batch of changes could not be matched; each is tried alone")
        with self.database.begin() as tx:
            return self.matcher.take(tx, careful=True)

    def match_and_carry(self) -> int:
        """As `match`; what few changes start takes its first steps in the same transaction."""
        try:
            with self.database.begin() as tx:
                taken = self.matcher.take(tx)
                rows = store.claim(tx, BATCH, self.lease, outward=False) if taken <= FEW else []
                begun = self._carrier.carry(tx, rows, self.performer.free)
        except OperationalError:
            raise
        except Exception:
            log.exception(
                "changes could not be matched and carried on together; each is done alone"
            )
            return self.match()
        self.performer.start(begun)
        return taken + len(rows)

    def fire(self) -> int:
        """Start what schedules ask for."""
        with self.database.begin() as tx:
            return fire_due(tx, self.library)

    def carry(self) -> int:
        """Take all steps of a batch of runs that need nothing from outside, in one transaction.

        Should one of them break it, each is tried again in a transaction of its own.
        """
        try:
            with self.database.begin() as tx:
                rows = store.claim(tx, BATCH, self.lease, outward=False)
                begun = self._carrier.carry(tx, rows, self.performer.free)
        except OperationalError:
            raise
        except Exception:
            log.exception("a batch of runs could not be carried on; each is tried alone")
            return self._carry_each()
        self.performer.start(begun)
        return len(rows)

    def perform(self) -> int:
        """Begin to perform planned effects outside, as many as may begin now."""
        if not (free := self.performer.free):
            return 0
        with self.database.begin() as tx:
            rows = store.claim(tx, free, self.lease, outward=True)
            begun = self._carrier.carry(tx, rows, self.performer.free, sending=True)
        self.performer.start(begun)
        return len(rows)

    def post(self) -> int:
        """Send the notices that are due by mail."""
        return post(self.database, self.world, self.performer.pool)

    def forget(self) -> int:
        """Delete a batch of what is kept no longer. Returns 0 where the day's round is over."""
        return self.retention.sweep(self.database)

    def record_outcomes(self) -> int:
        """Write the outcomes of effects that have been performed, and carry their runs on."""
        with self._recording:
            ended = self.performer.ended()
            if not ended:
                return 0
            try:
                begun = self._record(ended)
            except OperationalError:
                raise  # what was done outside is kept, and written as soon as that is possible
            except Exception:
                log.exception("a batch of outcomes could not be written; each is tried alone")
                begun = [run for each in ended for run in self._record_alone(each)]
            self.performer.forget(ended)
            self.performer.start(begun)
            return len(ended)

    def _record(self, ended: Sequence[UnderWay]) -> list[Run]:
        by_run = {each.run: each for each in ended}
        with self.database.begin() as tx:
            rows = store.claimed(tx, {each.run: each.owner for each in ended})
            for lost in sorted(by_run.keys() - {row.id for row in rows}):
                log.warning(
                    "run R-%s was taken over before its outcome was written",
                    lost,
                    extra={"run": lost},
                )
            return self._carrier.record(tx, rows, by_run, self.performer.free + len(ended))

    # --- one at a time, where one of many broke its batch ---

    def _record_alone(self, ended: UnderWay) -> list[Run]:
        try:
            return self._record([ended])
        except OperationalError:
            raise
        except Exception as error:
            log.exception(
                "the outcome of run R-%s could not be written", ended.run, extra={"run": ended.run}
            )
            self._give_up(ended.run, ended.owner, error)
        return []

    def _carry_each(self) -> int:
        with self.database.begin() as tx:
            rows = store.claim(tx, BATCH, self.lease, outward=False)
        for row in rows:
            try:
                with self.database.begin() as tx:
                    begun = self._carrier.carry(tx, [row], self.performer.free)
                self.performer.start(begun)
            except OperationalError:
                raise
            except Exception as error:
                log.exception(
                    "run R-%s failed", row.id, extra={"run": row.id, "workflow": row.workflow}
                )
                self._give_up(row.id, row.owner, error)
        return len(rows)

    def _give_up(self, run: int, owner: str | None, error: Exception) -> None:
        """A run that breaks its worker fails, visibly, and holds up nobody else."""
        with self.database.begin() as tx:
            told = broken(error)
            workflow = store.give_up(tx, run, owner, told)
            remedy = "Report this; then try the run again."
            if workflow is not None:
                raise_alert(tx, "failed", failed(workflow, told), told, remedy, workflow)


def _patiently(do: Callable[[], int]) -> int:
    """Try again what another transaction was in the way of. Raises `OperationalError`."""
    for _ in range(TRIES):
        try:
            return do()
        except OperationalError as error:
            log.warning("tried again: %s", error)
    return do()
