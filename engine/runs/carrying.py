"""The runs of one batch, carried on in one transaction as far as they get without the outside."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select

from engine.effects import Outcome, OutwardEffect
from engine.outside.world import World
from engine.records.alerts import raise_alert
from engine.records.batch import BatchedTransaction
from engine.records.reader import Reader
from engine.records.states import DRIVEN, Phase, Result, RunState
from engine.records.suppression import suppress
from engine.records.tables import VERSIONS
from engine.records.transaction import Transaction
from engine.runs import loading, store
from engine.runs.alarms import close_mended, failed
from engine.runs.bindings import Bindings
from engine.runs.entry import Entry
from engine.runs.match import stale
from engine.runs.performing import UnderWay
from engine.runs.run import Run
from engine.runs.runner import advance, settle
from engine.runs.sending.follow_ups import close_follow_ups
from engine.runs.sending.gate import Gate
from engine.runs.sending.outbox import tell_age
from engine.runs.stages import RealStage
from engine.workflows.library import Library, Live

log = logging.getLogger("sayso.worker")

# What happens to each run of a batch; the word is why its version may not act any more, if so.
Handle = Callable[[Run, RealStage, str | None], None]
STATES = select(VERSIONS.c.workflow, VERSIONS.c.version, VERSIONS.c.state).where(
    VERSIONS.c.workflow.in_(bindparam("workflows", expanding=True))
)


@dataclass(frozen=True)
class Carrier:
    """Carries claimed runs on. An effect outside is only marked, to be performed after the commit.

    `lease` is how long such a run stays ours without a sign of life.
    """

    world: World
    library: Library
    bindings: Bindings
    lease: timedelta

    def carry(
        self, tx: Transaction, rows: Sequence[Row[Any]], free: int, *, sending: bool = False
    ) -> list[Run]:
        """Take all steps that need nothing from outside.

        Returns the runs with an effect to perform after the commit, `free` at most. Messages are
        queued, and leave only when `sending`.
        """
        return self._handle(tx, rows, go_on, free, sending=sending)

    def record(
        self, tx: Transaction, rows: Sequence[Row[Any]], ended: Mapping[int, UnderWay], free: int
    ) -> list[Run]:
        """Write the outcome of the effect of each run (they are given by run), then as `carry`."""

        def settled(run: Run, stage: RealStage, why: str | None) -> None:
            # Where the run stands now is no guide: a person may have ended it meanwhile.
            outcome, entry = ended[run.id].outcome, run.entries[ended[run.id].entry.step]
            settle(run, run.live.parsed.route[entry.step][0], entry, outcome, stage)
            _suppress(stage.tx, entry, outcome)
            go_on(run, stage, why)

        return self._handle(tx, rows, settled, free)

    def _handle(
        self,
        tx: Transaction,
        rows: Sequence[Row[Any]],
        handle: Handle,
        free: int,
        *,
        sending: bool = False,
    ) -> list[Run]:
        if not rows:
            return []
        batch = BatchedTransaction(tx)
        reader = Reader(batch)
        runs = loading.read(
            batch, reader, rows, lambda *key: self.library.version(batch, *key), self.bindings
        )
        stage, against = RealStage(batch, reader, self.library), self._judge(batch, runs)
        for run in runs:
            handle(run, stage, against.get((run.live.workflow, run.live.version)))
        gate = Gate(batch, self.world.stopped, lambda effect: effect.lacks(self.world))
        begun = _begin(runs, stage, gate, free, sending=sending)
        gate.tell()
        close_follow_ups(stage, runs)
        store.save(batch, runs, tx.now + self.lease)
        tell(batch, runs)
        _log(runs)
        return begun

    def _judge(self, tx: Transaction, runs: Iterable[Run]) -> dict[tuple[int, int], str]:
        """The versions that may not act any more, as (workflow, version), each with why."""
        lives = {(run.live.workflow, run.live.version): run.live for run in runs}
        rows = tx.db.execute(STATES, {"workflows": sorted({key[0] for key in lives})})
        states = {(row.workflow, row.version): row.state for row in rows}
        told = {key: self._against(tx, live, states.get(key)) for key, live in lives.items()}
        return {key: why for key, why in told.items() if why}

    def _against(self, tx: Transaction, live: Live, state: str | None) -> str | None:
        if state not in ("approved", "superseded"):
            return f"stopped: version {live.version} is {str(state).replace('_', ' ')}"
        if stale(tx, live, self.bindings):
            return "stopped: what it uses has changed since it was approved"
        return None


def go_on(run: Run, stage: RealStage, why: str | None) -> None:
    """Carry a run on, unless its version may not act any more (`why`).

    If its worker died while performing an effect that is not done twice, a person is asked.
    """
    entry = run.outward()
    if entry and entry.phase == Phase.PERFORMING:
        lost = _outward(entry).lost()
        if lost.result == Result.UNKNOWN:
            return settle(run, run.live.parsed.route[entry.step][0], entry, lost, stage)
    if why and run.state in DRIVEN:
        return run.end(RunState.STOPPED, why)
    return advance(run, stage)


def _begin(
    runs: Iterable[Run], stage: RealStage, gate: Gate, free: int, *, sending: bool
) -> list[Run]:
    """The runs whose effect outside may begin, `free` at most, marked so.

    A message that was only decided now is queued: it leaves in another transaction.
    """
    begun: list[Run] = []
    for run in runs:
        entry = run.outward()
        if entry is None or (run.due and run.due > run.now):
            continue
        effect = _outward(entry)
        if effect.channel and not sending and entry.phase != Phase.PERFORMING:
            entry.phase, entry.changed = Phase.QUEUED, True
        elif len(begun) < free:
            if outcome := gate.asks(run, entry, effect):
                settle(run, run.live.parsed.route[entry.step][0], entry, outcome, stage)
            else:
                run.start_performing()
                begun.append(run)
    return begun


def _outward(entry: Entry) -> OutwardEffect:
    effect = entry.effect
    assert isinstance(effect, OutwardEffect)
    return effect


def tell(tx: Transaction, runs: Sequence[Run]) -> None:
    """Tell people of runs that failed or wait for them, and no more of what is mended."""
    for run in runs:
        workflow = run.live.workflow
        entry = run.entries.get(run.step or "")
        if run.state == RunState.FAILED:
            told, remedy = f"“{run.live.name}”: {run.reason}", "Open the run to see the step."
            raise_alert(tx, "failed", failed(workflow, run.reason), told, remedy, workflow)
        elif run.state == RunState.PAUSED and entry and entry.outcome == Result.UNKNOWN:
            remedy = "Open the run and say what happened."
            raise_alert(tx, "unknown", f"unknown/{run.id}", run.reason, remedy, workflow)
    if any(_tried_again(entry) for run in runs for entry in run.entries.values()):
        tell_age(tx)
    close_mended(tx, {run.live.workflow for run in runs})


def _log(runs: Iterable[Run]) -> None:
    """Where each run stands now, for whoever looks for a fault (SAYSO_DEBUG)."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    for run in runs:
        record = f"{run.subjects.module.name}/{run.subjects.record}"
        about = {"run": run.id, "workflow": run.live.workflow, "record": record}
        log.debug("run R-%s is %s, at step %s", run.id, run.state, run.step, extra=about)


def _tried_again(entry: Entry) -> bool:
    """Whether a message has failed and is to be sent again, or at last got through."""
    return entry.tries > 1 and (entry.cause == "retry" or entry.ended_at is not None)


def _suppress(tx: Transaction, entry: Entry, outcome: Outcome) -> None:
    """Write no more to addresses that do not exist, and to numbers that want no more."""
    for address, said in outcome.bounced:
        if _outward(entry).channel == "sms":
            suppress(tx, "sms", address, "stop", said, "text message service")
        else:
            suppress(tx, "email", address, "bounced", said, "mail server")
