"""What a workflow would do, with nothing done: the same runner, on a stage that only tells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue
from sqlalchemy import func, select
from typing_extensions import TypedDict

from engine.blocks.communication import Communication
from engine.blocks.step import Enter, Skip, texts
from engine.conditions import Binder, bind
from engine.conditions.readings import holds
from engine.conditions.words import Reason, reasons
from engine.outside.world import World
from engine.problems import BadValue, refuse
from engine.records.reader import Reader, RecordFacts, name_of
from engine.records.states import Result, RunState
from engine.records.transaction import Transaction
from engine.runs.candidates import candidates, subject_of
from engine.runs.rehearsed_stage import (
    Rehearsal,
    RehearsedRun,
    RehearsedTransaction,
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

__all__ = [
    "Audience",
    "LeftOut",
    "NamedRecord",
    "Rehearsed",
    "Suppressed",
    "Told",
    "audience",
    "rehearse",
]
Change = Mapping[str, JsonValue] | None


@dataclass(frozen=True)
class Rehearsed:
    """What would happen to one record, if what is `supposed` were so."""

    id: int
    number: str
    name: str
    matches: bool
    why: Reason
    path: tuple[str, ...] = ()
    effects: tuple[Told, ...] = ()
    ends: str = ""
    supposed: str = ""


def rehearse(
    tx: Transaction,
    workflow: Workflow,
    ids: Iterable[int],
    at: datetime | None = None,
    *,
    number: int = 0,
    change: Change = None,
    sample: Change = None,
    world: World | None = None,
) -> list[Rehearsed]:
    """What would happen to each record, as if what starts the workflow had just happened to it.

    That is its `change`; without one, what the trigger waits for. A `sample` is a record that there
    is not, told first. `number` is that of the workflow, where it has one already. Give it a
    transaction of `Database.rehearsal`: all is tried on real records, and undone. Raises `Invalid`.
    """
    live = Live(number, workflow.name, 0, "", {}, workflow)
    rehearsals = _Rehearsals(tx, live, at or tx.now, world or World())
    supposed = [rehearsals.of_sample(sample)] if sample is not None else []
    return [*supposed, *(rehearsals.of(id, change) for id in ids)]


@dataclass
class _Rehearsals:
    """Rehearses one workflow for one record after the other, each as if alone in the world."""

    tx: Transaction
    live: Live
    at: datetime
    world: World

    def of(self, id: int, change: Change) -> Rehearsed:
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
        return Supposing(trial, Reader(trial), self.live)

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
        run = _run(reader, self.live, found.id, members, supposed.before)
        stage = Rehearsal(reader, tx, self.world)
        advance(run, stage)
        return replace(
            found,
            path=tuple(_path(run, reader.binder(supposed.facts.module))),
            effects=tuple(_all_told(run, stage)),
            ends=f"{run.state}: {run.reason}",
        )


def _path(run: RehearsedRun, binder: Binder) -> Iterator[str]:
    """Each step that was taken, with what came of it where that is not just "done"."""
    for entry in run.entries.values():
        heading = run.live.parsed.route[entry.step][0].heading(binder)
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
    return list(tx.db.scalar(select(chosen.c.members).where(chosen.c.subject == group)) or [id])


def _run(
    reader: Reader,
    live: Live,
    record: int,
    members: list[int],
    before: Mapping[str, Any] = MappingProxyType({}),
) -> RehearsedRun:
    subjects = Subjects(live, reader, record, members, before, reader.at)
    return RehearsedRun(0, subjects, RunState.RUNNING, live.parsed.start(), "rehearsal")


# --- who is meant ---


class NamedRecord(TypedDict):
    """A record, as people call it."""

    id: int
    number: str
    name: str


class LeftOut(TypedDict):
    """A record that is not meant, and why."""

    id: int
    number: str | None
    name: str
    why: str


class Suppressed(TypedDict):
    """A record that is meant and would not be written to, and why."""

    id: int
    why: str


@dataclass(frozen=True)
class Audience:
    """Who would be taken now: how many records and runs, and who of them could not be reached."""

    count: int
    runs: int
    records: list[NamedRecord]
    out: list[LeftOut]
    suppressed: list[Suppressed]


def audience(
    tx: Transaction,
    workflow: Workflow,
    at: datetime | None = None,
    limit: int = 50,
) -> Audience:
    """Counted by one query; shown are the first that match, and some that do not."""
    moment = at or tx.now
    module = tx.schema.module(workflow.module)
    table = tx.schema.tables[module.name]
    single = workflow.model_copy(update={"group_by": None})
    chosen = candidates(tx, single, moment).subquery()
    count = tx.db.scalar(select(func.count()).select_from(chosen)) or 0
    grouped = candidates(tx, workflow, moment).subquery()
    runs = tx.db.scalar(select(func.count()).select_from(grouped)) or 0
    ids = list(tx.db.scalars(select(chosen.c.record).order_by(chosen.c.record).limit(limit)))
    reader = Reader(tx, moment)
    reader.load(module, ids)
    rows = [reader.row(module, id) or {} for id in ids]
    shown: list[NamedRecord] = [
        {"id": row["id"], "number": row["number"], "name": name_of(module, row)} for row in rows
    ]
    held: list[Suppressed] = [
        {"id": id, "why": why} for id in ids if (why := _held(reader, workflow, id))
    ]
    others = select(table.c.id).where(
        table.c.deleted_at.is_(None), table.c.id.not_in(select(chosen.c.record))
    )
    left = list(
        tx.db.scalars(
            others.order_by(table.c.modified_at.desc(), table.c.id.desc()).limit(min(limit, 20))
        )
    )
    return Audience(count, runs, shown, [_left_out(reader, workflow, id) for id in left], held)


def _left_out(reader: Reader, workflow: Workflow, id: int) -> LeftOut:
    module = reader.tx.schema.module(workflow.module)
    row = reader.row(module, id) or {}
    why = reasons(standing(workflow.entry), reader.binder(module), RecordFacts(reader, module, row))
    return {"id": id, "number": row.get("number"), "name": name_of(module, row), "why": why.said}


def _held(reader: Reader, workflow: Workflow, id: int) -> str | None:
    """Why a record that matches would still not be taken, or not be written to."""
    written = [step for step in workflow.every_step if isinstance(step, Communication)]
    mails = [step for step in written if step.channel == "email"]
    if not mails:
        return None
    run = _run(reader, Live(0, workflow.name, 0, "", {}, workflow), id, [])
    context = run.context()
    if why := context.paused():
        return why
    for step in mails:
        if withheld := run.withheld(step):
            return withheld.said
        try:
            words = [texts(context.value(given)) for given in step.to]
        except BadValue as bad:
            return bad.message
        meant = [person for word in chain(*words) for person in context.people(word)]
        found = [person for person in meant if person.address]
        if not found:
            return "there is no address to write to"
        refused = [context.refuses(person) for person in found]
        if all(refused):
            return refused[0]
    return None
