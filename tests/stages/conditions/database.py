"""A database that holds a small world, and the three ways to ask for whom a condition is true."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import insert, select

from engine.conditions import Bound, readings
from engine.records.database import Database
from engine.records.reader import Reader, RecordFacts
from engine.records.transaction import Transaction
from tests.stages.conditions.world import COMPANY, MODULES, NOW, SCHEMA, PlainFacts, World


class Undone(Exception):
    """Takes back what a transaction wrote."""


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The modules of the small world, without records."""
    database = Database(url, lambda: NOW)
    database.prepare(COMPANY, MODULES)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def holding(database: Database, world: World) -> Iterator[Transaction]:
    """A transaction in which the database holds this world, and nothing else; undone at its end."""
    with suppress(Undone), database.begin() as tx:
        for name, rows in world.rows.items():
            if rows:
                tx.db.execute(insert(tx.schema.tables[name]), list(rows.values()))
        yield tx
        raise Undone


def in_sql(tx: Transaction, name: str, condition: Bound) -> set[int]:
    table = tx.schema.tables[name]
    clause = readings.where(condition, readings.Columns(tx.binder(tx.schema.module(name)), table))
    return set(tx.db.scalars(select(table.c.id).where(clause, table.c.deleted_at.is_(None))))


def in_memory(world: World, name: str, condition: Bound) -> set[int]:
    """By what is known of each record without any SQL."""
    module, rows = SCHEMA.module(name), world.live(name)
    return {row["id"] for row in rows if readings.holds(condition, PlainFacts(world, module, row))}


def in_facts(tx: Transaction, world: World, name: str, condition: Bound) -> set[int]:
    """As the engine itself looks at a single record, with what it reads from the database."""
    reader, module = Reader(tx), tx.schema.module(name)
    rows = {row["id"]: reader.row(module, row["id"]) for row in world.live(name)}
    return {
        id
        for id, row in rows.items()
        if row is not None and readings.holds(condition, RecordFacts(reader, module, row))
    }
