"""Effects outside, performed by threads while the transactions of their runs are long over."""

import logging
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.effects import Outcome, OutwardEffect
from engine.outside.world import World
from engine.records.database import Database
from engine.records.states import Result
from engine.runs import store
from engine.runs.entry import Entry
from engine.runs.run import Run

log = logging.getLogger("sayso.worker")


@dataclass(frozen=True)
class UnderWay:
    """An effect that is being performed, for a run that `owner` has claimed meanwhile."""

    run: int
    owner: str | None
    entry: Entry
    future: Future[Outcome]

    @property
    def outcome(self) -> Outcome:
        """How it ended; waits until it has."""
        return self.future.result()


class Performer:
    """Performs at most so many effects at a time, and keeps their runs claimed meanwhile."""

    def __init__(self, database: Database, world: World, lease: timedelta, most: int) -> None:
        self.database, self.world, self.lease, self.most = database, world, lease, most
        self.pool = ThreadPoolExecutor(most, "sayso-effect")
        self._under_way: dict[int, UnderWay] = {}
        self._renewed: datetime | None = None

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    @property
    def free(self) -> int:
        """How many more effects may begin now."""
        return max(self.most - len(self._under_way), 0)

    def start(self, runs: Iterable[Run]) -> None:
        """Perform the effect at which each run stands: planned, marked and committed by now."""
        for run in runs:
            entry = replace(run.entries[run.step or ""])
            future = self.pool.submit(self._perform, entry)
            self._under_way[run.id] = UnderWay(run.id, run.owner, entry, future)

    def ended(self) -> list[UnderWay]:
        """Those that have come to their end; they stay here until they are forgotten."""
        return [each for each in self._under_way.values() if each.future.done()]

    def forget(self, ended: Iterable[UnderWay]) -> None:
        """Their outcomes are written."""
        for each in ended:
            del self._under_way[each.run]

    def watch(self, seconds: float) -> None:
        """Wait for an effect to end, so long at most, and keep the claimed runs ours."""
        under_way = list(self._under_way.values())
        wait([each.future for each in under_way], seconds, FIRST_COMPLETED)
        now = self.database.clock()
        self._renewed = self._renewed or now
        if now - self._renewed > self.lease / 3:
            self._renewed = now
            with self.database.begin() as tx:
                claimed = [(each.run, each.owner) for each in under_way]
                store.renew(tx, claimed, now + self.lease)

    def _perform(self, entry: Entry) -> Outcome:
        effect = entry.effect
        assert isinstance(effect, OutwardEffect)
        try:
            return effect.perform(self.world, entry.key, entry.tries)
        except KeyError as missing:
            told = f"there is no stored secret {missing}. Store it, then try again."
            return Outcome(Result.FAILED, told)
        except Exception as error:
            log.exception("%s of run R-%s failed", entry.step, entry.run, extra={"run": entry.run})
            lost = effect.lost()
            return lost if lost.result == Result.UNKNOWN else Outcome(Result.FAILED, broken(error))


def broken(error: Exception) -> str:
    """What a run says that failed by a fault of ours."""
    return f"Sayso itself failed at this step: {type(error).__name__}: {error}"
