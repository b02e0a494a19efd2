"""One transaction: a connection, the modules and the company as they are in it, and the time."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Table, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.company.company import Company
from engine.conditions import Binder
from engine.records.schema_number import KEY
from engine.records.signed_links import Links
from engine.records.tables import STATE
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import GROUPS, TAG_CATEGORIES, USERS
from engine.schema.sql_types import Fold

ONE_TRIAL = 0x5A151  # a lock of PostgreSQL


@dataclass
class Transaction:
    """What readers and writers are given; it ends with the block it was opened for."""

    db: Connection
    schema: Schema
    company: Company
    now: datetime
    links: Links = field(default_factory=Links)

    @cached_property
    def handles(self) -> Collection[str]:
        """The names of all users and groups."""
        users, groups = self.schema.tables[USERS], self.schema.tables[GROUPS]
        names = self.db.scalars(select(users.c.username).where(users.c.deleted_at.is_(None)))
        teams = self.db.scalars(select(groups.c.name).where(groups.c.deleted_at.is_(None)))
        return [name for name in (*names, *teams) if name]

    @cached_property
    def categories(self) -> Collection[str]:
        """The categories of tags, as far as there are any."""
        tags = self.schema.tables.get(TAG_CATEGORIES)
        if tags is None:
            return []
        named = select(tags.c.category).where(tags.c.deleted_at.is_(None)).distinct()
        return [name for name in self.db.scalars(named) if name]

    @cached_property
    def inactive(self) -> Collection[str]:
        """The names of users who are switched off."""
        users = self.schema.tables[USERS]
        if "active" not in users.c:
            return []
        gone = (users.c.active.is_(False), users.c.deleted_at.is_(None))
        return list(self.db.scalars(select(users.c.username).where(*gone)))

    @contextmanager
    def trial(self) -> Iterator["Transaction"]:
        """A transaction beside this one to try something in: all that it writes is undone.

        It sees what is committed. On SQLite nobody writes while it is open, and on PostgreSQL there
        is one at a time, because ids that are only supposed are used again: so let each be short.
        """
        with self.db.engine.connect() as opened:
            db = opened.execution_options(sayso_reads=False, postgresql_readonly=False)
            begun = db.begin()
            if db.dialect.name == "postgresql":
                db.execute(select(func.pg_advisory_xact_lock(ONE_TRIAL)))
            try:
                yield replace(self, db=db)
            finally:
                begun.rollback()

    def binder(self, module: Module, *, event: bool = False, at: datetime | None = None) -> Binder:
        return Binder(
            self.schema,
            module,
            at or self.now,
            self.company.calendar,
            self.find,
            (),
            event,
            called=self.called,
        )

    def called(self, module: Module, id: int) -> str:
        """What people call a record: its name, or its number; its id where it cannot be seen."""
        table = self.schema.tables[module.name]
        named = func.coalesce(table.c.get(module.name_field, table.c.number), table.c.number)
        return str(self.db.scalar(select(named).where(table.c.id == id)) or id)

    def find(self, module: Module, name: str) -> int | None:
        """The id of the one record with this number or name; None if there is none, or several."""
        table, word = self.schema.tables[module.name], name.strip()
        named = table.c.get(module.name_field, table.c.number)
        matches = or_(table.c.number == word, Fold(named) == word.casefold())
        found = self.db.execute(
            select(table.c.id, table.c.number).where(matches, table.c.deleted_at.is_(None)).limit(3)
        ).all()
        exact = [row.id for row in found if row.number == word] or [row.id for row in found]
        return exact[0] if len(exact) == 1 else None

    def upsert(
        self,
        table: Table,
        keys: list[str],
        values: dict[str, Any],
        update: dict[str, Any] | None = None,
    ) -> None:
        """Insert a row, or change the one with the same keys."""
        insert: Any = sqlite_insert if self.db.dialect.name == "sqlite" else postgres_insert
        changed = (
            update
            if update is not None
            else {name: value for name, value in values.items() if name not in keys}
        )
        self.db.execute(
            insert(table).values(**values).on_conflict_do_update(index_elements=keys, set_=changed)
        )

    def keep_number(self, number: int) -> None:
        """Say which shape the database has from now on (see `schema_number`)."""
        self.upsert(STATE, ["key"], {"key": KEY, "value": number})

    def touch(self, key: str) -> None:
        """Tell every process that what it keeps of `key` is out of date."""
        self.upsert(STATE, ["key"], {"key": key, "value": 1}, {"value": STATE.c.value + 1})

    def count(self, table: Table, *conditions: Any) -> int:
        return self.db.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
