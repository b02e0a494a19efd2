"""Records by condition, in pages: a cursor goes on after the last row seen."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import JsonValue
from sqlalchemy import ColumnElement, and_, func, or_, select

from engine.conditions import Binder, Condition, bound
from engine.conditions.readings import Columns, where
from engine.problems import BadValue, Invalid, Problem, refuse
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module, Path, Schema
from engine.schema.sql_types import Fold

MOST, MOST_KNOWN = 100, 500
WRITTEN = ("text", "longtext", "richtext", "email", "phone")
UNSORTED = ("list", "json")


@dataclass(frozen=True)
class Page:
    """Rows as fields by name, how many there are in all, and where the next page begins."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    cursor: str | None


@dataclass(frozen=True)
class _Order:
    """What rows are ordered by: empty values come last, and the id decides between equals."""

    text: str
    path: Path
    column: ColumnElement[Any]
    down: bool

    @property
    def clauses(self) -> tuple[ColumnElement[Any], ...]:
        return (self.column.is_(None), self.column.desc() if self.down else self.column)


def matching(tx: Transaction, module: Module, asked: Condition, at: str = "where") -> Any:
    """The clause that is true of the records meant. Raises `Invalid` with all problems."""
    binder = replace(tx.binder(module), handles=tx.handles, categories=tx.categories)
    try:
        wanted = bound(asked, binder)
    except Invalid as invalid:
        raise Invalid(*(problem.under(at) for problem in invalid.problems)) from None
    table = tx.schema.tables[module.name]
    return and_(table.c.deleted_at.is_(None), where(wanted, Columns(binder, table)))


def saying(tx: Transaction, module: Module, words: str) -> ColumnElement[bool]:
    """The clause that is true of records with these words, whatever their case.

    They stand in a text of its own, a long one too, or in the name of what it belongs to.
    """
    table, part = tx.schema.tables[module.name], words.casefold()
    texts = [each.name for each in module.by_name.values() if each.type in WRITTEN]
    found = [
        Fold(table.c[name]).contains(part, autoescape=True) for name in texts if name in table.c
    ]
    for link in module.fields:
        there = tx.schema.target(link) if link.type == "reference" else None
        other = tx.schema.tables[there.name] if there else None
        if there and other is not None and there.name_field in other.c:
            named = Fold(other.c[there.name_field]).contains(part, autoescape=True)
            found.append(table.c[link.name].in_(select(other.c.id).where(named)))
    return or_(*found)


def search(
    tx: Transaction,
    module: Module,
    asked: Condition,
    fields: Sequence[str],
    order_by: str = "id",
    limit: int = 20,
    cursor: str | None = None,
    text: str = "",
) -> Page:
    """One page of records; with `text` of those that say so somewhere.

    `fields` may be paths, and so may `order_by`; with - in front of it the last come first.
    Raises `Invalid`.
    """
    table, binder = tx.schema.tables[module.name], tx.binder(module)
    columns = Columns(binder, table)
    wanted = matching(tx, module, asked)
    wanted = and_(wanted, saying(tx, module, text)) if text else wanted
    order = _order(binder, columns, order_by)
    shown = _shown(columns, fields)
    query = select(table.c.id, table.c.number, order.column.label("sort_key"), *shown).where(wanted)
    if cursor:
        query = query.where(_after(order, table.c.id, cursor))
    most = max(1, min(limit, MOST))
    rows = tx.db.execute(query.order_by(*order.clauses, table.c.id).limit(most + 1)).all()
    total = tx.db.scalar(select(func.count()).select_from(table).where(wanted)) or 0
    more = _mark(order, rows[most - 1]) if len(rows) > most else None
    named = [
        {"id": row.id, "number": row.number, **dict(zip(fields, row[3:], strict=True))}
        for row in rows[:most]
    ]
    return Page(named, total, more)


def read_record(tx: Transaction, module: Module, id: int) -> Mapping[str, Any] | None:
    """All fields of one record, the computed ones too; None if there is none."""
    table, names = tx.schema.tables[module.name], list(module.by_name)
    shown = _shown(Columns(tx.binder(module), table), names)
    live = (table.c.id == id, table.c.deleted_at.is_(None))
    row = tx.db.execute(select(*shown).where(*live)).first()
    return dict(zip(names, row, strict=True)) if row is not None else None


Known = dict[tuple[Any, ...], list[ColumnElement[Any]]]
_KNOWN: WeakKeyDictionary[Schema, Known] = WeakKeyDictionary()


def _shown(columns: Columns, fields: Sequence[str]) -> list[ColumnElement[Any]]:
    """The columns of these fields. Formulas take long to write, and mean the same all day long."""
    binder = columns.binder
    known = _KNOWN.setdefault(binder.schema, {})
    key = (binder.module.name, tuple(fields), binder.today, binder.calendar.timezone)
    if key not in known:
        if len(known) > MOST_KNOWN:
            known.clear()
        paths = [_path(binder, name, "fields") for name in fields]
        made: list[ColumnElement[Any]] = [
            columns.column(path).label(f"f{i}") for i, path in enumerate(paths)
        ]
        if any("now" in str(path.field.formula) for path in paths):
            return made
        known[key] = made
    return known[key]


def _path(binder: Binder, dotted: str, at: str) -> Path:
    return binder.schema.path(binder.module, dotted, at)


def _order(binder: Binder, columns: Columns, order_by: str) -> _Order:
    path = _path(binder, order_by.removeprefix("-"), "order_by")
    if path.field.kind in UNSORTED:
        message = f"{path.field.title} holds several values."
        raise refuse("order_by", message, "Order by a text, number or date.")
    column = columns.column(path)
    kept = Fold(column) if path.field.kind == "text" else column
    return _Order(order_by, path, kept, order_by.startswith("-"))


def _after(order: _Order, id: ColumnElement[Any], cursor: str) -> ColumnElement[bool]:
    """The rows behind the one that a cursor remembers."""
    value, seen = _remembered(order, cursor)
    column = order.column
    if value is None:
        return and_(column.is_(None), id > seen)
    beyond = column < value if order.down else column > value
    return or_(beyond, column.is_(None), and_(column == value, id > seen))


def _mark(order: _Order, row: Any) -> str:
    text = json.dumps([order.text, _kept(order.path.field).dump(row.sort_key), row.id])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _remembered(order: _Order, cursor: str) -> tuple[Any, int]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        order_by, value, seen = json.loads(text)
        if order_by == order.text and type(seen) is int:
            return _kept(order.path.field).load(value), seen
    except (NotBase64, ValueError, TypeError, AttributeError, BadValue):
        pass
    message = "this cursor belongs to another search."
    raise refuse("cursor", message, "Leave it out to begin with the first page.")


def _kept(field: Field) -> Field:
    """The field that its sort key would be: a text that is folded is no choice any more."""
    return field.model_copy(update={"type": "text", "of": None}) if field.kind == "text" else field


def simple(module: Module, given: Mapping[str, str]) -> dict[str, JsonValue] | None:
    """`status=Sent&account=12` as a condition; an empty value asks for empty fields."""
    problems: list[Problem] = []
    parts: list[JsonValue] = []
    for name, value in given.items():
        try:
            module.field(name.split(".")[0], name)
        except Invalid as invalid:
            problems += invalid.problems
        if value:
            parts.append({"field": name, "op": "equals", "value": value})
        else:
            parts.append({"field": name, "op": "is_empty"})
    if problems:
        raise Invalid(*problems)
    return {"all": parts} if parts else None
