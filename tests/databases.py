"""Databases for tests: a fresh or a cloned one for each test, on both pairs the product runs on."""

import itertools
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from redis import Redis
from sqlalchemy import create_engine, make_url, select
from sqlalchemy import text as sql

from engine.records.database import Database
from engine.records.tables import METADATA

Prepare = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """A database and a queue that one test has to itself, as the settings take them."""

    name: Literal["sqlite", "postgres"]
    database_url: str
    queue_url: str


class TemplateDatabase(Protocol):
    """Give this test a copy of a database that was prepared once in the session.

    `prepare` fills the database at the URL it is given and closes its connections.
    """

    def __call__(self, name: str, prepare: Prepare) -> Pair: ...


class Pairs(Protocol):
    """Makes pairs of one kind."""

    def fresh(self, folder: Path) -> AbstractContextManager[Pair]:
        """An empty database."""
        ...

    def cloned(self, name: str, prepare: Prepare, folder: Path) -> AbstractContextManager[Pair]:
        """A copy of the database that `prepare` filled when this name was first asked for."""
        ...


class SqlitePairs:
    """Databases and queues that are files in the folder of the test."""

    def __init__(self, templates: Path) -> None:
        self._templates = templates
        self._numbers = itertools.count(1)

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[Pair]:
        number = next(self._numbers)
        queue = folder / f"queue-{number}.db"
        yield Pair("sqlite", _sqlite_url(folder / f"sayso-{number}.db"), _sqlite_url(queue))

    @contextmanager
    def cloned(self, name: str, prepare: Prepare, folder: Path) -> Iterator[Pair]:
        with self.fresh(folder) as pair:
            file = make_url(pair.database_url).database
            assert file
            shutil.copyfile(self._template(name, prepare), file)
            yield pair

    def _template(self, name: str, prepare: Prepare) -> Path:
        template = self._templates / f"{name}.db"
        if not template.exists():
            draft = self._templates / f"{name}.draft"
            prepare(_sqlite_url(draft))
            _gather_wal(draft)
            draft.rename(template)
        return template


def _sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def _gather_wal(file: Path) -> None:
    """Bring what is still in the write-ahead log into the file, so that the file alone is all."""
    with closing(sqlite3.connect(file)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise RuntimeError(f"{file.stem}: prepare() must close its connections to the database")


class PostgresPairs:
    """Databases of a PostgreSQL server, with queues in a Redis server."""

    def __init__(self, postgres_url: str, redis_url: str) -> None:
        self._url = make_url(postgres_url)
        self._redis_url = urlsplit(redis_url)
        self._admin = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._prefix = f"sayso_{secrets.token_hex(4)}"  # the server may serve others too
        self._numbers = itertools.count(1)
        self._queues = itertools.cycle(range(1, 16))
        self._templates: dict[str, str] = {}

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[Pair]:
        with self._copy_of("template0") as pair:
            yield pair

    @contextmanager
    def cloned(self, name: str, prepare: Prepare, folder: Path) -> Iterator[Pair]:
        with self._copy_of(self._template(name, prepare)) as pair:
            yield pair

    def close(self) -> None:
        """Drop the templates and let go of the server."""
        for template in self._templates.values():
            self._drop(template)
        self._admin.dispose()

    @contextmanager
    def _copy_of(self, template: str) -> Iterator[Pair]:
        database = self._create(template)
        try:
            yield Pair("postgres", self._url_of(database), self._empty_queue())
        finally:
            self._drop(database)

    def _template(self, name: str, prepare: Prepare) -> str:
        if name not in self._templates:
            draft = self._create("template0")
            try:
                prepare(self._url_of(draft))
            except BaseException:
                self._drop(draft)
                raise
            self._templates[name] = draft
        return self._templates[name]

    def _create(self, template: str) -> str:
        database = f"{self._prefix}_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")
        return database

    def _drop(self, database: str) -> None:
        self._run(f"DROP DATABASE {database} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)

    def _url_of(self, database: str) -> str:
        return self._url.set(database=database).render_as_string(hide_password=False)

    def _empty_queue(self) -> str:
        url = self._redis_url._replace(path=f"/{next(self._queues)}").geturl()
        with closing(Redis.from_url(url)) as client:
            client.flushdb()
        return url


def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of every table and, of PostgreSQL, how far its counters are."""
    with database.read() as tx:
        tables = [*METADATA.sorted_tables, *tx.schema.tables.values()]
        found: dict[str, list[Any]] = {
            each.name: list(tx.db.execute(select(each))) for each in tables
        }
        if tx.db.dialect.name == "postgresql":
            counters = "select sequencename, last_value from pg_sequences order by 1"
            found["counters"] = list(tx.db.execute(sql(counters)))
    return found
