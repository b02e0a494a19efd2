"""What a change will start: asked, with nothing noted."""

from typing import Any

from sqlalchemy import Row, select

from engine.conditions import bind
from engine.conditions.readings import holds
from engine.records.reader import Reader
from engine.records.tables import EVENTS
from engine.records.transaction import Transaction
from engine.runs.judge import Judge
from engine.runs.match import Matcher, circle, facts_of
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import Live, surroundings


def would_start(tx: Transaction, matcher: Matcher, event: int) -> list[Live]:
    """The workflows that a change made in this transaction will start, once it is committed."""
    row = tx.db.execute(select(EVENTS).where(EVENTS.c.id == event)).one()
    if not row.pending or row.snapshot is None:
        return []
    asked = matcher.index(tx).of(row.module, row.kind, row.changes)
    reader = Reader(tx, row.at)
    return [live for live in asked if _fits(tx, reader, live, row)]


def _fits(tx: Transaction, reader: Reader, live: Live, event: Row[Any]) -> bool:
    """The same questions as a worker will ask."""
    if (live.since and event.at < live.since) or circle(live, event):
        return False
    module = tx.schema.module(event.module)
    condition = bind(live.parsed.entry, reader.binder(module, event=True))
    if not holds(condition, facts_of(reader, module, event)):
        return False
    if fingerprint(live.document, live.parsed, surroundings(tx)) != live.hash:
        return False
    return not Judge(tx, live, [event.record]).held_back(event.record)
