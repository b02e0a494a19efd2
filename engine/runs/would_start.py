"""What a change starts, and what keeps a workflow from starting: asked, with nothing noted."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from engine.conditions import bind
from engine.conditions.readings import holds
from engine.records.reader import Reader
from engine.records.tables import EVENTS
from engine.records.transaction import Transaction
from engine.runs.enrol import Enrolment
from engine.runs.match import Matcher, circle, facts_of
from engine.runs.reply_loops import ReplyLimit, hours
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
    return not any(held_back(tx, live, event.record))


def held_back(
    tx: Transaction, live: Live, subject: int, at: datetime | None = None
) -> Iterator[str]:
    """Why a workflow whose conditions hold of a record would not start for it, now or then."""
    enrolment = Enrolment(tx, [(live, subject)], at)
    begins = enrolment.begins(live, subject, holds=True)
    if why := enrolment.refusal(live, subject):
        yield why
    elif not begins and live.parsed.trigger.listens():
        yield "its conditions were true already, and it runs when they become true"
    if why := _sender(tx, live, subject):
        yield why


def _sender(tx: Transaction, live: Live, subject: int) -> str | None:
    """Why a mail does not start it, of a sender whose mail just did."""
    if not hours(tx, live.parsed):
        return None
    row = Reader(tx).row(tx.schema.module(live.parsed.module), subject)
    return ReplyLimit(tx).refusal(live, row) if row else None
