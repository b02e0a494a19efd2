"""Conditions bound once and asked often, while what they name and their day stay the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from engine.company.calendar import parse_moment
from engine.company.company import Company
from engine.conditions import Bound, Condition, bind
from engine.records.transaction import Transaction
from engine.schema.modules import Module, Schema
from engine.workflows.fingerprint import fingerprint, guard
from engine.workflows.library import Live, surroundings

MOST = 20_000
Version = tuple[int, int, str]


@dataclass
class Bindings:
    """What one process knows. Any number of threads may use it."""

    _ground: tuple[Schema | None, Company | None, dict[tuple[Any, ...], Bound]] = (None, None, {})
    # By identity, with the condition itself, so that no other takes its place in memory.
    _told: dict[int, tuple[Condition, str]] = field(default_factory=dict)
    _guards: dict[Version, tuple[Schema, Condition]] = field(default_factory=dict)
    _prints: dict[Version, tuple[Schema, Company, str]] = field(default_factory=dict)

    def of(
        self, tx: Transaction, module: Module, condition: Condition, at: datetime, *, event: bool
    ) -> Bound:
        """The condition as it is meant then; `event` where there is a change to look at."""
        bound = self._standing(tx)
        binder = tx.binder(module, event=event, at=at)
        when: date | None = {"now": at, "today": binder.today}.get(self._tells(condition))
        key = (id(condition), event, when)
        if (known := bound.get(key)) is not None:
            return known
        asked: list[str] = []

        def find(there: Module, name: str) -> int | None:
            asked.append(name)
            return tx.find(there, name)

        found = bind(condition, replace(binder, lookup=find))
        if not asked:  # which record a name means may change at any time
            bound[key] = found
        return found

    def guard(self, live: Live, schema: Schema) -> Condition:
        """What is asked again before each later action of this version."""
        key = (live.workflow, live.version, live.hash)
        known = self._guards.get(key)
        if known is None or known[0] is not schema:
            known = self._guards[key] = (schema, guard(live.parsed, schema))
        return known[1]

    def fingerprint(self, live: Live, tx: Transaction) -> str:
        """The hash of this version as things stand now. It is kept while the modules and the
        company are the same, unless the version starts other workflows, which may be others now.
        """
        key = (live.workflow, live.version, live.hash)
        known = self._prints.get(key)
        same = known is not None and known[0] is tx.schema and known[1] is tx.company
        if known is None or not same or any(step.starts() for step in live.parsed.every_step):
            now = fingerprint(live.document, live.parsed, surroundings(tx))
            known = self._prints[key] = (tx.schema, tx.company, now)
        return known[2]

    def _standing(self, tx: Transaction) -> dict[tuple[Any, ...], Bound]:
        """What is known for these modules and this company; nothing, once they are others."""
        schema, company, bound = self._ground
        if schema is not tx.schema or company is not tx.company or len(bound) > MOST:
            bound = {}
            self._ground = (tx.schema, tx.company, bound)
        return bound

    def _tells(self, condition: Condition) -> str:
        """Whether what it means depends on the moment (`now`), the day (`today`), or on neither."""
        known = self._told.get(id(condition))
        if known is None:
            words = [
                moment.word
                for text in _texts(condition.model_dump())
                if (moment := parse_moment(text))
            ]
            told = "now" if "now" in words else "today" if words else ""
            known = self._told[id(condition)] = (condition, told)
        return known[1]


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, (dict, list, tuple)):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _texts(part)
