"""Which workflows a change may start: found by an index, then asked one by one."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.exc import OperationalError

from engine.conditions.parts import required
from engine.conditions.readings import holds
from engine.phrases import mark, say
from engine.records.alerts import raise_alert
from engine.records.events import note_asked
from engine.records.reader import Reader, RecordFacts
from engine.records.tables import EVENTS, PENDING
from engine.records.transaction import Transaction
from engine.runs import store
from engine.runs.bindings import Bindings
from engine.runs.enrol import Cause, Enrolment
from engine.runs.reply_loops import ReplyLimit
from engine.runs.run import DEEPEST
from engine.runs.sending.mending import mend
from engine.schema.modules import Module
from engine.schema.own_modules import TEMPLATES
from engine.workflows import loops
from engine.workflows.fingerprint import writes
from engine.workflows.library import By, Library, Live
from engine.workflows.rewording import renew

BATCH = 200
ONE_AT_A_TIME = 0x5A150  # whoever matches holds this lock of PostgreSQL; SQLite has one writer
Key = tuple[str, str, str | None]
# The words for `circle` and for `stale`.
CHANGED = mark(
    "It does nothing more once a field, function, sender or workflow that it uses is another than "
    "approved."
)
log = logging.getLogger("sayso.match")


def circles() -> str:
    """That workflows do not start one another for ever."""
    return say(
        "No change of its own making starts it, and no chain of workflows is longer than {count}.",
        count=DEEPEST,
    )


class Index:
    """Live workflows by module, kind of change and, if they ask for it, the field changed."""

    def __init__(self, lives: Iterable[Live]) -> None:
        self._by: dict[Key, list[Live]] = defaultdict(list)
        for live in lives:
            for key in keys(live):
                self._by[key].append(live)

    def of(self, module: str, kind: str, fields: Iterable[str]) -> list[Live]:
        """The workflows that such a change may start, in the order of their ids."""
        found = list(self._by.get((module, kind, None), ()))
        for field in fields if kind == "modified" else ():
            found += self._by.get((module, kind, field), ())
        return sorted(
            {live.workflow: live for live in found}.values(), key=lambda live: live.workflow
        )


def keys(live: Live) -> list[Key]:
    """Where a workflow stands in the index. An episode hears of all changes, to know its end."""
    workflow = live.parsed
    asked = {part.field for part in required(workflow.entry) if loops.of_change(part.op)}
    found: list[Key] = []
    for listen in workflow.trigger.listens():
        fields = listen.fields or (frozenset({sorted(asked)[0]}) if asked else None)
        if listen.kind != "modified" or fields is None or workflow.recurrence.of_episodes:
            found.append((workflow.module, listen.kind, None))
        else:
            found += [(workflow.module, listen.kind, field) for field in fields]
    return found


class Matcher:
    """Takes events that no workflow was asked about yet, and starts what they start."""

    def __init__(self, library: Library, bindings: Bindings) -> None:
        self.library, self.bindings = library, bindings
        self._index: tuple[dict[int, Live], Index] | None = None

    def index(self, tx: Transaction) -> Index:
        lives = self.library.live(tx)
        if self._index is None or self._index[0] is not lives:
            self._index = (lives, Index(lives.values()))
        return self._index[1]

    def take(self, tx: Transaction, limit: int = BATCH, *, careful: bool = False) -> int:
        """Match a batch of events, in the order they happened. Returns how many.

        `careful` asks each workflow apart: one that cannot be asked stops nothing else.
        """
        if tx.db.dialect.name == "postgresql":
            # Two at a time could see the changes of one record in the wrong order.
            tx.db.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
        events = tx.db.execute(WAITING, {"most": limit}).all()
        if not events:
            return 0
        asked = list(self._asked(tx, events))
        if careful:
            for event, live in asked:
                self._ask_carefully(tx, live, event)
        elif asked:
            self._ask(tx, asked)
        changed = sorted({f"{event.module}/{event.record}" for event in events})
        store.wake_awaiting(tx, changed)
        mend(tx, self.library, events)
        note_asked(tx, [event.id for event in events])
        if worded := [event for event in events if event.module == TEMPLATES]:
            by = By(worded[-1].actor, any(event.token is not None for event in worded))
            renew(tx, by, [event.actor for event in worded])
        return len(events)

    def _asked(
        self, tx: Transaction, events: Iterable[Row[Any]]
    ) -> Iterator[tuple[Row[Any], Live]]:
        """Which workflows are to be asked about which change."""
        index = self.index(tx)
        for event in events:
            if event.snapshot is None:
                continue  # an import that is to start nothing
            for live in index.of(event.module, event.kind, event.changes):
                if live.since is None or event.at >= live.since:
                    yield event, live

    def _ask(self, tx: Transaction, asked: Sequence[tuple[Row[Any], Live]]) -> None:
        reader = Reader(tx)
        facts: dict[int, RecordFacts] = {}
        told: list[tuple[Row[Any], Live, bool]] = []
        for event, live in asked:
            module = tx.schema.module(event.module)
            reader.at = event.at
            known = facts.get(event.id) or facts.setdefault(
                event.id, facts_of(reader, module, event)
            )
            entry = self.bindings.of(tx, module, live.parsed.entry, event.at, event=True)
            if (true_of := holds(entry, known)) or live.parsed.recurrence.of_episodes:
                told.append((event, live, true_of))
        enrolment = Enrolment(tx, ((live, event.record) for event, live, _ in told))
        senders = ReplyLimit(tx)
        for event, live, true_of in told:
            begins = enrolment.begins(live, event.record, true_of) and self._may(tx, live, event)
            if begins and senders.admits(live, facts[event.id].values):
                enrolment.enrol(live, event.record, f"change {event.id}", _cause(event))
        enrolment.write()

    def _ask_carefully(self, tx: Transaction, live: Live, event: Row[Any]) -> None:
        try:
            with tx.db.begin_nested():
                self._ask(tx, [(event, live)])
        except OperationalError:
            raise
        except Exception as error:
            record = f"{event.module}/{event.record}"
            about = {"workflow": live.workflow, "record": record}
            told = "workflow %s cannot be asked about change %s"
            log.exception(told, live.workflow, event.id, extra=about)
            told = f"“{live.name}” could not be asked about a change of {record}: {error}"
            key = f"unasked/{live.workflow}"
            raise_alert(tx, "failed", key, told, "Report this; then run it by hand.", live.workflow)

    def _may(self, tx: Transaction, live: Live, event: Row[Any]) -> bool:
        """Whether this change may start a workflow that asks for it; if not, people are told."""
        if event.workflow == live.workflow and not _would_go_on(tx, live, event):
            return False
        if why := circle(live, event):
            key = f"loop/{live.workflow}/{event.workflow}"
            raise_alert(tx, "loop", key, why, "Narrow one of the triggers.", live.workflow)
            return False
        return not stale(tx, live, self.bindings)


WAITING = (
    select(EVENTS).where(PENDING).order_by(EVENTS.c.id).limit(bindparam("most")).with_for_update()
)


def facts_of(reader: Reader, module: Module, event: Row[Any]) -> RecordFacts:
    """The record as it was right after the change, and the change."""
    values = {
        name: module.by_name[name].load(raw)
        for name, raw in event.snapshot.items()
        if name in module.by_name
    }
    changes = {
        name: (module.by_name[name].load(old), module.by_name[name].load(new))
        for name, (old, new) in event.changes.items()
        if name in module.by_name
    }
    complete = {**dict.fromkeys(module.by_name), **values, "id": event.record}
    return RecordFacts(reader, module, complete, changes, created=event.kind == "created")


def _would_go_on(tx: Transaction, live: Live, event: Row[Any]) -> bool:
    """Whether a change of a workflow's own making would lead to another, were it started by it."""
    if live.parsed.trigger.minds_itself:
        return False
    made = [write for write in writes(live.parsed, tx.schema) if write.module == event.module]
    touched = ("*",) if event.kind == "created" else event.changes
    return any(loops.runs_on(write) for write in made if write.field in touched)


def circle(live: Live, event: Row[Any]) -> str | None:
    """Why a change made by a workflow must not start this one."""
    record = f"{event.module}/{event.record}"
    chain = [(link[0], link[1]) for link in event.chain or ()]
    if event.workflow == live.workflow:
        return f"“{live.name}” would be started by its own change of {record}"
    if (live.workflow, record) in chain:
        return f"“{live.name}” has run for {record} already in this chain of causes"
    if event.depth >= DEEPEST:
        return f"“{live.name}” would be the {event.depth + 1}th workflow in one chain of causes"
    return None


def stale(tx: Transaction, live: Live, bindings: Bindings | None = None) -> bool:
    """Whether what was approved is no longer what would run; if so, people are told."""
    if (bindings or Bindings()).fingerprint(live, tx) == live.hash:
        return False
    cause = f"“{live.name}” has changed since it was approved: what it uses is another now."
    key = f"changed/{live.workflow}/{live.version}"
    raise_alert(tx, "changed", key, cause, "Submit it for review again.", live.workflow)
    return True


def _cause(event: Row[Any]) -> Cause:
    before = (
        {name: old for name, (old, _) in event.changes.items()}
        if event.kind == "modified"
        else None
    )
    if event.kind == "deleted":
        before = {**event.snapshot, "id": event.record}
    chain = tuple((link[0], link[1]) for link in event.chain or ())
    return Cause(event.actor, event.id, event.depth, chain, before)
