"""What a workflow would do, with nothing done: the same runner, on a stage that only tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from pydantic import JsonValue
from sqlalchemy import func, select
from typing_extensions import TypedDict

from engine.blocks.communication import Communication
from engine.blocks.step import Await, Enter, Skip, texts
from engine.conditions import bind
from engine.conditions.readings import holds
from engine.conditions.words import Reason, reasons
from engine.effects import Effect, Outcome, RecordEffect
from engine.problems import BadValue, refuse
from engine.records.reader import Reader, RecordFacts, name_of
from engine.records.states import Result, RunState
from engine.records.transaction import Transaction
from engine.runs.candidates import candidates, subject_of
from engine.runs.entry import Entry
from engine.runs.run import Run
from engine.runs.runner import advance
from engine.runs.subjects import Subjects
from engine.schema.fields import Field
from engine.workflows.fingerprint import standing
from engine.workflows.library import Live
from engine.workflows.workflow import Workflow


@dataclass(frozen=True)
class Told:
    """One thing that would be done: by which step, in words, and in full."""

    step: str
    does: str
    outcome: str
    effect: dict[str, JsonValue]
    before: dict[str, JsonValue] = field(default_factory=dict)
    warned: str = ""


@dataclass(frozen=True)
class Rehearsed:
    """What would happen to one record."""

    id: int
    number: str
    name: str
    matches: bool
    why: Reason
    path: tuple[str, ...] = ()
    effects: tuple[Told, ...] = ()
    ends: str = ""


@dataclass
class Rehearsal:
    """The stage of dry runs. Changes stay in the reader, so that later steps see them."""

    reader: Reader
    told: list[Told] = field(default_factory=list)

    def perform(self, run: Run, effect: Effect, entry: Entry) -> Outcome:
        outcome = effect.preview()
        self.told.append(self._tell(entry.step, effect, outcome, entry.warned))
        return outcome

    def change(self, run: Run, effect: RecordEffect) -> Outcome:
        outcome = effect.preview()
        self.told.append(self._tell(run.step or "", effect, outcome))
        return outcome

    def _tell(self, step: str, effect: Effect, outcome: Outcome, warned: str = "") -> Told:
        changes = list(effect.overlay()) if isinstance(effect, RecordEffect) else []
        seen = [self._overlay(*change) for change in changes]
        before = seen[0][0] if len(seen) == 1 else {}
        planned = effect.model_dump(mode="json")
        idle = bool(seen) and not any(changed for _, changed in seen)
        result = Result.UNCHANGED if idle and outcome.result == Result.DONE else outcome.result
        return Told(step, effect.say(), result, planned, before, warned)

    def _overlay(
        self, name: str, id: int, values: Mapping[str, JsonValue]
    ) -> tuple[dict[str, JsonValue], bool]:
        """Let later steps see the change. Returns the values before it, and whether it is one."""
        module = self.reader.tx.schema.module(name)
        old = self.reader.row(module, id) or {}
        new = {name: self._value(module.field(name), raw) for name, raw in values.items()}
        self.reader.overlay(module, id, new)
        before = {name: module.field(name).dump(old.get(name)) for name in values}
        return before, any(old.get(name) != value for name, value in new.items())

    def _value(self, field: Field, raw: JsonValue) -> Any:
        """A value as it would be kept; a record may be named by its number or name."""
        target = self.reader.tx.schema.target(field)
        if field.type == "reference" and target and isinstance(raw, str) and not raw.isdigit():
            return self.reader.tx.find(target, raw)
        return field.parse(raw, self.reader.tx.company.calendar.timezone)


@dataclass
class RehearsedRun(Run):
    """A run in memory. Where a real one would wait, its clock moves on; `waited` tells for what."""

    waited: dict[str, str] = field(default_factory=dict)

    def sleep(self, entry: Entry, until: datetime) -> bool:
        self.subjects.reader.at = max(self.subjects.reader.at, until)
        return super().sleep(entry, until)

    def stay(self, entry: Entry, awaited: Await) -> bool:
        """Tell what would be waited for, and go on as if it had come."""
        self.waited[entry.step] = f"would wait {awaited.said}"
        if awaited.until:
            local = awaited.until.astimezone(self.company.calendar.timezone)
            self.waited[entry.step] = f"would wait, until {local:%Y-%m-%d %H:%M} at most"
        entry.result = {**self.live.parsed.route[entry.step][0].supposed(), **entry.result}
        return False

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        super().postpone(entry, outcome)
        self.end(RunState.STOPPED, outcome.said)


def rehearse(
    tx: Transaction, workflow: Workflow, ids: Iterable[int], at: datetime | None = None
) -> list[Rehearsed]:
    """What would happen to each record, as if the change that is looked for had just been made."""
    return [_rehearse(tx, workflow, id, at or tx.now) for id in ids]


def _rehearse(tx: Transaction, workflow: Workflow, id: int, at: datetime) -> Rehearsed:
    reader = Reader(tx, at)
    module = tx.schema.module(workflow.module)
    values = reader.row(module, id)
    if values is None:
        raise refuse(
            "records", f"there is no record {id} in {module.label}.", "Search for it first."
        )
    facts = RecordFacts(reader, module, values)
    asked = standing(workflow.entry)
    binder = reader.binder(module)
    why = reasons(asked, binder, facts)
    number, name = str(values["number"]), name_of(module, values)
    if not holds(bind(asked, binder), facts):
        return Rehearsed(id, number, name, False, why)
    run = _run(reader, workflow, id, _group(tx, workflow, id, at))
    stage = Rehearsal(reader)
    advance(run, stage)
    steps = workflow.route
    path = tuple(
        _crossed(steps[entry.step][0].heading(binder), entry, run.waited.get(entry.step))
        for entry in run.entries.values()
    )
    return Rehearsed(
        id,
        number,
        name,
        True,
        why,
        path,
        tuple(_all_told(run, stage)),
        f"{run.state}: {run.reason}",
    )


def _all_told(run: Run, stage: Rehearsal) -> Iterable[Told]:
    """Effects in the order of their steps, and the steps that came to nothing, with why."""
    for entry in run.entries.values():
        effects = [told for told in stage.told if told.step == entry.step]
        yield from effects
        if isinstance(entry.move, Skip):
            yield Told(entry.step, entry.said, entry.outcome, {})


def _crossed(heading: str, entry: Entry, waited: str | None) -> str:
    if waited:
        return f"{heading} ({waited})"
    if isinstance(entry.move, Enter):
        return f"{heading.rstrip('?')}? {entry.said}"
    return (
        heading
        if entry.outcome in (Result.DONE, "")
        else f"{heading} ({entry.outcome}: {entry.said})"
    )


def _group(tx: Transaction, workflow: Workflow, id: int, at: datetime) -> list[int]:
    """All records that would be taken together with this one."""
    if not workflow.group_by:
        return []
    group = subject_of(tx, workflow, id)
    chosen = candidates(tx, workflow, at).subquery()
    return list(tx.db.scalar(select(chosen.c.members).where(chosen.c.subject == group)) or [id])


def _run(reader: Reader, workflow: Workflow, record: int, members: list[int]) -> RehearsedRun:
    live = Live(0, workflow.name, 0, "", {}, workflow)
    subjects = Subjects(live, reader, record, members, {}, reader.at)
    return RehearsedRun(0, subjects, RunState.RUNNING, workflow.start(), "rehearsal")


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
    run = _run(reader, workflow, id, [])
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
