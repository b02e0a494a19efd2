"""What a workflow would do, with nothing done: the same runner, on a stage that only tells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select

from engine.blocks.step import Enter, Skip
from engine.conditions import Binder, bind
from engine.conditions.readings import holds
from engine.conditions.words import Reason, reasons
from engine.outside.world import World
from engine.problems import refuse
from engine.records.reader import Reader, name_of
from engine.records.states import Result, RunState
from engine.records.transaction import Transaction
from engine.runs.candidates import candidates, subject_of
from engine.runs.rehearsed_stage import (
    Rehearsal,
    RehearsedRun,
    RehearsedTransaction,
    SupposedRun,
    Told,
    undone,
)
from engine.runs.run import Run
from engine.runs.runner import advance
from engine.runs.subjects import Subjects
from engine.runs.supposing import Supposed, Supposing
from engine.workflows.fingerprint import standing
from engine.workflows.library import Live
from engine.workflows.workflow import Workflow

__all__ = ["Rehearsals", "Rehearsed", "Told", "rehearse", "rehearsed_run"]
Change = Mapping[str, JsonValue] | None


@dataclass(frozen=True)
class Rehearsed:
    """What would happen to one record, if what is `supposed` were so.

    `crossed` are the steps it came to, by id, and the arms it took (`big/then`); `members` those
    that are taken together with it.
    """

    id: int
    number: str
    name: str
    matches: bool
    why: Reason
    path: tuple[str, ...] = ()
    effects: tuple[Told, ...] = ()
    ends: str = ""
    supposed: str = ""
    crossed: frozenset[str] = frozenset()
    members: tuple[int, ...] = ()
    led_to: str = ""


def rehearse(
    tx: Transaction,
    workflow: Workflow,
    ids: Iterable[int],
    at: datetime | None = None,
    *,
    number: int = 0,
    by: str = "rehearsal",
    change: Change = None,
    sample: Change = None,
    world: World | None = None,
) -> list[Rehearsed]:
    """What would happen to each record, as if what starts the workflow had just happened to it.

    That is its `change`; without one, what the trigger waits for. A `sample` is a record that there
    is not, told first; it is `by` this user. `number` is that of the workflow, where it has one
    already. Give it a transaction that reads: each record is tried in one of its own beside it,
    which is undone. Raises `Invalid`.
    """
    live = Live(number, workflow.name, 0, "", {}, workflow)
    return Rehearsals(tx, live, at or tx.now, world, by).all(ids, change, sample)


@dataclass
class Rehearsals:
    """Rehearses one workflow for one record after the other, each as if alone in the world."""

    tx: Transaction
    live: Live
    at: datetime
    world: World | None = None
    by: str = "rehearsal"

    def all(
        self, ids: Iterable[int], change: Change = None, sample: Change = None
    ) -> list[Rehearsed]:
        """For a record that there is not, if a `sample` is given, and for those that there are."""
        supposed = [self.of_sample(sample)] if sample is not None else []
        return [*supposed, *(self.of(id, change) for id in ids)]

    def of(self, id: int, change: Change = None) -> Rehearsed:
        """For a record that there is."""
        with undone(self.tx, self.at) as trial:
            supposing = self._supposing(trial)
            if supposing.reader.row(supposing.module, id) is None:
                told = f"there is no record {id} in {supposing.module.label}."
                raise refuse("records", told, "Search for it first.")
            if change is None:
                return self._begun(supposing, supposing.looked_for(id))
            return self._begun(supposing, supposing.changed(id, change))

    def of_sample(self, values: Mapping[str, JsonValue]) -> Rehearsed:
        """For a record that there is not."""
        with undone(self.tx, self.at) as trial:
            supposing = self._supposing(trial)
            return self._begun(supposing, supposing.made(values))

    def _supposing(self, trial: RehearsedTransaction) -> Supposing:
        return Supposing(trial, Reader(trial), self.live, self.by)

    def _begun(self, supposing: Supposing, supposed: Supposed) -> Rehearsed:
        """Whether it would start; if so, with all that would come of it."""
        reader, workflow = supposing.reader, self.live.parsed
        module, values = supposed.facts.module, supposed.facts.values
        binder = reader.binder(module, event=supposed.of_change)
        asked = workflow.entry if supposed.of_change else standing(workflow.entry)
        why = reasons(asked, binder, supposed.facts)
        if supposed.unlike:
            why = Reason(supposed.unlike, False)
        found = Rehearsed(
            values["id"],
            str(values["number"]),
            name_of(module, values),
            not supposed.unlike and holds(bind(asked, binder), supposed.facts),
            why,
            supposed=supposed.said,
        )
        return self._carried(supposing, supposed, found) if found.matches else found

    def _carried(self, supposing: Supposing, supposed: Supposed, found: Rehearsed) -> Rehearsed:
        tx, reader = supposing.tx, supposing.reader
        members = _group(tx, self.live.parsed, found.id, self.at)
        run = rehearsed_run(reader, self.live, found.id, members, supposed.before, self.by)
        return self._told(run, Rehearsal(reader, tx, self.world), found)

    def as_if(self, id: int, step: str) -> Rehearsed:
        """For a record that there is, as if it matched and all led to this step."""
        with undone(self.tx, self.at) as trial:
            reader, parsed = Reader(trial), self.live.parsed
            module = trial.schema.module(parsed.module)
            values = reader.row(module, id) or {}
            before = values if parsed.trigger.listens() else {}
            subjects = Subjects(self.live, reader, id, _members(parsed, id), before, reader.at)
            running, start = RunState.RUNNING, parsed.start()
            run = SupposedRun(0, subjects, running, start, self.by, arms=parsed.way_to(step))
            said = f"{values['number']} matched, and all led to {step}"
            always = Reason("as if it matched", True)
            found = Rehearsed(id, str(values["number"]), name_of(module, values), True, always)
            stage = Rehearsal(reader, trial, self.world)
            return self._told(run, stage, replace(found, supposed=said, led_to=step))

    def _told(self, run: RehearsedRun, stage: Rehearsal, found: Rehearsed) -> Rehearsed:
        """The same with all that came of it, once the run has gone its way."""
        advance(run, stage)
        binder = run.subjects.reader.binder(run.subjects.module)
        return replace(
            found,
            path=tuple(_path(run, binder)),
            effects=tuple(_all_told(run, stage)),
            ends=f"{run.state}: {run.reason}",
            crossed=frozenset(_crossed(run)),
            members=tuple(run.subjects.members),
        )


def _members(workflow: Workflow, id: int) -> list[int]:
    return [id] if workflow.group_by else []


def _crossed(run: Run) -> Iterator[str]:
    for entry in run.entries.values():
        yield entry.step
        if isinstance(entry.move, Enter):
            yield f"{entry.step}/{entry.move.branch}"


def _path(run: RehearsedRun, binder: Binder) -> Iterator[str]:
    """Each step that was taken, with what came of it where that is not just "done"."""
    for entry in run.entries.values():
        heading = run.live.parsed.route[entry.step][0].sentence(binder)
        waited = run.waited.get(entry.step)
        if isinstance(entry.move, Enter):
            yield f"{heading.rstrip('?')}? {entry.said}"
        elif entry.outcome not in (Result.DONE, "", Result.HELD):
            yield f"{heading} ({entry.outcome}: {entry.said})"
        else:
            yield f"{heading} ({waited})" if waited else heading


def _all_told(run: Run, stage: Rehearsal) -> Iterator[Told]:
    """Effects in the order of their steps, and the steps that came to nothing, with why."""
    for entry in run.entries.values():
        yield from stage.told.get(entry.step, ())
        if isinstance(entry.move, Skip):
            yield Told(entry.step, entry.said, entry.outcome, {})


def _group(tx: Transaction, workflow: Workflow, id: int, at: datetime) -> list[int]:
    """All records that would be taken together with this one."""
    if not workflow.group_by:
        return []
    group = subject_of(tx, workflow, id)
    chosen = candidates(tx, workflow, at).subquery()
    members = tx.db.scalar(select(chosen.c.members).where(chosen.c.subject == group))
    return sorted(members or [id])


def rehearsed_run(
    reader: Reader,
    live: Live,
    record: int,
    members: list[int],
    before: Mapping[str, Any] = MappingProxyType({}),
    by: str = "",
) -> RehearsedRun:
    """A run that has just begun, in memory alone."""
    subjects = Subjects(live, reader, record, members, before, reader.at)
    return RehearsedRun(0, subjects, RunState.RUNNING, live.parsed.start(), by)
