"""The templates of the library: one row a language."""

from collections.abc import Sequence

from sqlalchemy import select

from engine.records.transaction import Transaction
from engine.schema.own_modules import TEMPLATES
from server.operations.queries import Stored
from server.operations.registry import missing


def every(tx: Transaction) -> dict[str, list[Stored]]:
    """All templates with their languages, by name."""
    found: dict[str, list[Stored]] = {}
    for row in _rows(tx):
        found.setdefault(row.name, []).append(row)
    return found


def called(tx: Transaction, name: str) -> Sequence[Stored]:
    """The languages of the template with this name; none if there is no such template."""
    return every(tx).get(name, [])


def one(tx: Transaction, id: int) -> Sequence[Stored]:
    """All languages of the template that this record is one of. Raises `Missing`."""
    for rows in every(tx).values():
        if id in [row.id for row in rows]:
            return rows
    raise missing("template", f"there is no template {id}.", "It may have been deleted.")


def _rows(tx: Transaction) -> Sequence[Stored]:
    table = tx.schema.tables[TEMPLATES]
    query = select(table).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
    return tx.db.execute(query).all()
