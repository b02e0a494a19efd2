"""Whom a workflow means, seen from another side: the invoices of its customers, or the reverse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, union

from engine.conditions import ALWAYS, bound, positive
from engine.conditions.readings import Columns, belongs, where
from engine.conditions.relations import relation
from engine.problems import refuse, suggest
from engine.records.reader import name_of
from engine.records.transaction import Transaction
from engine.runs.audience import NamedRecord, taken
from engine.schema.modules import Module, Path
from engine.workflows.library import Live
from engine.workflows.workflow import TOGETHER, Workflow


@dataclass(frozen=True)
class ModuleAudience:
    """The records of another module that a workflow means, and how many there are in all."""

    module: str
    count: int
    records: list[NamedRecord]


def sides(workflow: Workflow, home: Module) -> list[str]:
    """The modules that its audience can also be seen from."""
    chosen = [node.related for node in positive(workflow.entry)]
    led_to = [field.module for field in home.fields if field.type == "reference" and field.module]
    return list(dict.fromkeys([*chosen, *led_to]))


def audience_by_module(
    tx: Transaction, live: Live, show: str, at: datetime, limit: int
) -> ModuleAudience:
    """The related records that its conditions choose, or those that its own records belong to.

    Raises `Invalid` where `show` is neither.
    """
    workflow = live.parsed
    home = tx.schema.module(workflow.module)
    ways = list(_ways(tx, live, home, show, at))
    if not ways:
        message = f"it chooses no records of `{show}`, and its own belong to none."
        raise refuse("show", message, suggest(show, sides(workflow, home), "It has"))
    module, chosen = tx.schema.module(show), union(*ways).subquery()
    table = tx.schema.tables[module.name]
    meant = (table.c.id.in_(select(chosen.c.id)), table.c.deleted_at.is_(None))
    rows = tx.db.execute(select(table).where(*meant).order_by(table.c.id).limit(limit))
    return ModuleAudience(
        module.name, tx.count(table, *meant), _named(module, rows.mappings().all())
    )


def _named(module: Module, rows: Sequence[Any]) -> list[NamedRecord]:
    return [
        {"id": row["id"], "number": row["number"], "name": name_of(module, dict(row))}
        for row in rows
    ]


def _ways(
    tx: Transaction, live: Live, home: Module, show: str, at: datetime
) -> Iterator[Select[Any]]:
    """The ids of the records of `show`, one query for each way that leads to them."""
    workflow, chosen = live.parsed, taken(tx, live, at).subquery()
    binder, ours = tx.binder(home, at=at), tx.schema.tables[home.name].alias()
    columns = Columns(binder, ours)
    meant = ours.c.id.in_(select(chosen.c.record))
    for node in positive(workflow.entry):
        if node.related == show:
            link = relation(binder, node.related, node.via, "")
            table, mine = belongs(link, columns)
            there = binder.of(link.module)
            fits = where(bound(node.where or ALWAYS, there), Columns(there, table))
            yield select(table.c.id.label("id")).join_from(table, ours, mine).where(meant, fits)
            return
    for path in _leading(tx, workflow, home, show):
        yield select(func.distinct(columns.column(path)).label("id")).where(meant)


def _leading(tx: Transaction, workflow: Workflow, home: Module, show: str) -> Iterator[Path]:
    """The references that lead to such a record: the one it is grouped by before all others."""
    if workflow.group_by and workflow.group_by != TOGETHER:
        path = tx.schema.path(home, workflow.group_by)
        if path.field.module == show:
            yield path
            return
    yield from (Path(home, (), field) for field in home.references(show))
