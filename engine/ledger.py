"""Runs and their entries: what each step decided, did and gave, so that any worker can go on."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Row, bindparam, insert, select, update

from engine.bindings import Bindings
from engine.conditions import ALWAYS, Condition
from engine.context import Context
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
from engine.writes import Gathering

EFFECT = any_effect()
DEEPEST = 5
SOON = timedelta(minutes=1)


@dataclass
class Entry:
    """What one step of a run decided and how it ended.

    Phases: `planned` (decided, not done), `performing` (being done outside), `sleeping`, `held`,
    `closed`. `warned` tells of what its templates found empty.
    """

    run: int
    step: str
    position: int
    move: dict[str, JsonValue]
    phase: str = "planned"
    outcome: str = ""
    said: str = ""
    warned: str = ""
    result: dict[str, JsonValue] = field(default_factory=dict)
    tries: int = 0
    at: datetime | None = None
    ended_at: datetime | None = None
    fresh: bool = True
    changed: bool = True
    planned: Effect | None = None

    @property
    def key(self) -> str:
        """Under this key its effect changes the world once, however often it is performed."""
        return f"run-{self.run}-{self.step}"

    def row(self, prefix: str = "") -> dict[str, Any]:
        """As it is written."""
        row = {f"{prefix}{name}": getattr(self, name) for name in ENTRY}
        row[f"{prefix}result"] = self.result or None
        return row

    def seen(self) -> dict[str, JsonValue]:
        """What later steps can read of it."""
        return {**self.result, "outcome": self.outcome}

    def effect(self) -> Effect:
        if self.planned is None:
            self.planned = EFFECT.validate_python(self.move["effect"])
        return self.planned


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
    reason: str
    actor: str
    before: Mapping[str, Any]
    depth: int
    chain: tuple[tuple[int, str], ...]
    started_at: datetime
    owner: str | None = None
    ended_at: datetime | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    bindings: Bindings = field(default_factory=Bindings)

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

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "stopped")

    def outward(self) -> Entry | None:
        """The entry of the effect outside that comes next in this run, now or at its next try."""
        entry = self.entries.get(self.step or "")
        stands = entry is not None and entry.phase in ("planned", "performing")
        return entry if stands and self.state in ("running", "waiting") else None

    def take_off(self) -> None:
        """Mark that the effect outside is being performed, before it is."""
        entry = self.entries[self.step or ""]
        entry.phase, entry.tries, entry.changed = "performing", entry.tries + 1, True

    def over(self, step: Step) -> str | None:
        """Why the run has nothing more to do here; None if it goes on."""
        present = [facts for id in self.members or [self.record] if (facts := self.facts(id))]
        if not present:
            return "no longer applies: the record was deleted"
        stop = self.live.parsed.stop_when
        if stop and all(self._stopped(facts) for facts in present):
            told = reasons(stop, self.reader.binder(self.module), present[0]).said
            return f"stopped because {told}"
        if isinstance(step, Action) and self.rested() and self.lead() is None:
            return f"no longer applies: {self._unfit(present[0])}"
        return None

    def _stopped(self, facts: RecordFacts) -> bool:
        """Whether there is nothing more to do for this one record."""
        stop = self.live.parsed.stop_when
        return stop is not None and self._holds(stop, facts, self.now)

    def _holds(
        self, condition: Condition, facts: RecordFacts, at: datetime, *, event: bool = False
    ) -> bool:
        """Whether a condition holds of a record now; its words for days mean those of `at`."""
        tx = self.reader.tx
        return holds(self.bindings.of(tx, self.module, condition, at, event=event), facts)

    def rested(self) -> bool:
        """Whether time has passed since the run began, so that its record may be another by now."""
        return any(self._late(entry) for entry in self.entries.values())

    def _late(self, entry: Entry) -> bool:
        if entry.phase in ("sleeping", "held") or entry.tries > 1 or "until" in entry.move:
            return True
        waited = self.now - entry.at if entry.at else SOON
        return entry.phase != "closed" and (entry.tries > 0 or waited > SOON)

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
        entry.planned = move.effect if isinstance(move, Do) else None
        self.entries[step.id] = entry
        return entry

    def take_back(self, entry: Entry) -> None:
        """Let a step decide anew: of what it decided nothing is done, and nothing written."""
        if entry.fresh:
            del self.entries[entry.step]
        else:
            entry.phase = "held"

    def close(self, entry: Entry, outcome: Outcome) -> None:
        entry.phase, entry.outcome, entry.said = "closed", outcome.result, outcome.said
        entry.result, entry.ended_at, entry.changed = dict(outcome.gives), self.now, True

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        """Try this step later: as planned after a failure, decided anew after it was held."""
        entry.phase = "held" if outcome.result == "held" else "planned"
        entry.outcome, entry.said, entry.changed = outcome.result, outcome.said, True
        self.due = outcome.again_at
        if self.state == "running":
            self.state = "waiting" if outcome.result == "held" else "running"

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
        """The record (or a member) as it is; as it was, if its deletion started the run."""
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
        asked = self._guard()
        found = []
        for id in self.members or [self.record]:
            facts = self.facts(id)
            if facts is None or self._stopped(facts):
                continue
            if asked == ALWAYS or self._holds(asked, facts, self.started_at, event=True):
                found.append(id)
        return found

    def _guard(self) -> Condition:
        return self.bindings.guard(self.live, self.reader.tx.schema)

    def _unfit(self, facts: RecordFacts) -> str:
        asked = self._guard()
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

    def _data(self, facts: RecordFacts, members: list[int]) -> "Data":
        company = self.reader.tx.company
        names = ("name", "timezone", "language", "currency", "sender")
        parts: dict[str, Callable[[], Any]] = {
            "record": lambda: template_data(facts, self._below("record")),
            "steps": lambda: {id: entry.seen() for id, entry in self.entries.items()},
            "actor": self._actor,
            "company": lambda: {name: getattr(company, name) for name in names},
            "today": lambda: company.calendar.today(self.now),
            "now": lambda: self.now,
        }
        if self.before:
            old = RecordFacts(self.reader, self.module, {**facts.values, **self.before})
            parts["old"] = lambda: template_data(old, self._below("old"))
        if self.members:
            parts["records"] = lambda: self._members_data(members)
        return Data(parts)

    def _below(self, root: str) -> set[str]:
        """The paths that templates of this workflow read under a root."""
        split = (path.partition(".") for path in self.live.parsed.paths)
        return {rest for name, _, rest in split if name == root}

    def _actor(self) -> dict[str, Any]:
        user = self.reader.user(self.actor) or {}
        return {"name": self.actor, "email": user.get("email")}

    def _members_data(self, members: list[int]) -> list[dict[str, Any]]:
        inner = {path.partition(".")[2] for path in self._below("records")}
        rows = [self.facts(id) for id in members]
        return [template_data(row, inner) for row in rows if row]


class Data(Mapping[str, Any]):
    """What templates may use, each part put together when it is first asked for."""

    def __init__(self, parts: Mapping[str, Callable[[], Any]]) -> None:
        self._parts, self._made = parts, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._parts[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


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


ENTRIES_OF = (
    select(ENTRIES)
    .where(ENTRIES.c.run.in_(bindparam("runs", expanding=True)))
    .order_by(ENTRIES.c.position)
)


def read_runs(
    tx: Gathering,
    reader: Reader,
    rows: Sequence[Row[Any]],
    version: Callable[[int, int], Live],
    bindings: Bindings,
) -> list[Run]:
    """Runs that were claimed, with their entries. Their records are held: runs change them."""
    runs = {row.id: _run(row, reader, version(row.workflow, row.version)) for row in rows}
    if not runs:
        return []
    for row in tx.db.execute(ENTRIES_OF, {"runs": list(runs)}):
        kept = (row.run, row.step, row.position, row.move, row.phase, row.outcome, row.said)
        more = (row.warned, row.result or {}, row.tries, row.at, row.ended_at)
        runs[row.run].entries[row.step] = Entry(*kept, *more, fresh=False, changed=False)
    subjects: dict[str, set[int]] = defaultdict(set)
    for run in runs.values():
        run.bindings = bindings
        subjects[run.module.name].update([run.record, *run.members])
    for name in sorted(subjects):
        tx.hold(reader, tx.schema.module(name), subjects[name])
    return list(runs.values())


def _run(row: Row[Any], reader: Reader, live: Live) -> Run:
    module = reader.tx.schema.module(live.parsed.module)
    before = {
        name: module.by_name[name].load(value)
        for name, value in (row.before or {}).items()
        if name in module.by_name
    }
    return Run(
        row.id,
        live,
        reader,
        row.record,
        sorted(row.members or []),
        row.state,
        row.step,
        None,
        row.reason,
        row.actor,
        before,
        row.depth,
        tuple((link[0], link[1]) for link in row.chain or ()),
        row.started_at,
        row.owner,
        row.ended_at,
    )


class Fenced(Exception):
    """Another worker has taken over one of these runs; nothing of this transaction may stay."""


ENTRY = tuple(column.name for column in ENTRIES.columns)
ADD_ENTRY = insert(ENTRIES)
CHANGE_ENTRY = (
    update(ENTRIES)
    .where(ENTRIES.c.run == bindparam("new_run"), ENTRIES.c.step == bindparam("new_step"))
    .values({name: bindparam(f"new_{name}") for name in ENTRY[2:]})
)
RUN_NOW = ("state", "step", "due", "outward", "reason", "ended_at", "owner")
CHANGE_RUN = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), RUNS.c.owner == bindparam("held_by"))
    .values({name: bindparam(f"new_{name}") for name in RUN_NOW})
)


def store(tx: Transaction, runs: Sequence[Run], aloft: datetime | None = None) -> None:
    """Write what has become of runs, all at once. Raises `Fenced` if one is no longer ours.

    Runs whose effect is being performed stay ours until `aloft`; all others are anybody's.
    """
    entries = [entry for run in runs for entry in run.entries.values() if entry.changed]
    if fresh := [entry.row() for entry in entries if entry.fresh]:
        tx.db.execute(ADD_ENTRY, fresh)
    if changed := [entry.row("new_") for entry in entries if not entry.fresh]:
        tx.db.execute(CHANGE_ENTRY, changed)
    for entry in entries:
        entry.fresh = entry.changed = False
    if runs:
        rows = [_stand(run, tx.now, aloft) for run in runs]
        if tx.db.execute(CHANGE_RUN, rows).rowcount != len(rows):
            raise Fenced("a run was taken over by another worker")


def _stand(run: Run, now: datetime, aloft: datetime | None) -> dict[str, Any]:
    """Where a run stands, as it is written."""
    entry = run.outward()
    flies = entry is not None and entry.phase == "performing"
    return {
        "run": run.id,
        "held_by": run.owner,
        "new_state": run.state,
        "new_step": run.step,
        "new_due": None if run.ended else aloft if flies else run.due or now,
        "new_outward": entry is not None,
        "new_reason": run.reason,
        "new_ended_at": run.ended_at,
        "new_owner": run.owner if flies else None,
    }
