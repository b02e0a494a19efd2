"""What an upgrade step is given: a connection, Alembic's operations on it, a place for words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Inspector, inspect

from engine.records.database import Database
from engine.records.transaction import Transaction


@dataclass
class Changing:
    """A database that is being upgraded, in the one transaction that does all of it.

    `say` is called with what was done or left as it was, in words for whoever runs the upgrade.
    """

    database: Database
    db: Connection
    now: datetime
    say: Callable[[str], None]

    @cached_property
    def op(self) -> Operations:
        """Alembic's operations, which change tables on both databases alike."""
        return Operations(MigrationContext.configure(self.db))

    @property
    def seen(self) -> Inspector:
        """The tables as they are now; it keeps what it has seen, so ask for it anew each time."""
        return inspect(self.db)

    def columns(self, table: str) -> set[str]:
        return {column["name"] for column in self.seen.get_columns(table)}

    def transaction(self) -> Transaction:
        """The modules and the company as they are stored now."""
        return self.database.upgraded(self.db)
