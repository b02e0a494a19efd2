"""Records: lists of them, and what is known of one: its fields, its history, what refers to it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select

from engine.conditions import ALWAYS, Condition
from engine.conditions.readings import CONDITION, Columns
from engine.records.search import UNSORTED, matching, read_record, saying
from engine.records.tables import EVENTS, RUNS
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module
from engine.schema.own_modules import (
    CALENDAR,
    DOCUMENTS,
    EMAILS,
    NOTES,
    TASKS,
    TEXT_MESSAGES,
)
from engine.schema.sql_types import Fold
from engine.workflows.fingerprint import standing
from engine.workflows.workflow import Workflow
from server.operations.queries import Stored
from server.operations.registry import missing

Values = Mapping[str, Any]
# What is made about records.
ACTIVITY = (NOTES, TASKS, CALENDAR, EMAILS, TEXT_MESSAGES, DOCUMENTS)


# --- one record ---


def whole(tx: Transaction, module: Module, id: int) -> Values:
    """Every field of a record, the computed ones too. Raises `Missing`."""
    row = read_record(tx, module, id)
    if row is None:
        told = f"there is no record {id} in {module.label}."
        raise missing("record", told, "It may have been deleted.")
    return row


def revision(tx: Transaction, module: Module, id: int) -> int | None:
    """How often a record was changed."""
    table = tx.schema.tables[module.name]
    return tx.db.scalar(select(table.c.revision).where(table.c.id == id))


def timeline(tx: Transaction, module: Module, id: int, limit: int) -> Sequence[Stored]:
    """What happened to a record, the newest first: its changes, and each note, task, event,
    message and document about it when it was made."""
    changes = and_(EVENTS.c.module == module.name, EVENTS.c.record == id)
    about = (_made(tx, child, link, module, id) for child, link in _links(tx, module))
    query = select(EVENTS).where(or_(changes, *about)).order_by(EVENTS.c.id.desc())
    return tx.db.execute(query.limit(limit)).all()


def _made(
    tx: Transaction, child: Module, link: Field, module: Module, id: int
) -> ColumnElement[bool]:
    """The events by which records were made that lead to this one."""
    if child.name not in ACTIVITY:
        return false()
    table = tx.schema.tables[child.name]
    leads = id if link.type == "reference" else reference(link, module, id)
    mine = select(table.c.id).where(table.c[link.name] == leads, table.c.deleted_at.is_(None))
    made = (EVENTS.c.module == child.name, EVENTS.c.kind == "created")
    return and_(*made, EVENTS.c.record.in_(mine))


def _links(tx: Transaction, module: Module) -> Iterator[tuple[Module, Field]]:
    """The fields that may lead to records of a module, also those that may lead to any."""
    yield from tx.schema.children(module)
    yield from (
        (child, each) for child in tx.schema for each in child.fields if each.type == "record"
    )


def referring(tx: Transaction, module: Module, id: int) -> Iterator[tuple[Module, Field, int]]:
    """Each module with records that refer to this one, by which field, and how many.

    So do notes, mails and tasks, whose record may be of any module.
    """
    for child, link in _links(tx, module):
        wanted = Wanted(equal={link.name: reference(link, module, id)})
        if many := count(tx, child, wanted):
            yield child, link, many


def reference(link: Field, module: Module, id: int) -> str:
    """A record as a field that leads to it holds it: `tickets/10` where it may be of any module."""
    return f"{module.name}/{id}" if link.type == "record" else str(id)


# --- many ---


@dataclass(frozen=True)
class Wanted:
    """Which records are meant, and in what order; what is left out means all, the newest first.

    `words` are a part of a text, or of the name of what a record belongs to; `equal` holds values
    of choices, owners and references; `where` is a condition; `sort` is a field, with - in front
    for the last first.
    """

    words: str = ""
    equal: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    where: Condition = ALWAYS


ALL = Wanted()


def fitting(workflow: Workflow) -> Wanted:
    """The records that fit a workflow now, as if the change it looks for had just been made."""
    return Wanted(where=standing(workflow.entry))


def written(condition: Condition) -> str:
    """A condition as JSON, as an address carries it."""
    return CONDITION.dump_json(condition, by_alias=True, exclude_none=True).decode()


def count(tx: Transaction, module: Module, wanted: Wanted = ALL) -> int:
    return tx.count(tx.schema.tables[module.name], *_meant(tx, module, wanted))


def listed(
    tx: Transaction,
    module: Module,
    fields: Collection[Field],
    wanted: Wanted,
    limit: int,
    offset: int = 0,
) -> Sequence[Values]:
    """The id, the number and these fields of the records that are meant."""
    table = tx.schema.tables[module.name]
    query = _showing(tx, module, fields).where(*_meant(tx, module, wanted))
    query = query.order_by(*_order(tx, module, wanted.sort), table.c.id.desc())
    return [dict(row) for row in tx.db.execute(query.limit(limit).offset(offset)).mappings()]


def made_by_workflows(tx: Transaction, module: Module, since: datetime) -> int:
    """How many records of a module workflows have made."""
    table = tx.schema.tables[module.name]
    return tx.count(table, table.c.created_at >= since, table.c.source == "workflow")


def newest(tx: Transaction, module: Module, workflows: Collection[int] = ()) -> int | None:
    """The newest record of a module; of those that these workflows ran for, if any are named."""
    table = tx.schema.tables[module.name]
    query = select(table.c.id).where(*_live(table)).order_by(table.c.id.desc())
    if workflows:
        ran = (RUNS.c.workflow.in_(list(workflows)), RUNS.c.module == module.name)
        query = query.where(table.c.id.in_(select(RUNS.c.record).where(*ran)))
    id: int | None = tx.db.scalar(query.limit(1))
    return id


def names(tx: Transaction, module: Module, most: int) -> list[tuple[str, str]]:
    """The number and the name of each record of a module, by name; [] if there are more."""
    table = tx.schema.tables[module.name]
    named = table.c.get(module.name_field, table.c.number)
    in_turn = table.c.id if named is table.c.number else named
    query = select(table.c.number, named.label("name")).where(*_live(table)).order_by(in_turn)
    rows = tx.db.execute(query.limit(most + 1)).all()
    return [] if len(rows) > most else [(row.number, row.name) for row in rows]


def _live(table: Any) -> Iterator[ColumnElement[bool]]:
    yield table.c.deleted_at.is_(None)


def _showing(tx: Transaction, module: Module, fields: Collection[Field]) -> Any:
    table = tx.schema.tables[module.name]
    reading = Columns(tx.binder(module), table)
    shown = [reading.field(f).label(f.name) for f in fields if f.name not in ("id", "number")]
    return select(table.c.id, table.c.number, *shown)


def _order(tx: Transaction, module: Module, sort: str) -> list[ColumnElement[Any]]:
    """As was asked; empty values come last."""
    by = module.by_name.get(sort.removeprefix("-"))
    if by is None or by.kind in UNSORTED:
        return []
    column = Columns(tx.binder(module), tx.schema.tables[module.name]).field(by)
    kept = Fold(column) if by.kind == "text" else column
    return [column.is_(None), kept.desc() if sort.startswith("-") else kept.asc()]


def _meant(tx: Transaction, module: Module, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    table = tx.schema.tables[module.name]
    yield from _live(table)
    if wanted.words:
        yield saying(tx, module, wanted.words)
    if wanted.where != ALWAYS:
        yield matching(tx, module, wanted.where)
    for name, value in wanted.equal.items():
        if name in module.by_name and name in table.c:
            reference = module.by_name[name].type == "reference"
            number = int(value) if value.isdecimal() and len(value) < 19 else -1
            yield table.c[name] == (number if reference else value)
