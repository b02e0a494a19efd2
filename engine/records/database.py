"""The database: SQLite or PostgreSQL, opened so that no update is lost, with the modules in it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.schema import CreateColumn

from engine.company.company import Company
from engine.conditions.formulas import check_formula
from engine.conditions.operators import fold
from engine.problems import Invalid, refuse
from engine.records import schema_number
from engine.records.signed_links import Links
from engine.records.tables import METADATA, MODULES, SETTINGS, STATE
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module, Schema, check_module, column

READ_ONLY = {"sayso_reads": True, "postgresql_readonly": True}
NEWEST = select(STATE.c.key, STATE.c.value)


class Database:
    """Where transactions are opened. What is cached is read again when any process changed it.

    Each transaction looks whether the database still has the shape that this program knows, and
    raises `Outdated` if it has not.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        *,
        links: Links | None = None,
        pool_size: int = 20,
    ) -> None:
        self.clock, self.links = clock, links or Links()
        self.engine = _open(url, pool_size)
        self._reading = self.engine.execution_options(**READ_ONLY)
        self._lock = Lock()
        self._known: tuple[tuple[int, int], Schema, Company] | None = None

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction that may write. On SQLite it holds the one write lock from its start."""
        with self.engine.begin() as db:
            yield self._transaction(db)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that cannot write, and never waits for a writer."""
        with self._reading.begin() as db:
            yield self._transaction(db)

    def prepare(self, company: Company, modules: list[Module]) -> bool:
        """Make the tables and the starter modules, where there are none. False if there are.

        Of several processes that begin at once one makes them, and the others wait for it. Raises
        `Outdated` if what is there has the shape of another release.
        """
        if self._is_made():
            return False
        with self.engine.begin() as db:
            schema_number.alone(db)
            if schema_number.number_of(db) is None:
                METADATA.create_all(db)
                self.upgraded(db).keep_number(schema_number.NUMBER)
            tx = self._transaction(db)
            if _has_modules(db):
                return False
            self._begin(tx, company, modules)
        return True

    def upgraded(self, db: Connection) -> Transaction:
        """A transaction on a database that is just being made or upgraded, whatever its number."""
        return Transaction(db, *_stored(db), self.clock(), self.links)

    def _is_made(self) -> bool:
        """Whether all is there, asked without keeping anyone from writing."""
        with self._reading.begin() as db:
            if (number := schema_number.number_of(db)) is None:
                return False
            schema_number.check(number)
            return _has_modules(db)

    def _begin(self, tx: Transaction, company: Company, modules: list[Module]) -> None:
        schema = Schema(modules)
        _sound(tx, schema, modules)
        schema.metadata.create_all(tx.db)
        tx.db.execute(
            MODULES.insert(),
            [
                {"name": m.name, "position": i, "definition": m.model_dump(mode="json")}
                for i, m in enumerate(modules)
            ],
        )
        tx.touch("modules")
        self.save_company(tx, company)

    def close(self) -> None:
        """Let go of all connections. Whoever begins a transaction later opens new ones."""
        self.engine.dispose()

    def is_ready(self) -> bool:
        return inspect(self.engine).has_table(MODULES.name)

    def save_company(self, tx: Transaction, company: Company) -> None:
        tx.upsert(
            SETTINGS,
            ["key"],
            {"key": "company", "value": company.model_dump(mode="json")},
        )
        tx.touch("company")

    def add_module(self, tx: Transaction, module: Module) -> None:
        """A new record type, and its table. Raises `Invalid`."""
        schema = Schema([*tx.schema, module])
        if module.name in tx.schema.modules:
            raise refuse(
                "name",
                f"there is a module `{module.name}` already.",
                "Add fields to it, or choose another name.",
            )
        _sound(tx, schema, [module])
        schema.metadata.tables[module.name].create(tx.db)
        tx.db.execute(
            MODULES.insert().values(
                name=module.name,
                position=len(tx.schema.modules),
                definition=module.model_dump(mode="json"),
            )
        )
        tx.touch("modules")

    def add_field(self, tx: Transaction, module: Module, field: Field) -> None:
        """A new column of a record type. Raises `Invalid`."""
        held = select(MODULES.c.definition).where(MODULES.c.name == module.name)
        module = Module.model_validate(tx.db.scalar(held.with_for_update()))
        grown = module.model_copy(update={"fields": (*module.fields, field)})
        schema = Schema([grown if each.name == grown.name else each for each in tx.schema])
        _sound(tx, schema, [grown])
        if not field.computed:
            ddl = CreateColumn(column(field)).compile(dialect=tx.db.dialect)
            # The name was checked: it cannot be more than a name in this statement.
            tx.db.exec_driver_sql(f'ALTER TABLE "{module.name}" ADD COLUMN {ddl}')
            for index in schema.tables[module.name].indexes:
                if field.name in index.columns:
                    index.create(tx.db)
        self.save_module(tx, grown)

    def save_module(self, tx: Transaction, module: Module) -> None:
        """Keep a changed definition whose columns stay as they are (labels, choices, formulas)."""
        tx.db.execute(
            MODULES.update()
            .where(MODULES.c.name == module.name)
            .values(definition=module.model_dump(mode="json"))
        )
        tx.schema = Schema([module if each.name == module.name else each for each in tx.schema])
        tx.touch("modules")

    def _transaction(self, db: Connection) -> Transaction:
        schema, company = self._current(db)
        return Transaction(db, schema, company, self.clock(), self.links)

    def _current(self, db: Connection) -> tuple[Schema, Company]:
        newest = {key: value for key, value in db.execute(NEWEST)}
        schema_number.check(newest.get(schema_number.KEY, 0))
        mark = (newest.get("modules", 0), newest.get("company", 0))
        with self._lock:
            if self._known is None or self._known[0] != mark:
                self._known = (mark, *_stored(db))
            return self._known[1], self._known[2]


def _stored(db: Connection) -> tuple[Schema, Company]:
    definitions = db.scalars(select(MODULES.c.definition).order_by(MODULES.c.position))
    company = db.scalar(select(SETTINGS.c.value).where(SETTINGS.c.key == "company"))
    return _schema(json.dumps(definitions.all())), Company.model_validate(company or {})


@lru_cache(maxsize=8)
def _schema(definitions: str) -> Schema:
    """The modules of these definitions; their tables are made once, as that takes 0.1 s."""
    return Schema([Module.model_validate(definition) for definition in json.loads(definitions)])


def _has_modules(db: Connection) -> bool:
    return db.scalar(select(MODULES.c.name).limit(1)) is not None


def _sound(tx: Transaction, schema: Schema, modules: list[Module]) -> None:
    """Raises `Invalid` with all that keeps these modules from being part of this schema."""
    problems = [problem for module in modules for problem in check_module(module, schema)]
    if not problems:
        planned = replace(tx, schema=schema)
        computed = [(module, field) for module in modules for field in module.fields]
        problems = [
            problem
            for module, field in computed
            for problem in check_formula(field, planned.binder(module))
        ]
    if problems:
        raise Invalid(*problems)


def _open(url: str, pool_size: int) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    engine = create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, connect_args={"timeout": 30}
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.create_function("fold", 1, fold, deterministic=True)
        for pragma in (
            "journal_mode=wal",
            "synchronous=full",
            "busy_timeout=30000",
            "cache_size=-20000",
        ):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(db: Connection) -> None:
        reads = bool(db.get_execution_options().get("sayso_reads"))
        db.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
        db.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
