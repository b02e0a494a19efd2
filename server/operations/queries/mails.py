"""Mails that were sent, would have been, or came in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from engine.records.transaction import Transaction
from engine.schema.sql_types import Fold
from server.operations.registry import missing

MAILS = "emails"
SEARCHED = ("subject", "to", "sender")
Mail = Mapping[str, Any]


def listed(tx: Transaction, state: str, words: str, limit: int, offset: int = 0) -> Sequence[Mail]:
    """Mails in this state, or all, with these words in an address or the subject; newest first."""
    table = tx.schema.tables[MAILS]
    query = select(table).where(*_meant(tx, state, words)).order_by(table.c.id.desc())
    return [dict(row) for row in tx.db.execute(query.limit(limit).offset(offset)).mappings()]


def count(tx: Transaction, state: str, words: str) -> int:
    return tx.count(tx.schema.tables[MAILS], *_meant(tx, state, words))


def one(tx: Transaction, id: int) -> Mail:
    """A mail as it is kept. Raises `Missing`."""
    table = tx.schema.tables[MAILS]
    where = (table.c.id == id, table.c.deleted_at.is_(None))
    row = tx.db.execute(select(table).where(*where)).mappings().first()
    if row is None:
        raise missing("mail", f"there is no message {id}.", "Look for it in the mailbox.")
    return dict(row)


def _meant(tx: Transaction, state: str, words: str) -> Iterator[ColumnElement[bool]]:
    table = tx.schema.tables[MAILS]
    yield table.c.deleted_at.is_(None)
    if state:
        yield table.c.status == state
    if part := words.casefold():
        columns = [table.c[name] for name in SEARCHED if name in table.c]
        yield or_(*(Fold(column).contains(part, autoescape=True) for column in columns))
