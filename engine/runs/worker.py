"""Do all that is due: match events, fire schedules, carry runs on. Any number may, at once."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import Row, bindparam, exists, select
from sqlalchemy.exc import OperationalError

from engine.effects import Outcome, OutwardEffect
from engine.outside.digest import next_letter, post
from engine.outside.world import World
from engine.records.alerts import raise_alert
from engine.records.batch import BatchedTransaction
from engine.records.database import Database
from engine.records.reader import Reader
from engine.records.states import DRIVEN, Phase, Result, RunState
from engine.records.suppression import suppress
from engine.records.tables import EVENTS, LIVE, PENDING, RUNS, SCHEDULES, VERSIONS
from engine.records.transaction import Transaction
from engine.runs import store
from engine.runs.bindings import Bindings
from engine.runs.entry import Entry
from engine.runs.match import Matcher, stale
from engine.runs.run import Run
from engine.runs.runner import advance, settle
from engine.runs.schedules.firing import fire_due
from engine.runs.schedules.next_due import next_due
from engine.runs.sending.gate import Gate
from engine.runs.sending.outbox import tell_age
from engine.runs.stages import RealStage
from engine.workflows.library import Library, Live

BATCH = 64
FEW = 20
PATIENCE = 3
GLANCE = 0.25  # seconds between two looks at what else is due, while effects outside are under way
log = logging.getLogger("sayso.worker")

# What happens to each run of a batch; the word is why its version may not act any more, if so.
Handle = Callable[[Run, RealStage, str | None], None]


@dataclass(frozen=True)
class Flight:
    """An effect that is being performed outside, for a run that is ours meanwhile."""

    run: int
    owner: str | None
    entry: Entry
    future: Future[Outcome]


@dataclass
class Worker:
    """Turns the crank; `pulse` is felt at every turn, `ring` asks others to help with much work.

    A run is ours for the `lease`, which is renewed while its effect is being performed. Should we
    die, others take it over when the lease ends. At most `hands` effects are performed at a time.
    """

    database: Database
    world: World
    library: Library = field(default_factory=Library)
    ring: Callable[[], None] = lambda: None
    pulse: Callable[[], None] = lambda: None
    lease: timedelta = timedelta(seconds=60)
    hands: int = 16

    def __post_init__(self) -> None:
        self.bindings = Bindings()
        self.matcher = Matcher(self.library, self.bindings)
        self._pool = ThreadPoolExecutor(self.hands, "sayso-hand")
        self._flights: dict[int, Flight] = {}
        self._landing = Lock()
        self._renewed: datetime | None = None

    def work(self) -> int:
        """Do all that is due, and see effects outside to their end. Returns how much was done."""
        done = 0
        while True:
            self.pulse()
            step = self._patiently(self.land)
            for do in self._due():
                step += self._patiently(do)
            if step >= BATCH > done:
                self.ring()
            done += step
            if not step:
                if not self._flights:
                    return done
                self._look_up()

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

    def set_off(self) -> int:
        """As `match`; what few changes start takes its first steps in the same transaction."""
        try:
            with self.database.begin() as tx:
                taken = self.matcher.take(tx)
                rows = store.claim(tx, BATCH, self.lease, outward=False) if taken <= FEW else []
                departing = self._handle(tx, rows, go_on)
        except OperationalError:
            raise
        except Exception:
            log.exception(
                "changes could not be matched and carried on together; each is done alone"
            )
            return self.match()
        self._depart(departing)
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
                departing = self._handle(tx, rows, go_on)
        except OperationalError:
            raise
        except Exception:
            log.exception("a batch of runs could not be carried on; each is tried alone")
            return self._alone()
        self._depart(departing)
        return len(rows)

    def reach(self) -> int:
        """Begin to perform planned effects outside, as many as there are hands free."""
        if not (free := self._free()):
            return 0
        with self.database.begin() as tx:
            rows = store.claim(tx, free, self.lease, outward=True)
            departing = self._handle(tx, rows, go_on, sending=True)
        self._depart(departing)
        return len(rows)

    def post(self) -> int:
        """Send the notices that are due by mail."""
        return post(self.database, self.world, self._pool)

    def land(self) -> int:
        """Write the outcomes of effects that have been performed, and carry their runs on."""
        with self._landing:
            landed = [flight for flight in self._flights.values() if flight.future.done()]
            if not landed:
                return 0
            try:
                departing = self._settle(landed)
            except OperationalError:
                raise  # what was done outside is kept, and written as soon as that is possible
            except Exception:
                log.exception("a batch of outcomes could not be written; each is tried alone")
                departing = [start for flight in landed for start in self._settle_alone(flight)]
            for flight in landed:
                del self._flights[flight.run]
            self._depart(departing)
            return len(landed)

    def next_due(self) -> datetime | None:
        """When there will be something to do again, if nothing happens before."""
        with self.database.read() as tx:
            lanes = (RUNS.c.outward.is_(False), RUNS.c.outward.is_(True))
            first = select(RUNS.c.due).where(LIVE).order_by(RUNS.c.due).limit(1)
            times = [*(tx.db.scalar(first.where(lane)) for lane in lanes), next_due(tx)]
            times.append(next_letter(tx))
            return min((at for at in times if at), default=None)

    def backlog(self) -> int:
        """How many changes no workflow was asked about yet."""
        with self.database.read() as tx:
            return tx.count(EVENTS, PENDING)

    # --- the crank ---

    def _due(self) -> list[Callable[[], int]]:
        """What there is to do, found without keeping anyone from writing."""
        with self.database.read() as tx:
            changes, schedules, runs, effects = tx.db.execute(LOOK, {"now": tx.now}).one()
            letter = next_letter(tx)
            letters = letter is not None and letter <= tx.now
        begins = [self.set_off] * changes + [self.fire] * schedules
        carry = [self.carry] if begins or runs else []
        return [*begins, *carry, *([self.reach] * effects), *([self.post] * letters)]

    def _patiently(self, do: Callable[[], int]) -> int:
        """Try again what another transaction was in the way of."""
        for _ in range(PATIENCE):
            try:
                return do()
            except OperationalError as error:
                log.warning("tried again: %s", error)
        return do()

    def _look_up(self) -> None:
        """Wait for an effect outside to end, not for long, and hold on to the runs under way."""
        flights = list(self._flights.values())
        wait([flight.future for flight in flights], GLANCE, FIRST_COMPLETED)
        now = self.database.clock()
        self._renewed = self._renewed or now
        if now - self._renewed > self.lease / 3:
            self._renewed = now
            with self.database.begin() as tx:
                held = [(flight.run, flight.owner) for flight in flights]
                store.renew(tx, held, now + self.lease)

    # --- runs of one batch ---

    def _handle(
        self,
        tx: Transaction,
        rows: Sequence[Row[Any]],
        handle: Handle,
        landing: int = 0,
        *,
        sending: bool = False,
    ) -> list[Run]:
        """Do `handle` with each run. Returns those with an effect to perform after the commit.

        `landing` hands will be free by then. Messages are queued, and only leave when `sending`.
        """
        if not rows:
            return []
        held = BatchedTransaction(tx)
        reader = Reader(held)
        runs = store.read(
            held, reader, rows, lambda *key: self.library.version(held, *key), self.bindings
        )
        stage, against = RealStage(held, reader, self.library), self._judge(held, runs)
        for run in runs:
            handle(run, stage, against.get((run.live.workflow, run.live.version)))
        gate = Gate(held, self.world.stopped, lambda effect: effect.lacks(self.world))
        departing = self._departing(runs, stage, gate, self._free() + landing, sending=sending)
        gate.tell()
        store.save(held, runs, tx.now + self.lease)
        tell(held, runs)
        return departing

    def _free(self) -> int:
        return max(self.hands - len(self._flights), 0)

    def _departing(
        self, runs: Iterable[Run], stage: RealStage, gate: Gate, free: int, *, sending: bool
    ) -> list[Run]:
        """As many runs that stand before an effect outside as there are hands free, marked so.

        A message that was only decided now is queued: it leaves in another transaction.
        """
        departing: list[Run] = []
        for run in runs:
            entry = run.outward()
            if entry is None or (run.due and run.due > run.now):
                continue
            effect = entry.effect
            assert isinstance(effect, OutwardEffect)
            if effect.channel and not sending and entry.phase != Phase.PERFORMING:
                entry.phase, entry.changed = Phase.QUEUED, True
            elif len(departing) < free:
                if outcome := gate.asks(run, entry, effect):
                    settle(run, run.live.parsed.route[entry.step][0], entry, outcome, stage)
                else:
                    run.start_performing()
                    departing.append(run)
        return departing

    def _depart(self, runs: Iterable[Run]) -> None:
        """Perform effects outside; what was planned and marked is committed by now."""
        for run in runs:
            entry = replace(run.entries[run.step or ""])
            future = self._pool.submit(self._perform, entry)
            self._flights[run.id] = Flight(run.id, run.owner, entry, future)

    def _perform(self, entry: Entry) -> Outcome:
        effect = entry.effect
        assert isinstance(effect, OutwardEffect)
        try:
            return effect.perform(self.world, entry.key, entry.tries)
        except KeyError as missing:
            told = f"there is no stored secret {missing}. Store it, then try again."
            return Outcome(Result.FAILED, told)
        except Exception as error:
            log.exception("%s of run R-%s failed", entry.step, entry.run)
            lost = effect.lost()
            return lost if lost.result == Result.UNKNOWN else Outcome(Result.FAILED, broken(error))

    def _settle(self, landed: Sequence[Flight]) -> list[Run]:
        flights = {flight.run: flight for flight in landed}

        def arrive(run: Run, stage: RealStage, why: str | None) -> None:
            entry = run.entries[flights[run.id].entry.step]
            settle(run, run.live.parsed.route[entry.step][0], entry, outcome(run), stage)
            _suppress(stage.tx, entry, outcome(run))
            go_on(run, stage, why)

        def outcome(run: Run) -> Outcome:
            return flights[run.id].future.result()

        with self.database.begin() as tx:
            ours = select(RUNS).where(RUNS.c.id.in_(flights)).order_by(RUNS.c.id)
            rows = tx.db.execute(ours.with_for_update()).all()
            kept = [row for row in rows if row.owner == flights[row.id].owner]
            for row in rows:
                if row not in kept:
                    log.warning("run R-%s was taken over before its outcome was written", row.id)
            return self._handle(tx, kept, arrive, landing=len(landed))

    # --- what breaks its worker ---

    def _settle_alone(self, flight: Flight) -> list[Run]:
        try:
            return self._settle([flight])
        except OperationalError:
            raise
        except Exception as error:
            log.exception("the outcome of run R-%s could not be written", flight.run)
            self._give_up(flight.run, flight.owner, error)
        return []

    def _alone(self) -> int:
        with self.database.begin() as tx:
            rows = store.claim(tx, BATCH, self.lease, outward=False)
        for row in rows:
            try:
                with self.database.begin() as tx:
                    departing = self._handle(tx, [row], go_on)
                self._depart(departing)
            except OperationalError:
                raise
            except Exception as error:
                log.exception("run R-%s failed", row.id)
                self._give_up(row.id, row.owner, error)
        return len(rows)

    def _give_up(self, run: int, owner: str | None, error: Exception) -> None:
        """A run that breaks its worker fails, visibly, and holds up nobody else."""
        with self.database.begin() as tx:
            told = broken(error)
            workflow = store.give_up(tx, run, owner, told)
            remedy = "Report this; then try the run again."
            raise_alert(tx, "failed", f"failed/{workflow}", told, remedy, workflow)

    def _judge(self, tx: Transaction, runs: Iterable[Run]) -> dict[tuple[int, int], str]:
        """The versions that may not act any more, each with why."""
        lives = {(run.live.workflow, run.live.version): run.live for run in runs}
        rows = tx.db.execute(STATES, {"workflows": sorted({key[0] for key in lives})})
        states = {(row.workflow, row.version): row.state for row in rows}
        told = {key: self._against(tx, live, states.get(key)) for key, live in lives.items()}
        return {key: why for key, why in told.items() if why}

    def _against(self, tx: Transaction, live: Live, state: str | None) -> str | None:
        if state not in ("approved", "superseded"):
            return f"stopped: version {live.version} is {str(state).replace('_', ' ')}"
        if stale(tx, live, self.bindings):
            return "stopped: a field or function it uses has changed since it was approved"
        return None


def go_on(run: Run, stage: RealStage, why: str | None) -> None:
    """Carry a run on, unless its version may not act any more (`why`)."""
    entry = run.outward()
    if (
        entry
        and entry.phase == Phase.PERFORMING
        and (lost := _lost(entry)).result == Result.UNKNOWN
    ):
        return settle(run, run.live.parsed.route[entry.step][0], entry, lost, stage)
    if why and run.state in DRIVEN:
        return run.end(RunState.STOPPED, why)
    return advance(run, stage)


def _lost(entry: Entry) -> Outcome:
    """What became of an effect whose worker died while it was being performed."""
    effect = entry.effect
    assert isinstance(effect, OutwardEffect)
    return effect.lost()


STATES = select(VERSIONS.c.workflow, VERSIONS.c.version, VERSIONS.c.state).where(
    VERSIONS.c.workflow.in_(bindparam("workflows", expanding=True))
)
LOOK = select(
    exists(select(EVENTS.c.id).where(PENDING)),
    exists(select(SCHEDULES.c.workflow).where(SCHEDULES.c.next_at <= store.NOW)),
    exists(store.DUE[False]),
    exists(store.DUE[True]),
)


def tell(tx: Transaction, runs: Iterable[Run]) -> None:
    """Tell people of runs that failed or wait for them."""
    for run in runs:
        workflow = run.live.workflow
        entry = run.entries.get(run.step or "")
        if run.state == RunState.FAILED:
            key = f"failed/{workflow}/{run.reason[:80]}"
            told, remedy = f"“{run.live.name}”: {run.reason}", "Open the run to see the step."
            raise_alert(tx, "failed", key, told, remedy, workflow)
        elif run.state == RunState.PAUSED and entry and entry.outcome == Result.UNKNOWN:
            remedy = "Open the run and say what happened."
            raise_alert(tx, "unknown", f"unknown/{run.id}", run.reason, remedy, workflow)
    if any(_tried_again(entry) for run in runs for entry in run.entries.values()):
        tell_age(tx)


def _suppress(tx: Transaction, entry: Entry, outcome: Outcome) -> None:
    """Write no more to addresses that do not exist, and to numbers that want no more."""
    effect = entry.effect
    sms = isinstance(effect, OutwardEffect) and effect.channel == "sms"
    for address, said in outcome.bounced:
        if sms:
            suppress(tx, "sms", address, "stop", said, "text message service")
        else:
            suppress(tx, "email", address, "bounced", said, "mail server")


def _tried_again(entry: Entry) -> bool:
    """Whether a message has failed and is to be sent again, or at last got through."""
    return entry.tries > 1 and (entry.cause == "retry" or entry.ended_at is not None)


def broken(error: Exception) -> str:
    return f"Sayso itself failed at this step: {type(error).__name__}: {error}"
