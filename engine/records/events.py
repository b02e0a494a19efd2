"""Events: every change there ever was, and which of them no workflow has been asked about yet."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, null, update

from engine.records.tables import EVENTS
from engine.records.transaction import Transaction

ADD = insert(EVENTS)
ADD_UNNUMBERED = ADD.returning(EVENTS.c.id, sort_by_parameter_order=True)
ASKED = (
    update(EVENTS)
    .where(EVENTS.c.id.in_(bindparam("ids", expanding=True)))
    .values(pending=False, snapshot=null())
)


def add(db: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Keep events. Returns their ids, in the order of the rows."""
    return list(db.scalars(ADD_UNNUMBERED, rows))


def add_numbered(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """As `add`, for events that have their ids already."""
    db.execute(ADD, rows)


def note_asked(tx: Transaction, ids: Sequence[int]) -> None:
    """All workflows were asked about these events; what only they needed is let go."""
    tx.db.execute(ASKED, {"ids": ids})
