"""Which workflows a change may start: found by an index, then asked one by one."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select, update

from engine.alerts import raise_alert
from engine.conditions import bind
from engine.dependencies import fingerprint
from engine.enrol import Cause, becomes, enrol
from engine.facts import Reader, RecordFacts
from engine.ledger import DEEPEST
from engine.library import Library, Live
from engine.lint import required
from engine.modules import Module
from engine.readings import holds
from engine.tables import EVENTS
from engine.transaction import Transaction

CHANGES = ("changed", "changed_to", "changed_from", "becomes")
Key = tuple[str, str, str | None]


class Index:
    """Live workflows by module, kind of change and, where they ask for it, the field that must have changed."""

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
    """Where a workflow stands in the index. An episode must hear of every change, to know when it ends."""
    workflow = live.parsed
    asked = {part.field for part in required(workflow.entry) if part.op in CHANGES}
    found: list[Key] = []
    for listen in workflow.trigger.listens():
        fields = listen.fields or (frozenset({sorted(asked)[0]}) if asked else None)
        if listen.kind != "modified" or fields is None or workflow.recurrence == "episode":
            found.append((workflow.module, listen.kind, None))
        else:
            found += [(workflow.module, listen.kind, field) for field in fields]
    return found


class Matcher:
    """Takes events that no workflow was asked about yet, and starts what they start."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._index: tuple[dict[int, Live], Index] | None = None

    def index(self, tx: Transaction) -> Index:
        lives = self.library.live(tx)
        if self._index is None or self._index[0] is not lives:
            self._index = (lives, Index(lives.values()))
        return self._index[1]

    def take(self, tx: Transaction, limit: int = 200) -> int:
        """Match a batch of events. Returns how many there were; all of it commits or none."""
        query = select(EVENTS).where(EVENTS.c.pending).order_by(EVENTS.c.id).limit(limit)
        events = tx.db.execute(query.with_for_update(skip_locked=True)).all()
        if not events:
            return 0
        index, reader = self.index(tx), Reader(tx)
        for event in events:
            for live in index.of(event.module, event.kind, event.changes):
                self._ask(tx, reader, live, event)
        ids = [event.id for event in events]
        tx.db.execute(
            update(EVENTS).where(EVENTS.c.id.in_(ids)).values(pending=False, snapshot=None)
        )
        return len(events)

    def _ask(self, tx: Transaction, reader: Reader, live: Live, event: Row[Any]) -> None:
        if live.since and event.at < live.since:
            return
        module = tx.schema.module(event.module)
        reader.at = event.at
        condition = bind(live.parsed.entry, reader.binder(module, event=True))
        true_of = holds(condition, facts_of(reader, module, event))
        if live.parsed.recurrence == "episode" and not becomes(
            tx, live.workflow, event.record, true_of
        ):
            return
        if not true_of:
            return
        if why := circle(live, event):
            raise_alert(
                tx,
                "loop",
                f"loop/{live.workflow}/{event.workflow}",
                why,
                "Narrow one of the triggers.",
                live.workflow,
            )
            return
        if stale(tx, live):
            return
        enrol(tx, live, event.record, f"change {event.id}", _cause(event))


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


def stale(tx: Transaction, live: Live) -> bool:
    """Whether what the person approved is no longer what would run; if so, it says so and does not."""
    if fingerprint(live.document, live.parsed, tx.schema) == live.hash:
        return False
    cause = f"“{live.name}” has changed since it was approved: a field it uses is another now."
    raise_alert(
        tx,
        "changed",
        f"changed/{live.workflow}/{live.version}",
        cause,
        "Submit it for review again.",
        live.workflow,
    )
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
