"""Changes of records that wait to be written together, and always before anything is read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    column,
    func,
    insert,
    select,
    table,
    update,
)

from engine.records import events, numbers, rota
from engine.records.reader import Reader
from engine.records.tables import EVENTS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records, Values, missing
from engine.schema.modules import Module

BLOCK = 32
SEQUENCE = table("sqlite_sequence", column("name"), column("seq"))
Rows = list[dict[str, Any]]


@dataclass
class PendingChanges:
    """What is not written yet: new rows and changed fields by table, events, numbers used up."""

    created: dict[str, Rows] = field(default_factory=lambda: defaultdict(list))
    changed: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    raised: Rows = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)


class BatchedTransaction(Transaction):
    """A transaction in which changes wait. Asking for its connection writes them first."""

    def __init__(self, tx: Transaction) -> None:
        self.pending = PendingChanges()
        self.held: set[tuple[str, int]] = set()
        self._spare: dict[str, list[int]] = defaultdict(list)
        self._next_id: dict[str, int] = {}
        self._next_number: dict[str, int] = {}
        super().__init__(tx.db, tx.schema, tx.company, tx.now, tx.links)
        self.alone = self.db.dialect.name == "sqlite"

    @property
    def db(self) -> Connection:
        self.write()
        return self._db

    @db.setter
    def db(self, connection: Connection) -> None:
        self._db = connection

    def write(self) -> None:
        """Write all that waits."""
        if not self.pending.raised:
            return
        pending, self.pending = self.pending, PendingChanges()
        for name, rows in pending.created.items():
            self._db.execute(_added(self.schema.homes[name]), rows)
        for name, changed in pending.changed.items():
            self._write_changes(name, changed)
        events.add_numbered(self._db, pending.raised)
        for name, number in pending.numbers.items():
            numbers.go_on_at(self, name, number)

    def _write_changes(self, name: str, changed: Mapping[int, Mapping[str, Any]]) -> None:
        """One statement for all records of which the same fields have changed."""
        alike: dict[tuple[str, ...], Rows] = defaultdict(list)
        for id, values in changed.items():
            row = {f"new_{field}": value for field, value in values.items()}
            alike[tuple(sorted(values))].append({**row, "changed_id": id})
        for fields, rows in alike.items():
            self._db.execute(_changing(self.schema.homes[name], fields), rows)

    def ids(self, name: str, wanted: int) -> list[int]:
        """So many ids of a table that nobody else will use; those left over are never used."""
        spare = self._spare[name]
        if len(spare) < wanted:
            spare += self.fresh_ids(name, max(BLOCK, wanted))
        taken, self._spare[name] = spare[:wanted], spare[wanted:]
        return taken

    def fresh_ids(self, name: str, wanted: int) -> Iterable[int]:
        """So many ids of a table that nobody has ever had."""
        if not self.alone:
            counter = func.pg_get_serial_sequence(name, "id")
            rows = func.generate_series(1, wanted).table_valued("n")
            return self._db.scalars(select(func.nextval(counter)).select_from(rows))
        known = select(SEQUENCE.c.seq).where(SEQUENCE.c.name == name)
        first = self._next_id.get(name) or (self._db.scalar(known) or 0) + 1
        self._next_id[name] = first + wanted
        return range(first, first + wanted)

    def number(self, name: str, least: int, wanted: int) -> int:
        """The first of so many numbers of a module that nobody else will use."""
        if name not in self._next_number:
            self._next_number[name] = numbers.next_free(self._db, name)
        first = max(self._next_number[name], least)
        self._next_number[name] = self.pending.numbers[name] = first + wanted
        return first

    def hold(self, reader: Reader, module: Module, ids: Iterable[int]) -> None:
        """Read records, and keep everybody else from changing them until this transaction ends."""
        wanted = sorted(id for id in set(ids) if (module.name, id) not in self.held)
        home = self.schema.tables[module.name]
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            rows = self.db.execute(_holding(home), {"ids": part}).mappings()
            found = {row["id"]: dict(row) for row in rows}
            for id in part:
                reader.keep(module.name, id, found.get(id))
        self.held |= {(module.name, id) for id in wanted}


# Statements are made once: making one takes longer than running it.


@lru_cache(maxsize=1000)
def _added(home: Table) -> Insert:
    return insert(home)


@lru_cache(maxsize=5000)
def _changing(home: Table, fields: tuple[str, ...]) -> Update:
    new: dict[str, Any] = {field: bindparam(f"new_{field}") for field in fields}
    new["revision"] = home.c.revision + new["revision"]
    return update(home).where(home.c.id == bindparam("changed_id")).values(**new)


@lru_cache(maxsize=1000)
def _holding(home: Table) -> Select[Any]:
    these = (home.c.id.in_(bindparam("ids", expanding=True)), home.c.deleted_at.is_(None))
    return select(home).where(*these).order_by(home.c.id).with_for_update()


class ChangedMeanwhile(Exception):
    """What was decided rests on values that somebody has changed meanwhile: decide anew."""


class BatchedRecords(Records):
    """Records whose changes wait in the transaction. The reader always knows the newest."""

    def __init__(self, tx: BatchedTransaction, author: Author, reader: Reader) -> None:
        super().__init__(tx, author)
        self.transaction, self.reader = tx, reader

    def row(self, module: Module, id: int) -> Values:
        """The record, held. Raises `Overtaken` if it is another by now than was read before."""
        seen = self.reader.seen(module.name, id)
        self.transaction.hold(self.reader, module, [id])
        found = self.reader.row(module, id)
        if seen is not None and seen != found:
            raise ChangedMeanwhile(f"{module.name}/{id} was changed by somebody else")
        if found is None:
            raise missing(module, id)
        return found

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All that is done inside or, should it raise, nothing of it."""
        held, known = set(self.transaction.held), self.reader.known()
        try:
            with self.transaction.db.begin_nested():
                yield
                self.transaction.write()
        except BaseException:
            self.transaction.pending = PendingChanges()
            self.transaction.held = held  # those held inside are let go with the savepoint
            self.reader.forget_all_but(known)
            raise

    def next_in_turn(self, group: str) -> str | None:
        """The member of a group whose turn it is, who then comes last."""
        return rota.take(self.transaction, group)

    def _insert(self, module: Module, rows: Rows) -> list[int]:
        ids = self.transaction.ids(module.name, len(rows))
        for id, row in zip(ids, rows, strict=True):
            whole = {**row, "id": id, "revision": 1}
            self.transaction.pending.created[module.name].append(whole)
            self.transaction.held.add((module.name, id))
            self.reader.keep(module.name, id, whole)
        return ids

    def _change(self, module: Module, id: int, values: Values) -> None:
        pending = self.transaction.pending
        if any(row["id"] == id for row in pending.created.get(module.name, ())):
            self.transaction.write()
        changed = self.transaction.pending.changed[module.name].setdefault(id, {"revision": 0})
        changed |= {**values, "revision": changed["revision"] + 1}
        known = self.reader.row(module, id) or {}
        gone = values.get("deleted_at") is not None
        self.reader.keep(module.name, id, None if gone else {**known, **values})

    def _raise(self, rows: Rows) -> list[int]:
        ids = self.transaction.ids(EVENTS.name, len(rows))
        self.transaction.pending.raised += [
            {**event, "id": id} for id, event in zip(ids, rows, strict=True)
        ]
        return ids

    def _reserve(self, module: Module, least: int, wanted: int) -> int:
        return self.transaction.number(module.name, least, wanted)

    def _exists(self, module: Module, id: int) -> bool:
        return self.reader.row(module, id) is not None
