"""The records that match a workflow, alone or taken together, and what runs are counted for."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from engine.conditions import bound
from engine.conditions.readings import Columns, where
from engine.records.transaction import Transaction
from engine.schema.modules import Path, Schema
from engine.schema.own_modules import GROUPS, USERS
from engine.schema.sql_types import Json
from engine.workflows.fingerprint import standing
from engine.workflows.workflow import TOGETHER, Workflow

GROUPS_ABOVE = 10**12  # so that no group has the number of a user


def candidates(
    tx: Transaction,
    workflow: Workflow,
    at: datetime,
    only: Iterable[int] | None = None,
) -> Select[Any]:
    """The records that match then: `subject`, `record`, `members` (all of a group, or NULL)."""
    fitting = matching(tx, workflow, at, only).subquery()
    if not workflow.group_by:
        nothing = literal(None, Json).label("members")
        return select(fitting.c.subject, fitting.c.record, nothing)
    if tx.db.dialect.name == "sqlite":
        members: ColumnElement[Any] = func.json_group_array(fitting.c.record, type_=Json)
    else:
        members = func.jsonb_agg(fitting.c.record)
    record = func.min(fitting.c.record).label("record")
    query = select(fitting.c.subject, record, members.label("members"))
    return query.group_by(fitting.c.subject)


def matching(
    tx: Transaction,
    workflow: Workflow,
    at: datetime,
    only: Iterable[int] | None = None,
) -> Select[Any]:
    """Each record that matches then, as `record`, with the `subject` that runs are counted for."""
    module = tx.schema.module(workflow.module)
    table = tx.schema.tables[module.name]
    binder = tx.binder(module, at=at)
    columns = Columns(binder, table)
    matches = [
        where(bound(standing(workflow.entry), binder), columns),
        table.c.deleted_at.is_(None),
    ]
    if only is not None:
        matches.append(table.c.id.in_(list(only)))
    group = grouping(columns, workflow.group_by) if workflow.group_by else table.c.id
    return select(table.c.id.label("record"), group.label("subject")).where(*matches)


def grouping(columns: Columns, dotted: str) -> ColumnElement[Any]:
    """What runs are counted for where records are taken together: the record that a path leads to.

    Where it leads nowhere, the last one on the way (the account, for `account.group`), at last the
    record alone; such have numbers below zero, each kind its own. All together are number 0.
    """
    if dotted == TOGETHER:
        return literal(0)
    path = columns.schema.path(columns.binder.module, dotted)
    kinds = len(path.hops) + 1
    way = [Path(path.module, path.hops[:end], hop.field) for end, hop in enumerate(path.hops)]
    alone = [-(columns.column(step) * kinds + end) for end, step in enumerate(way, 1)]
    end = columns.column(path)
    shared = list(_owners(columns.schema, end)) if path.field.type == "owner" else [end]
    return func.coalesce(*shared, *reversed(alone), -columns.table.c.id * kinds)


def _owners(schema: Schema, owner: ColumnElement[Any]) -> Iterator[ColumnElement[Any]]:
    """The number of the user or group of this name."""
    for module, key, above in ((USERS, "username", 0), (GROUPS, "name", GROUPS_ABOVE)):
        if module in schema.tables:
            people = schema.tables[module].alias()
            number = select(people.c.id + above).where(people.c[key] == owner)
            yield number.correlate_except(people).scalar_subquery()


def subjects_of(tx: Transaction, workflow: Workflow, ids: Iterable[int]) -> dict[int, int]:
    """What runs are counted for, of each record: itself, or the one that groups it with others."""
    wanted = list(ids)
    if not workflow.group_by:
        return {id: id for id in wanted}
    table = tx.schema.tables[workflow.module]
    columns = Columns(tx.binder(tx.schema.module(workflow.module)), table)
    group = grouping(columns, workflow.group_by)
    rows = tx.db.execute(select(table.c.id, group).where(table.c.id.in_(wanted)))
    return {id: int(subject) for id, subject in rows}


def subject_of(tx: Transaction, workflow: Workflow, id: int) -> int:
    """As `subjects_of`, of one record."""
    return subjects_of(tx, workflow, [id]).get(id, id)
