"""Conditions that no record can meet: fields that nobody fills in, and values that nothing has."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Table, case, func, select

from engine.conditions import ALWAYS, Compare, Condition, Related, bind
from engine.conditions.parts import leaves, related
from engine.conditions.readings import Columns, where
from engine.problems import Problem, nearest
from engine.records.transaction import Transaction
from engine.schema.english import listed
from engine.schema.modules import Module
from engine.workflows.fingerprint import standing
from engine.workflows.workflow import Workflow

SHOWN = 5
MOST = 2_000  # values among which the nearest is looked for
LOOKS_FOR_NOTHING = ("is_empty", "not_equals", "not_in", "not_contains", "contains_none")


@dataclass(frozen=True)
class _Asked:
    """A comparison, of which records it is asked, and where it stands."""

    node: Compare
    module: Module
    path: str


def unfilled(tx: Transaction, workflow: Workflow) -> Iterator[Problem]:
    """Advice on each comparison that no record could meet as the records are now."""
    asked = [*_asked(tx, standing(workflow.entry), workflow.module, "conditions")]
    for module in {each.module.name: each.module for each in asked}.values():
        yield from _of_module(tx, module, [each for each in asked if each.module is module])


def _asked(tx: Transaction, condition: Condition, module: str, path: str) -> Iterator[_Asked]:
    home = tx.schema.modules.get(module)
    if home is None:
        return
    for node in leaves(condition):
        if node.op not in LOOKS_FOR_NOTHING:
            yield _Asked(node, home, path)
    for inside in related(condition):
        yield from _inside(tx, inside, path)


def _inside(tx: Transaction, node: Related, path: str) -> Iterator[_Asked]:
    if node.match != "none":
        yield from _asked(tx, node.where or ALWAYS, node.related, path)


def _of_module(tx: Transaction, module: Module, asked: list[_Asked]) -> Iterator[Problem]:
    table = tx.schema.tables[module.name]
    total, counts = _counts(tx, module, table, asked)
    for each, (filled, met) in zip(asked, counts, strict=True):
        of = f"{total:,} {module.label.lower()}"
        if total and not filled:
            told = f"`{each.node.field}` is filled in in 0 of {of}, so nothing matches."
            yield Problem(each.path, told, "Choose a field that people fill in, or fill it in.")
        elif total and not met and _of_text(tx, each):
            told = f"none of {of} has `{each.node.value}` as `{each.node.field}`."
            yield Problem(each.path, told, _instead(tx, each, table))


def _counts(
    tx: Transaction, module: Module, table: Table, asked: list[_Asked]
) -> tuple[int, list[tuple[int, int]]]:
    """How many records there are, and for each comparison how many have the field, and meet it."""
    columns = Columns(tx.binder(module), table)
    wanted = [
        func.count(case((where(bind(node, tx.binder(module)), columns), 1)))
        for each in asked
        for node in (Compare(field=each.node.field, op="is_not_empty"), each.node)
    ]
    found = tx.db.execute(
        select(func.count(), *wanted).select_from(table).where(table.c.deleted_at.is_(None))
    ).one()
    pairs = list(zip(found[1::2], found[2::2], strict=True))
    return int(found[0]), [(int(filled), int(met)) for filled, met in pairs]


def _of_text(tx: Transaction, asked: _Asked) -> bool:
    """Whether it looks for one text among those that people write freely."""
    field = tx.schema.path(asked.module, asked.node.field).field
    free = field.kind == "text" and not field.options and field.type != "owner"
    return free and asked.node.op == "equals" and isinstance(asked.node.value, str)


def _instead(tx: Transaction, asked: _Asked, table: Table) -> str:
    """What was meant: another field that has this very value, or the nearest value."""
    value = str(asked.node.value)
    for field in asked.module.by_name.values():
        other = Compare(field=field.name, op="equals", value=value)
        if field.kind == "text" and not field.computed and field.name != asked.node.field:
            binder = tx.binder(asked.module)
            meets = where(bind(other, binder), Columns(tx.binder(asked.module), table))
            if not binder.problems and tx.count(table, meets, table.c.deleted_at.is_(None)):
                return f"Did you mean `{field.name}`? There it is."
    values = _values(tx, asked, table)
    if near := nearest(value, values):
        return f"Did you mean `{near}`?"
    return f"There are {listed([f'`{each}`' for each in values[:SHOWN]])}." if values else ""


def _values(tx: Transaction, asked: _Asked, table: Table) -> list[str]:
    """The values of the field, the most frequent first."""
    columns = Columns(tx.binder(asked.module), table)
    column = columns.column(tx.schema.path(asked.module, asked.node.field))
    found = select(column).where(table.c.deleted_at.is_(None), column.is_not(None))
    return list(tx.db.scalars(found.group_by(column).order_by(func.count().desc()).limit(MOST)))
