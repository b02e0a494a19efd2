"""The number of the shape that the database has: its tables, and the documents kept in them."""

from sqlalchemy import Connection, inspect, select, text

from engine.problems import Invalid, Problem
from engine.records.tables import MODULES, STATE

KEY = "schema"
# The number of this program. Whoever changes what is kept adds an upgrade step and one to this.
NUMBER = 2
# Taken by whoever makes or upgrades tables, on a server that several processes share.
LOCK = 7_268_797_311


class Outdated(Invalid):
    """The database has the shape of another release than this program, so nothing is done."""


def check(number: int) -> None:
    """Raises `Outdated` unless the database has the shape that this program reads and writes."""
    if number == NUMBER:
        return
    if number > NUMBER:
        told = f"the database is of a newer release (schema {number}) than this program ({NUMBER})."
        remedy = "Run the newer program, or put back a backup from before its upgrade."
    else:
        told = f"the database is of an older release (schema {number}; this program has {NUMBER})."
        remedy = "Stop all processes of the older one, then run: sayso upgrade"
    raise Outdated(Problem("", told, remedy))


def number_of(db: Connection) -> int | None:
    """The number of the database: 0 from before there were numbers, None if nothing is there."""
    if not inspect(db).has_table(MODULES.name):
        return None
    return db.scalar(select(STATE.c.value).where(STATE.c.key == KEY)) or 0


def alone(db: Connection) -> None:
    """Wait until nobody else makes or upgrades tables, and keep others waiting until the commit.

    On SQLite a transaction that writes is alone from its start.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
