"""The stage of rehearsals: records really change, in a transaction that is undone; nothing leaves.

So a later step finds what an earlier one did, in memory and in SQL alike, and what would refuse a
change refuses it here.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from engine.blocks.communication import Communication
from engine.blocks.step import Await, Do, Enter, Move, Step
from engine.effects import Effect, Outcome, OutwardEffect, RecordEffect
from engine.outside.world import World
from engine.records.batch import BatchedRecords, BatchedTransaction
from engine.records.reader import Reader
from engine.records.states import Result, RunState
from engine.records.transaction import Transaction
from engine.records.writer import Author, Saved
from engine.runs import chained_start
from engine.runs.entry import Entry
from engine.runs.run import Run
from engine.runs.sending.gate import Gate
from engine.workflows.library import Library

SUPPOSED = 10**12  # no record has an id from here on, and none is used up by supposing one
PASSES = frozenset({"time", "quiet", "cap"})  # what holds a message until a moment, and no longer
AHEAD_OF_ALL = 60  # so often a message is held at most before a rehearsal leaves it there


class RehearsedTransaction(BatchedTransaction):
    """Changes that others never see. What is created uses up neither an id nor a number."""

    def fresh_ids(self, name: str, wanted: int) -> Iterable[int]:
        first = self._next_id.get(name, SUPPOSED)
        self._next_id[name] = first + wanted
        return range(first, first + wanted)


@contextmanager
def undone(tx: Transaction, at: datetime) -> Iterator[RehearsedTransaction]:
    """What is changed inside is undone at the end; it happens `at` that moment."""
    with tx.trial() as alone:
        trial = RehearsedTransaction(alone)
        trial.now = at
        yield trial


@dataclass(frozen=True)
class Told:
    """One thing that would be done: by which step, in words, and in full.

    `outcome` is one word; where it is not "done", `why` says more. `before` are the values that it
    changes. `counted` is what people call one of it, as "mail".
    """

    step: str
    does: str
    outcome: str
    effect: dict[str, JsonValue]
    before: dict[str, JsonValue] = field(default_factory=dict)
    warned: str = ""
    why: str = ""
    counted: str = ""


class RehearsedRecords(BatchedRecords):
    """The records as the effects of a rehearsed run change them. `before` is what each update of
    a record overwrote."""

    def __init__(self, tx: BatchedTransaction, author: Author, reader: Reader) -> None:
        super().__init__(tx, author, reader)
        self.before: list[dict[str, JsonValue]] = []

    def update(
        self, module: str, id: int, values: Mapping[str, Any], *, force: bool = False
    ) -> Saved:
        home = self.transaction.schema.module(module)
        row = self.row(home, id)
        saved = super().update(module, id, values, force=force)
        self.before.append({name: home.field(name).dump(row.get(name)) for name in values})
        return saved

    def start(self, workflow: int, module: str, id: int) -> tuple[int | None, str]:
        """Whether a run of another workflow would start: 0 if so, or None and why not."""
        live = Library().live(self.transaction).get(workflow)
        why = chained_start.refusal(self.transaction, self.author, live, module, id)
        return (None, why) if why else (0, "")


@dataclass
class Rehearsal:
    """The stage of dry runs: what each step would do is `told`, by step.

    Without a `world` all that a step needs is taken to be set up.
    """

    reader: Reader
    tx: BatchedTransaction
    world: World | None = None
    told: dict[str, list[Told]] = field(default_factory=dict)

    def perform(self, run: Run, effect: Effect, entry: Entry) -> Outcome:
        records = self._records(run)
        if isinstance(effect, RecordEffect):
            outcome = effect.apply(records)
        else:
            assert isinstance(effect, OutwardEffect)
            barred = effect.barred(self.world) if self.world else None
            outcome = self._gate.asks(run, entry, effect) or barred or effect.preview()
        self.told[entry.step] = [_told(entry, effect, outcome, records)]
        return outcome

    def change(self, run: Run, effect: RecordEffect) -> Outcome:
        records, entry = self._records(run), run.entries[run.step or ""]
        outcome = effect.apply(records)
        if not _leaves(entry):  # what is kept of a message is told by the message
            self.told.setdefault(entry.step, []).append(_told(entry, effect, outcome, records))
        return outcome

    def _records(self, run: Run) -> RehearsedRecords:
        return RehearsedRecords(self.tx, run.author, self.reader)

    @cached_property
    def _gate(self) -> Gate:
        if self.world is None:
            return Gate(self.tx)
        world = self.world
        return Gate(self.tx, world.stopped, lambda effect: effect.lacks(world))


def _leaves(entry: Entry) -> bool:
    return isinstance(entry.move, Do) and isinstance(entry.effect, OutwardEffect)


def _told(entry: Entry, effect: Effect, outcome: Outcome, records: RehearsedRecords) -> Told:
    before = records.before[0] if len(records.before) == 1 else {}
    why = "" if outcome.result == Result.DONE else outcome.said
    planned = effect.model_dump(mode="json")
    return Told(
        entry.step, effect.say(), outcome.result, planned, before, entry.warned, why, effect.counted
    )


@dataclass
class RehearsedRun(Run):
    """A run in memory. Where a real one would wait, its clock moves on; `waited` tells for what."""

    waited: dict[str, str] = field(default_factory=dict)
    held: int = 0

    def sleep(self, entry: Entry, until: datetime) -> bool:
        if until > self.now:
            self.waited[entry.step] = f"goes on at {self._clock(until)}"
            self._move_on(until)
        return super().sleep(entry, until)

    def stay(self, entry: Entry, awaited: Await) -> bool:
        """Tell what would be waited for, and go on as if it had come."""
        self.waited[entry.step] = f"would wait {awaited.said}"
        if awaited.until:
            self.waited[entry.step] = f"would wait, until {self._clock(awaited.until)} at most"
        entry.result = {**self.live.parsed.route[entry.step][0].supposed(), **entry.result}
        return False

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        """Let the hour come that lets a message go; what only a person can change, does not."""
        super().postpone(entry, outcome)
        self.waited[entry.step] = f"{outcome.result}: {outcome.said}"
        self.state, self.reason, self.held = RunState.WAITING, outcome.said, self.held + 1
        if outcome.cause in PASSES and self.due and self.held < AHEAD_OF_ALL:
            self._move_on(self.due)

    def _move_on(self, moment: datetime) -> None:
        self.subjects.reader.at = self.subjects.reader.tx.now = max(self.now, moment)

    def _clock(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.company.calendar.timezone):%Y-%m-%d %H:%M}"


@dataclass
class SupposedRun(RehearsedRun):
    """A run that is led past what it does, whether or not that fits its record.

    It takes these `arms` (by step), and goes on where a real one would end or be held.
    """

    arms: Mapping[str, str] = field(default_factory=dict)

    def over(self, step: Step) -> str | None:
        return None

    def withheld(self, step: Communication) -> Outcome | None:
        return None

    def log(self, step: Step, move: Move) -> Entry:
        if isinstance(move, Enter) and step.id in self.arms:
            move = Enter(self.arms[step.id], "as if it were so")
        return super().log(step, move)

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        self.close(entry, outcome)
        self.go(self.live.parsed.route[entry.step][1])

    def end(self, state: RunState, reason: str) -> None:
        after = self.live.parsed.route[self.step][1] if self.step else None
        if state == RunState.FAILED and after:
            self.go(after)
        else:
            super().end(state, reason)
