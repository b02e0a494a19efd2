"""Runs and their entries: what each step decided, did and gave, kept so that a run can go on anywhere, at any time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Row, insert, select, update

from engine.conditions import ALWAYS, bind
from engine.context import Context
from engine.dependencies import guard
from engine.effects import Effect, Outcome, any_effect
from engine.facts import Reader, RecordFacts, line_data, paused, people, subject, template_data
from engine.library import Live
from engine.modules import Module
from engine.readings import holds
from engine.records import Author
from engine.steps import Action, Do, End, Enter, Move, Skip, Sleep, Step
from engine.tables import ENTRIES, RUNS
from engine.transaction import Transaction
from engine.words import reasons

EFFECT = any_effect()
DEEPEST = 5


@dataclass
class Entry:
    """What one step of a run decided and how it ended.

    Phases: `planned` (decided, not done), `performing` (being done outside), `sleeping`, `held`, `closed`.
    """

    run: int
    step: str
    position: int
    move: dict[str, JsonValue]
    phase: str = "planned"
    outcome: str = ""
    said: str = ""
    result: dict[str, JsonValue] = field(default_factory=dict)
    tries: int = 0
    at: datetime | None = None
    ended_at: datetime | None = None
    fresh: bool = True
    changed: bool = True

    @property
    def key(self) -> str:
        """Under this key its effect changes the world once, however often it is performed."""
        return f"run-{self.run}-{self.step}"

    def effect(self) -> Effect:
        found: Effect = EFFECT.validate_python(self.move["effect"])
        return found


@dataclass
class Run:
    """One record on its way through one version of a workflow."""

    id: int
    live: Live
    reader: Reader
    record: int
    members: list[int]
    state: str
    step: str | None
    due: datetime | None
    tries: int
    reason: str
    actor: str
    before: Mapping[str, Any]
    depth: int
    chain: tuple[tuple[int, str], ...]
    started_at: datetime
    owner: str | None = None
    ended_at: datetime | None = None
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def module(self) -> Module:
        return self.reader.tx.schema.module(self.live.parsed.module)

    @property
    def now(self) -> datetime:
        return self.reader.at

    @property
    def author(self) -> Author:
        """Who a change made by this run is by: the workflow, in this chain of causes."""
        link = (self.live.workflow, f"{self.module.name}/{self.record}")
        name = f"workflow:{self.live.workflow}"
        return Author(
            name, "workflow", None, self.live.workflow, self.id, self.depth + 1, (*self.chain, link)
        )

    # --- going on ---

    def next_step(self) -> Step | None:
        """The step to take now, if there is one."""
        if self.state not in ("running", "waiting") or self.step is None:
            return None
        if self.due and self.due > self.now:
            return None
        self.state = "running"
        return self.live.parsed.route[self.step][0]

    def over(self, step: Step) -> str | None:
        """Why the run has nothing more to do here; None if it goes on."""
        facts = self.facts()
        if facts is None:
            return "no longer applies: the record was deleted"
        stop = self.live.parsed.stop_when
        if stop and holds(bind(stop, self.reader.binder(self.module)), facts):
            return f"stopped because {reasons(stop, self.reader.binder(self.module), facts).said}"
        if isinstance(step, Action) and self.rested() and self.lead() is None:
            return f"no longer applies: {self._unfit(facts)}"
        return None

    def rested(self) -> bool:
        """Whether time has passed since the run began, so that its record may be another by now."""
        return any(
            entry.phase in ("sleeping", "held") or entry.tries > 1 or "until" in entry.move
            for entry in self.entries.values()
        )

    def entry(self, step: Step) -> Entry | None:
        """What was decided here before; nothing, if it was held back and is to be decided anew."""
        found = self.entries.get(step.id)
        return None if found is None or found.phase == "held" else found

    def log(self, step: Step, move: Move) -> Entry:
        """Keep a decision, before anything is done about it."""
        old = self.entries.get(step.id)
        place = old.position if old else len(self.entries) + 1
        entry = Entry(
            self.id, step.id, place, _stored(move), at=self.now, fresh=old is None or old.fresh
        )
        entry.tries = old.tries if old else 0
        self.entries[step.id] = entry
        return entry

    def close(self, entry: Entry, outcome: Outcome) -> None:
        entry.phase, entry.outcome, entry.said = "closed", outcome.result, outcome.said
        entry.result, entry.ended_at, entry.changed = dict(outcome.gives), self.now, True

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        """Try this step again later: as planned after a failure, decided anew after it was held back."""
        entry.phase = "held" if outcome.result == "held" else "planned"
        entry.outcome, entry.said, entry.changed = outcome.result, outcome.said, True
        self.state, self.due = (
            "waiting" if outcome.result == "held" else "running",
            outcome.again_at,
        )

    def go(self, step: str | None) -> None:
        self.step, self.due = step, None
        if step is None:
            self.end("done", "finished")

    def sleep(self, entry: Entry, until: datetime) -> bool:
        """Rest until then. True if that is still to come, so that the run stays where it is."""
        if until <= self.now:
            self.close(entry, Outcome("done", entry.said))
            return False
        entry.phase, entry.changed = "sleeping", True
        self.state, self.due = "waiting", until
        return True

    def end(self, state: str, reason: str) -> None:
        self.state, self.reason, self.ended_at, self.due = state, reason, self.now, None
        if state != "failed":
            self.step = None

    def hold_for_person(self, reason: str) -> None:
        self.state, self.reason, self.due = "paused", reason, None

    # --- what a step may know ---

    def facts(self, id: int | None = None) -> RecordFacts | None:
        """The record (or a member) as it is now; as it was, if its deletion is what started the run."""
        values = self.reader.row(self.module, self.record if id is None else id)
        if values is None and "id" in self.before:
            values = self.before
        return RecordFacts(self.reader, self.module, values) if values is not None else None

    def lead(self) -> int | None:
        """The record that stands for the run: the first that still belongs to it."""
        fitting = self.fitting()
        return fitting[0] if fitting else None

    def fitting(self) -> list[int]:
        """The records of the run that would still be chosen, as of the day it started."""
        if not self.members and not self.rested():
            return [self.record]
        schema = self.reader.tx.schema
        asked = guard(self.live.parsed, schema)
        binder = self.reader.tx.binder(self.module, event=True, at=self.started_at)
        condition = bind(asked, binder) if asked != ALWAYS else None
        found = []
        for id in self.members or [self.record]:
            facts = self.facts(id)
            if facts is not None and (condition is None or holds(condition, facts)):
                found.append(id)
        return found

    def _unfit(self, facts: RecordFacts) -> str:
        asked = guard(self.live.parsed, self.reader.tx.schema)
        return reasons(
            asked, self.reader.tx.binder(self.module, event=True, at=self.started_at), facts
        ).said

    def context(self) -> Context:
        """All that the next step may use. Paused records are left out of a group."""
        fitting = self.fitting() or [self.record]
        open_ones = [id for id in fitting if not self._paused(id)] if self.members else fitting
        lead = (open_ones or fitting)[0]
        facts = self.facts(lead)
        assert facts is not None
        return Context(
            binder=self.reader.binder(self.module),
            facts=facts,
            record=subject(self.module, facts.values),
            data=self._data(facts, open_ones),
            people=lambda word: people(facts, word),
            refuses=lambda person: None if person.handle else self.reader.refused(person.address),
            paused=lambda: paused(facts),
            lines=lambda: line_data(facts),
            workflow=self.live.name,
            run=self.id or None,
        )

    def _paused(self, id: int) -> bool:
        facts = self.facts(id)
        return facts is not None and paused(facts) is not None

    def _data(self, facts: RecordFacts, members: list[int]) -> dict[str, Any]:
        company, wanted = self.reader.tx.company, self.live.parsed.paths
        below = {
            root: {path.partition(".")[2] for path in wanted if path.split(".")[0] == root}
            for root in ("record", "old", "records")
        }
        data: dict[str, Any] = {
            "record": template_data(facts, below["record"]),
            "steps": {
                id: {**entry.result, "outcome": entry.outcome} for id, entry in self.entries.items()
            },
            "actor": {
                "name": self.actor,
                "email": (self.reader.user(self.actor) or {}).get("email"),
            },
            "company": {
                key: getattr(company, key)
                for key in ("name", "timezone", "language", "currency", "sender")
            },
            "today": company.calendar.today(self.now),
            "now": self.now,
        }
        if self.before:
            old = RecordFacts(self.reader, self.module, {**facts.values, **self.before})
            data["old"] = template_data(old, below["old"])
        if self.members:
            inner = {path.partition(".")[2] for path in below["records"]}
            rows = [self.facts(id) for id in members]
            data["records"] = [template_data(row, inner) for row in rows if row]
        return data


def _stored(move: Move) -> dict[str, JsonValue]:
    match move:
        case Do(effect):
            return {"move": "do", "effect": effect.model_dump(mode="json")}
        case Enter(branch, why):
            return {"move": "enter", "branch": branch, "why": why}
        case Sleep(until):
            return {"move": "sleep", "until": until.isoformat()}
        case Skip(outcome):
            return {"move": "skip", "why": outcome.said}
        case End(reason):
            return {"move": "end", "why": reason}


# --- the tables ---


def read_runs(tx: Transaction, reader: Reader, rows: Iterable[Row[Any]], version: Any) -> list[Run]:
    """Runs that were claimed, with their entries. `version` gives the Live of (workflow, version)."""
    runs = {row.id: _run(row, reader, version(row.workflow, row.version)) for row in rows}
    ids = list(runs)
    if ids:
        for row in tx.db.execute(
            select(ENTRIES).where(ENTRIES.c.run.in_(ids)).order_by(ENTRIES.c.position)
        ):
            runs[row.run].entries[row.step] = Entry(
                row.run,
                row.step,
                row.position,
                row.move,
                row.phase,
                row.outcome,
                row.said,
                row.result or {},
                row.tries,
                row.at,
                row.ended_at,
                fresh=False,
                changed=False,
            )
    for run in runs.values():
        reader.load(run.module, [run.record, *run.members])
    return list(runs.values())


def _run(row: Row[Any], reader: Reader, live: Live) -> Run:
    module = reader.tx.schema.module(live.parsed.module)
    before = {
        name: module.by_name[name].load(value)
        for name, value in (row.before or {}).items()
        if name in module.by_name
    }
    chain = tuple((link[0], link[1]) for link in row.chain or ())
    return Run(
        row.id,
        live,
        reader,
        row.record,
        list(row.members or []),
        row.state,
        row.step,
        None,
        row.tries,
        row.reason,
        row.actor,
        before,
        row.depth,
        chain,
        row.started_at,
        row.owner,
        row.ended_at,
    )


class Fenced(Exception):
    """Another worker has taken over one of these runs; nothing of this transaction may stay."""


def store(tx: Transaction, runs: list[Run]) -> None:
    """Write what has become of runs, all at once. Raises `Fenced` if one is no longer ours."""
    entries = [entry for run in runs for entry in run.entries.values() if entry.changed]
    fresh = [_row(entry) for entry in entries if entry.fresh]
    if fresh:
        tx.db.execute(insert(ENTRIES), fresh)
    for entry in entries:
        if not entry.fresh:
            row = _row(entry)
            where = (ENTRIES.c.run == row.pop("run"), ENTRIES.c.step == row.pop("step"))
            tx.db.execute(update(ENTRIES).where(*where).values(**row))
        entry.fresh = entry.changed = False
    for run in runs:
        values = {
            "state": run.state,
            "step": run.step,
            "due": run.due or (tx.now if run.state in ("running", "waiting") else None),
            "tries": run.tries,
            "reason": run.reason,
            "ended_at": run.ended_at,
            "owner": None,
        }
        held = (
            RUNS.c.id == run.id,
            RUNS.c.owner == run.owner,
            RUNS.c.state.in_(("running", "waiting")),
        )
        if tx.db.execute(update(RUNS).where(*held).values(**values)).rowcount != 1:
            raise Fenced(f"run {run.id} was taken over")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "run": entry.run,
        "step": entry.step,
        "position": entry.position,
        "move": entry.move,
        "phase": entry.phase,
        "outcome": entry.outcome,
        "said": entry.said,
        "result": entry.result or None,
        "tries": entry.tries,
        "at": entry.at,
        "ended_at": entry.ended_at,
    }
