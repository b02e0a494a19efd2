"""What a rehearsal supposes to have started a run: a change or a record that nobody made."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select

from engine.conditions import AllOf, AnyOf, Binder, Compare, Condition, bind
from engine.conditions.comparing import shown
from engine.conditions.operators import OPERATORS
from engine.conditions.readings import holds
from engine.outside.receiving import whose
from engine.problems import BadValue, Invalid, Problem
from engine.records.batch import BatchedRecords
from engine.records.reader import Reader, RecordFacts
from engine.records.tables import EVENTS
from engine.records.writer import Author, Saved
from engine.runs.match import Index, facts_of
from engine.runs.rehearsed_stage import RehearsedTransaction
from engine.schema.english import listed
from engine.schema.fields import Field
from engine.schema.own_modules import EMAILS
from engine.workflows.library import Live

ELSEWHERE = "something else"


@dataclass(frozen=True)
class Supposed:
    """What starts a run: the record, what it was `before`, and, in words, what is supposed.

    `of_change` tells that there is a change to ask about; `unlike` why the trigger does not wait
    for such a one.
    """

    facts: RecordFacts
    before: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""
    of_change: bool = True
    unlike: str = ""


@dataclass
class Supposing:
    """Supposes, in a transaction that is undone, what would start one workflow."""

    tx: RehearsedTransaction
    reader: Reader
    live: Live
    by: str

    def __post_init__(self) -> None:
        self.trigger = self.live.parsed.trigger
        self.module = self.tx.schema.module(self.live.parsed.module)
        self.records = BatchedRecords(self.tx, Author(self.by), self.reader)
        self.listens = {each.kind for each in self.trigger.listens()}

    def changed(self, id: int, values: Mapping[str, JsonValue]) -> Supposed:
        """That these fields of a record are given these values now. Raises `Invalid`."""
        before = dict(self.reader.row(self.module, id) or {})
        saved = _named("change", lambda: self.records.update(self.module.name, id, values))
        if self.listens:
            return self._of(saved, "modified", before)
        facts = self._facts(id)
        changes = {name: (before.get(name), facts.values.get(name)) for name in saved.changes}
        return Supposed(facts, said=self._changes(changes), of_change=False)

    def made(self, values: Mapping[str, JsonValue]) -> Supposed:
        """That a record with these values comes into being now. Raises `Invalid`."""
        whole = {**self.trigger.supposed(), **values}
        if self.module.name == EMAILS and whole.get("direction") == "in" and "account" not in whole:
            contact, account = whose(self.tx, str(whole.get("sender") or ""))
            whole |= {"contact": contact and contact["id"], "account": account and account["id"]}
        saved = _named("sample", lambda: self.records.create(self.module.name, whole))
        said = f"there were {saved.number}, a supposed {self.module.singular.lower()}"
        if "created" in self.listens:
            return self._of(saved, "created", {}, said)
        return self.looked_for(saved.id, said)

    def looked_for(self, id: int, said: str = "") -> Supposed:
        """That what the trigger waits for has just made the record what it is."""
        if not self.listens:
            return Supposed(self._facts(id), said=said, of_change=False)
        if self.listens == {"deleted"}:
            return self._deleted(id)
        if "created" in self.listens and not ("modified" in self.listens and self._asks()):
            facts = self._facts(id)
            return Supposed(replaced(facts, {}, created=True), said=said)
        return self._modified(id, said)

    # --- an event that is really raised ---

    def _of(self, saved: Saved, kind: str, before: Mapping[str, Any], said: str = "") -> Supposed:
        """What a worker will read of this change."""
        if saved.event is None:
            told = f"{saved.number} has these values already, so that nothing would change"
            return Supposed(self._facts(saved.id), unlike=told)
        row = self.tx.db.execute(select(EVENTS).where(EVENTS.c.id == saved.event)).one()
        facts = facts_of(self.reader, self.module, row)
        asked = Index([self.live]).of(self.module.name, kind, row.changes)
        unlike = "" if asked else f"the workflow does not wait for this: {self._waits()}"
        told = said or self._changes(facts.changes)
        old = {name: before.get(name) for name in facts.changes} if before else {}
        return Supposed(facts, old, told, unlike=unlike)

    def _deleted(self, id: int) -> Supposed:
        facts = self._facts(id)
        said = f"{facts.values['number']} were deleted"
        try:
            self.records.delete(self.module.name, id)
        except Invalid as invalid:
            return Supposed(facts, unlike=str(invalid))
        return Supposed(facts, {**facts.values, "id": id}, said)

    def _waits(self) -> str:
        told = self.trigger.say(self.reader.binder(self.module, event=True))
        return f"it starts {told[:1].lower()}{told[1:]}"

    # --- a change that is only imagined ---

    def _asks(self) -> list[Compare]:
        """What the conditions ask about a change."""
        return [node for node in _leaves(self.live.parsed.entry) if _of_change(node)]

    def _modified(self, id: int, said: str) -> Supposed:
        """That the record has just come to be as it is."""
        facts = self._facts(id)
        changes: dict[str, tuple[Any, Any]] = {}
        for node in self._looks_for():
            changes |= self._earlier(node, facts, changes)
        told = "; and ".join(filter(None, (said, self._changes(changes))))
        old = {name: pair[0] for name, pair in changes.items()}
        return Supposed(replaced(facts, changes), old, told)

    def _looks_for(self) -> Iterator[Compare]:
        yield from (asked := self._asks())
        watched = {name for each in self.trigger.listens() for name in each.fields or ()}
        if watched and not watched & {node.field for node in asked}:
            yield Compare(field=min(watched), op="changed")

    def _earlier(
        self, node: Compare, facts: RecordFacts, known: Mapping[str, tuple[Any, Any]]
    ) -> dict[str, tuple[Any, Any]]:
        """What a field must have been before for this to hold now; nothing if nothing would do."""
        have = facts.values.get(node.field)
        for old in self._values_of(self.module.field(node.field), node, have):
            changes = {**known, node.field: (old, have)}
            if old != have and holds(bind(node, self._binder), replaced(facts, changes)):
                return {node.field: (old, have)}
        return {}

    def _values_of(self, field: Field, node: Compare, have: Any) -> Iterator[Any]:
        """Values that a field may have had before."""
        with suppress(BadValue, TypeError):
            yield field.parse(node.value, self.tx.company.calendar.timezone)
        yield from field.options
        if field.type == "owner":
            yield from self.tx.handles
        match field.kind, have:
            case "bool", _:
                yield not have
            case "number", _:
                yield from ((have or 0) - Decimal(1), (have or 0) + Decimal(1))
            case "date" | "datetime", date():
                yield from (have - timedelta(days=1), have + timedelta(days=1))
            case "date", None:
                yield self._binder.today
            case "datetime", None:
                yield self.tx.now
            case "text", None if field.type in ("text", "longtext", "richtext"):
                yield ELSEWHERE
        yield None

    def _changes(self, changes: Mapping[str, tuple[Any, Any]]) -> str:
        told = []
        for name, (old, new) in changes.items():
            field = self.module.field(name)
            was, now = (shown(field, value, self._binder) for value in (old, new))
            told.append(f"{field.title.lower()} changed from {was} to {now}")
        return listed(told)

    @property
    def _binder(self) -> Binder:
        return self.reader.binder(self.module, event=True)

    def _facts(self, id: int) -> RecordFacts:
        return RecordFacts(self.reader, self.module, self.reader.row(self.module, id) or {})


def replaced(
    facts: RecordFacts, changes: Mapping[str, tuple[Any, Any]], *, created: bool = False
) -> RecordFacts:
    """The same record with another change, or none, behind it."""
    return RecordFacts(facts.reader, facts.module, facts.values, changes, created=created)


def _leaves(condition: Condition) -> Iterator[Compare]:
    """The comparisons that may make a condition hold: none of those that must not hold."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from _leaves(part)
        case Compare():
            yield condition


def _of_change(node: Compare) -> bool:
    return OPERATORS[node.op].of_change or (isinstance(node.value, dict) and "old" in node.value)


def _named(key: str, write: Any) -> Saved:
    """What was written. Raises `Invalid`, its problems named after the parameter."""
    try:
        saved: Saved = write()
    except Invalid as invalid:
        told = (
            Problem(each.path.replace("values", key, 1) or key, each.message, each.remedy)
            for each in invalid.problems
        )
        raise Invalid(*told) from invalid
    return saved
