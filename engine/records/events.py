"""Events: every change there ever was, and which of them no workflow has been asked about yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, null, select, update

from engine.records.tables import EVENTS
from engine.records.transaction import Transaction
from engine.schema.own_modules import DOCUMENTS

SHOWN = 30  # so many of the newest changes of each record are shown, and never deleted

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


def expired(
    tx: Transaction, after: int, before: datetime, most: int
) -> tuple[list[int], int | None]:
    """The events that may be deleted among the `most` after this id, and the last of those.

    None instead of the last id where no older ones follow. The newest changes of each record stay,
    and all of documents: what belonged to whom decides for ever who may see a file.
    """
    about = (EVENTS.c.id, EVENTS.c.module, EVENTS.c.record, EVENTS.c.at, EVENTS.c.pending)
    some = select(*about).where(EVENTS.c.id > after).order_by(EVENTS.c.id).limit(most)
    rows = tx.db.execute(some).all()
    old = [row for row in rows if row.at < before and not row.pending and row.module != DOCUMENTS]
    gone = [row.id for row in old if _is_overtaken(tx, row)]
    return gone, rows[-1].id if len(rows) == most and rows[-1].at < before else None


def _is_overtaken(tx: Transaction, event: Any) -> bool:
    """Whether its record has changed so often since that nobody is shown this change."""
    same = (EVENTS.c.module == event.module, EVENTS.c.record == event.record)
    later = select(EVENTS.c.id).where(*same, EVENTS.c.id > event.id).order_by(EVENTS.c.id)
    return tx.db.scalar(later.offset(SHOWN - 1).limit(1)) is not None


def forget(tx: Transaction, ids: Sequence[int]) -> None:
    """Delete events."""
    tx.db.execute(delete(EVENTS).where(EVENTS.c.id.in_(ids)))
