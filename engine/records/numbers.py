"""The numbers of records: of each module the next one that nobody has."""

from sqlalchemy import Connection, select

from engine.records.tables import NUMBERS
from engine.records.transaction import Transaction


def next_free(db: Connection, module: str) -> int:
    """The next number of a module; nobody else takes one until the transaction ends."""
    query = select(NUMBERS.c.next).where(NUMBERS.c.module == module).with_for_update()
    return db.scalar(query) or 1


def go_on_at(tx: Transaction, module: str, number: int) -> None:
    """All numbers of a module below this one are used up."""
    tx.upsert(NUMBERS, ["module"], {"module": module, "next": number})
