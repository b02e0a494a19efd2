"""Who did what: one row for each act of a person or a token that is worth looking up later."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from engine.records.tables import AUDIT
from engine.records.transaction import Transaction


def record(
    tx: Transaction,
    actor: str,
    verb: str,
    object: str,
    detail: Mapping[str, Any] | None = None,
    token: str | None = None,
) -> None:
    """Note an act; it is kept if and only if the act is. `detail` never holds a secret."""
    row = {
        "at": tx.now,
        "actor": actor,
        "token": token,
        "verb": verb,
        "object": object,
        "detail": dict(detail) if detail else None,
    }
    tx.db.execute(insert(AUDIT).values(**row))


def listed(
    tx: Transaction,
    *,
    actor: str | None = None,
    object: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Row[Any]]:
    """Acts, the newest first; `before` is the id of the last row already seen."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if actor:
        query = query.where(AUDIT.c.actor == actor)
    if object:
        query = query.where(AUDIT.c.object == object)
    return list(tx.db.execute(query.where(AUDIT.c.id < before) if before else query).all())


def expired(
    tx: Transaction, after: int, before: datetime, most: int
) -> tuple[list[int], int | None]:
    """The acts from before that moment among the `most` after this id, and the last of those; None
    instead of it where no older ones follow."""
    some = select(AUDIT.c.id, AUDIT.c.at).where(AUDIT.c.id > after)
    rows = tx.db.execute(some.order_by(AUDIT.c.id).limit(most)).all()
    gone = [row.id for row in rows if row.at < before]
    return gone, rows[-1].id if len(rows) == most and rows[-1].at < before else None


def forget(tx: Transaction, ids: Sequence[int]) -> None:
    """Delete acts."""
    tx.db.execute(delete(AUDIT).where(AUDIT.c.id.in_(ids)))
