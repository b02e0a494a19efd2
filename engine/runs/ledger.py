"""Runs and their entries: what each step decided, did and gave, so that any worker can go on."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import JsonValue
from sqlalchemy import Row, bindparam, select

from engine.blocks.communication import Communication, WaitDays
from engine.blocks.context import Context
from engine.blocks.step import Action, Await, Do, End, Enter, Move, Skip, Sleep, Step
from engine.conditions import ALWAYS, Condition
from engine.conditions.readings import holds
from engine.conditions.words import reasons
from engine.effects import Effect, Outcome, any_effect
from engine.records.batch import BatchedTransaction
from engine.records.reader import Reader, RecordFacts, line_data, paused, subject, template_data
from engine.records.states import DRIVEN, ENDED, Phase, Result, RunState
from engine.records.tables import ENTRIES
from engine.records.writer import Author
from engine.runs.addressees import described, language_of, refusal
from engine.runs.bindings import Bindings
from engine.runs.customer_data import customer_parts
from engine.runs.message_attachments import attached_files
from engine.runs.recipients import Recipients
from engine.runs.related_selection import related_selection
from engine.schema.modules import Module
from engine.templates.variables import INVOICES, meaning
from engine.workflows.library import Live

EFFECT = any_effect()
AHEAD = (Phase.PLANNED, Phase.QUEUED, Phase.PERFORMING)
DEEPEST = 5
SOON = timedelta(minutes=1)
LOOK_AGAIN = timedelta(minutes=15)
AN_HOUR = timedelta(hours=1)
# What holds messages by number or by hour: they are held so long at most for all of it together.
LIMITS = frozenset({"cap", "approval", "quiet"})


@dataclass
class Entry:
    """What one step of a run decided and how it ended.

    Phases: `planned` (decided, not done), `queued` (a message: decided once more when it goes),
    `performing` (being done outside), `sleeping`, `held`, `closed`. `cause` is the word for why it
    waits or failed, `since` when that began. `warned` tells of what its templates found empty.
    """

    run: int
    step: str
    position: int
    move: dict[str, JsonValue]
    phase: Phase = Phase.PLANNED
    outcome: Result | Literal[""] = ""
    said: str = ""
    warned: str = ""
    result: dict[str, JsonValue] = field(default_factory=dict)
    tries: int = 0
    at: datetime | None = None
    ended_at: datetime | None = None
    cause: str = ""
    since: datetime | None = None
    fresh: bool = True
    changed: bool = True
    planned: Effect | None = None

    @property
    def key(self) -> str:
        """Under this key its effect changes the world once, however often it is performed."""
        return f"run-{self.run}-{self.step}"

    def seen(self) -> dict[str, JsonValue]:
        """What later steps can read of it."""
        return {**self.result, "outcome": self.outcome}

    def awaited(self, step: Step) -> Await | None:
        """What the run waits for at this step, if it waits for something to come about."""
        match self.move:
            case {"move": "await", "record": str(record), "why": str(said), "until": until}:
                return Await(record, said, datetime.fromisoformat(str(until)) if until else None)
            case {"move": "do"}:
                return step.awaits(self.result)
        return None

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
    state: RunState
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
    awaits: str | None = None

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
        if self.state not in DRIVEN or self.step is None:
            return None
        if self.due and self.due > self.now:
            return None
        self.state = RunState.RUNNING
        return self.live.parsed.route[self.step][0]

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def outward(self) -> Entry | None:
        """The entry of the effect outside that comes next in this run, now or at its next try."""
        entry = self.entries.get(self.step or "")
        stands = entry is not None and entry.phase in AHEAD
        return entry if stands and self.state in DRIVEN else None

    def take_off(self) -> None:
        """Mark that the effect outside is being performed, before it is."""
        entry = self.entries[self.step or ""]
        entry.phase, entry.tries, entry.changed = Phase.PERFORMING, entry.tries + 1, True

    def over(self, step: Step) -> str | None:
        """Why the run has nothing more to do here; None if it goes on."""
        if reason := self.stopped():
            return reason
        if isinstance(step, Action) and self._idle() and self._gives_up(step):
            return f"no longer applies: {self._idle()}"
        return None

    def _idle(self) -> str | None:
        """Why no record of the run would be chosen any more; None if one would, or it just was."""
        if not self.rested() or self.lead() is not None:
            return None
        facts = next(facts for id in self.members or [self.record] if (facts := self.facts(id)))
        return self._unfit(facts)

    def _gives_up(self, step: Action) -> bool:
        """Whether the run ends at a step for which no record qualifies."""
        match getattr(step, "when_nothing_matches", "stop"):
            case "skip":
                return False
            case WaitDays(wait_days=days):
                entry = self.entries.get(step.id)
                began = entry.since if entry and entry.cause == "nothing" else None
                return began is not None and self.now - began >= timedelta(days=days)
        return True

    def withheld(self, step: Communication) -> Outcome | None:
        """Why nobody is written to at this step now: for good, or for the time being."""
        if why := self._idle():
            if step.when_nothing_matches == "skip":
                return Outcome(Result.SKIPPED, f"not sent: nothing is left to write about: {why}")
            return Outcome(
                Result.HELD, f"waits for something to write about: {why}", cause="nothing"
            )
        pause, fitting = self.live.parsed.pause_when, self.fitting()
        if pause is None or not fitting or not all(self._pauses(id) for id in fitting):
            return None
        facts = self.facts(fitting[0])
        told = reasons(pause, self.reader.binder(self.module), facts).said if facts else ""
        return Outcome(Result.HELD, f"paused because {told}", cause="pause")

    def _pauses(self, id: int) -> bool:
        """Whether a record is not to be written about for now."""
        pause, facts = self.live.parsed.pause_when, self.facts(id)
        return bool(pause and facts and self._holds(pause, facts, self.now))

    def stopped(self) -> str | None:
        """Why the run must not go on at all: its record is gone, or is to be left alone."""
        present = [facts for id in self.members or [self.record] if (facts := self.facts(id))]
        if not present:
            return "no longer applies: the record was deleted"
        stop = self.live.parsed.stop_when
        if stop and all(self._stopped(facts) for facts in present):
            told = reasons(stop, self.reader.binder(self.module), present[0]).said
            return f"stopped because {told}"
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
        if entry.phase in (Phase.SLEEPING, Phase.HELD) or entry.tries > 1 or "until" in entry.move:
            return True
        if entry.phase == Phase.CLOSED and entry.ended_at and entry.at:
            return entry.ended_at - entry.at > SOON
        waited = self.now - entry.at if entry.at else SOON
        return entry.phase != Phase.CLOSED and (entry.tries > 0 or waited > SOON)

    def entry(self, step: Step) -> Entry | None:
        """What was decided here before; nothing, if it was held back and is to be decided anew."""
        found = self.entries.get(step.id)
        return None if found is None or found.phase in (Phase.HELD, Phase.QUEUED) else found

    def log(self, step: Step, move: Move) -> Entry:
        """Keep a decision, before anything is done about it."""
        old = self.entries.get(step.id)
        place = old.position if old else len(self.entries) + 1
        at, fresh = (old.at, old.fresh) if old else (self.now, True)
        entry = Entry(self.id, step.id, place, _stored(move), at=at, fresh=fresh)
        if old:
            entry.tries, entry.cause, entry.since = old.tries, old.cause, old.since
        entry.planned = move.effect if isinstance(move, Do) else None
        self.entries[step.id] = entry
        return entry

    def take_back(self, entry: Entry) -> None:
        """Let a step decide anew: of what it decided nothing is done, and nothing written."""
        if entry.fresh:
            del self.entries[entry.step]
        else:
            entry.phase = Phase.HELD

    def close(self, entry: Entry, outcome: Outcome) -> None:
        entry.phase, entry.outcome, entry.said = Phase.CLOSED, outcome.result, outcome.said
        entry.result, entry.ended_at, entry.changed = dict(outcome.gives), self.now, True
        entry.cause, entry.since = outcome.cause, None

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        """Try this step later: as planned after a failure, decided anew after it was held."""
        anew = outcome.anew or outcome.result == Result.HELD
        entry.phase = Phase.HELD if anew else Phase.PLANNED
        entry.outcome, entry.said, entry.changed = outcome.result, outcome.said, True
        if not (outcome.cause == entry.cause or {outcome.cause, entry.cause} <= LIMITS):
            entry.since = self.now
        entry.cause, entry.since = outcome.cause, entry.since or self.now
        self.due = outcome.again_at or self._look_again(entry)
        if self.state == RunState.RUNNING:
            self.state = RunState.WAITING if outcome.result == Result.HELD else RunState.RUNNING

    def _look_again(self, entry: Entry) -> datetime:
        """In an hour; but not in the night: rather on the next day, when the step was reached."""
        calendar, soon = self.reader.tx.company.calendar, self.now + AN_HOUR
        if calendar.today(soon) == calendar.today(self.now):
            return soon
        reached = (entry.at or self.now).astimezone(calendar.timezone)
        return calendar.at(calendar.today(soon), reached.time().replace(tzinfo=None))

    def next_try(self, step: Communication, entry: Entry) -> datetime | None:
        """When to send a message again that failed just now; None if it was tried enough."""
        since = (entry.since if entry.cause == "retry" else None) or self.now
        calendar, window = self.reader.tx.company.calendar, self.live.parsed.window
        reached = entry.at or self.now
        return step.next_try(self.now, since, entry.tries, reached, window, calendar)

    def go(self, step: str | None) -> None:
        self.step, self.due, self.awaits = step, None, None
        if step is None:
            self.end(RunState.DONE, "finished")

    def sleep(self, entry: Entry, until: datetime) -> bool:
        """Rest until then. True if that is still to come, so that the run stays where it is."""
        if until <= self.now:
            self.close(entry, Outcome(Result.DONE, entry.said))
            return False
        entry.phase, entry.changed = Phase.SLEEPING, True
        self.state, self.due = RunState.WAITING, until
        return True

    def stay(self, entry: Entry, awaited: Await) -> bool:
        """Rest until something has come about. True if the run stays where it is.

        It is looked at when the awaited record changes, and now and then: not all that a condition
        asks for is a change of one record.
        """
        if entry.phase != Phase.SLEEPING:
            entry.phase, entry.outcome, entry.changed = Phase.SLEEPING, "", True
        again = self.now + LOOK_AGAIN
        self.state, self.awaits = RunState.WAITING, awaited.record
        self.due = min(again, awaited.until) if awaited.until else again
        return True

    def end(self, state: RunState, reason: str) -> None:
        self.awaits = None
        self.state, self.reason, self.ended_at, self.due = state, reason, self.now, None
        if state != RunState.FAILED:
            self.step = None

    def hold_for_person(self, reason: str) -> None:
        self.state, self.reason, self.due = RunState.PAUSED, reason, None

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
        return self._seen_from((open_ones or fitting)[0], fitting, open_ones)

    def _seen_from(self, id: int, fitting: list[int], open_ones: list[int]) -> Context:
        facts = self.facts(id)
        assert facts is not None
        taken = open_ones if self.members else []
        others = [row for each in taken if each != id and (row := self.facts(each))]
        whose = Recipients(facts, others)
        return Context(
            binder=self.reader.binder(self.module),
            facts=facts,
            record=subject(self.module, facts.values),
            data=self._data(facts, open_ones),
            people=whose.people,
            refuses=lambda person: refusal(self.reader, person),
            paused=lambda: paused(facts),
            lines=lambda: line_data(facts),
            around=self.reader,
            each=lambda: [self._seen_from(each, fitting, open_ones) for each in fitting],
            workflow=self.live.name,
            unsubscribe=self.reader.tx.links.unsubscribe,
            run=self.id or None,
            texts=self.live.parsed.texts,
            look=self._look,
            company=self.reader.tx.company,
            described=lambda person: described(self.reader, person, self._below("contact")),
            attached_files=lambda words: attached_files(
                words, facts, whose.beside, self._results()
            ),
            warnings=whose.warnings,
        )

    def _results(self) -> dict[str, dict[str, JsonValue]]:
        return {id: entry.seen() for id, entry in self.entries.items()}

    def _look(self, key: str) -> Mapping[str, Any] | None:
        module, _, id = key.partition("/")
        return self.reader.row(self.reader.tx.schema.module(module), int(id))

    def _paused(self, id: int) -> bool:
        facts = self.facts(id)
        if facts is not None and paused(facts) is not None:
            return True
        step = self.live.parsed.route.get(self.step or "")
        return bool(step and isinstance(step[0], Communication) and self._pauses(id))

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
            "language": lambda: language_of(facts) or company.language,
            "site": lambda: self._site(facts),
            "related": lambda: self._related(members),
            **customer_parts(facts, self._below, lambda: self._invoices(members)),
        }
        if self.before:
            old = RecordFacts(self.reader, self.module, {**facts.values, **self.before})
            parts["old"] = lambda: template_data(old, self._below("old"))
        if self.members:
            parts["records"] = lambda: self._members_data(members)
        return Data(parts)

    def _below(self, root: str) -> set[str]:
        """The paths that templates of this workflow read under a root."""
        schema = self.reader.tx.schema
        meant = (meaning(path, self.module, schema) for path in self.live.parsed.paths)
        split = (path.partition(".") for path in meant)
        return {rest for name, _, rest in split if name == root}

    def _invoices(self, members: list[int]) -> list[RecordFacts] | None:
        """The invoices that the run is about; None if it is about records of another kind."""
        if self.module.name != INVOICES:
            return self._chosen(members).get(INVOICES)
        return [row for id in members if (row := self.facts(id))] if self.members else None

    def _chosen(self, members: list[int]) -> dict[str, list[RecordFacts]]:
        """The related records that the conditions chose, by module; paused ones are left out."""
        mine = [row for id in members if (row := self.facts(id))]
        found = related_selection(self.live.parsed.entry, mine, self.started_at)
        return {
            module: [row for row in rows if paused(row) is None] or rows
            for module, rows in found.items()
        }

    def _related(self, members: list[int]) -> dict[str, list[dict[str, Any]]]:
        below = self._below("related")
        return {
            module: [template_data(row, _inside(below, module)) for row in rows]
            for module, rows in self._chosen(members).items()
        }

    def _site(self, facts: RecordFacts) -> dict[str, str]:
        address = self.reader.tx.links.address
        place = f"{address}/records/{self.module.name}/{facts.values['id']}"
        return {"url": address, "record": place}

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


def _inside(paths: set[str], module: str) -> set[str]:
    """What is read of each record of a list, of paths like `invoices.0.number`."""
    split = [path.split(".", 2) for path in paths]
    return {parts[2] for parts in split if parts[0] == module and len(parts) > 2}


def _stored(move: Move) -> dict[str, JsonValue]:
    match move:
        case Do(effect):
            return {"move": "do", "effect": effect.model_dump(mode="json")}
        case Enter(branch, why):
            return {"move": "enter", "branch": branch, "why": why}
        case Sleep(until):
            return {"move": "sleep", "until": until.isoformat()}
        case Await(record, said, until):
            ends = until.isoformat() if until else None
            return {"move": "await", "record": record, "why": said, "until": ends}
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
    tx: BatchedTransaction,
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
        kept = (row.run, row.step, row.position, row.move, Phase(row.phase), _result(row), row.said)
        more = (row.warned, row.result or {}, row.tries, row.at, row.ended_at, row.cause, row.since)
        runs[row.run].entries[row.step] = Entry(*kept, *more, fresh=False, changed=False)
    subjects: dict[str, set[int]] = defaultdict(set)
    for run in runs.values():
        run.bindings = bindings
        subjects[run.module.name].update([run.record, *run.members])
    for name in sorted(subjects):
        tx.hold(reader, tx.schema.module(name), subjects[name])
    return list(runs.values())


def _result(row: Row[Any]) -> Result | Literal[""]:
    return Result(row.outcome) if row.outcome else ""


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
        RunState(row.state),
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
        awaits=row.awaits,
    )
