"""Workflows: which there are, as far as whoever asks may know of the modules they are about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_, select

from engine.records.states import RunState
from engine.records.tables import RUNS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.schema.sql_types import Fold
from server.access.rights import kept_from
from server.operations.queries import Stored


@dataclass(frozen=True)
class Wanted:
    """Which workflows are meant; what is left out means all.

    Without a `state` archived ones are left out; `words` are a part of the name or category.
    """

    state: str = ""
    module: str = ""
    category: str = ""
    words: str = ""


ALL = Wanted()
ORDERS: dict[str, tuple[Any, ...]] = {
    "id": (WORKFLOWS.c.id,),
    "name": (Fold(WORKFLOWS.c.name), WORKFLOWS.c.id),
}


def listed(
    tx: Transaction,
    wanted: Wanted = ALL,
    order: Literal["id", "name"] = "id",
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[Stored]:
    query = select(WORKFLOWS).where(*_meant(tx, wanted)).order_by(*ORDERS[order])
    return tx.db.execute(query.limit(limit).offset(offset)).all()


def named(tx: Transaction) -> list[tuple[int, str]]:
    """The number and the name of every workflow, archived ones too, by name."""
    query = select(WORKFLOWS.c.id, WORKFLOWS.c.name).where(*_visible(tx))
    return [(row.id, row.name) for row in tx.db.execute(query.order_by(WORKFLOWS.c.name))]


def count(tx: Transaction, wanted: Wanted = ALL) -> int:
    return tx.count(WORKFLOWS, *_meant(tx, wanted))


def modules_used(tx: Transaction) -> set[str]:
    """The modules that workflows are about."""
    return set(tx.db.scalars(select(WORKFLOWS.c.module).where(*_visible(tx)).distinct()))


def with_waiting_runs(tx: Transaction) -> Sequence[Stored]:
    """The workflows that have runs waiting, by name."""
    waiting = select(RUNS.c.workflow).where(RUNS.c.state == RunState.WAITING)
    query = select(WORKFLOWS).where(*_visible(tx), WORKFLOWS.c.id.in_(waiting))
    return tx.db.execute(query.order_by(WORKFLOWS.c.name)).all()


def called(tx: Transaction, workflow: int) -> str | None:
    """What people call a workflow; None if it is not known."""
    return tx.db.scalar(select(WORKFLOWS.c.name).where(WORKFLOWS.c.id == workflow))


def _visible(tx: Transaction) -> Iterator[ColumnElement[bool]]:
    if kept := kept_from(tx.schema):
        yield WORKFLOWS.c.module.not_in(kept)


def _meant(tx: Transaction, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    yield from _visible(tx)
    state = WORKFLOWS.c.state
    yield state == wanted.state if wanted.state else state != "archived"
    if wanted.module:
        yield WORKFLOWS.c.module == wanted.module
    if wanted.category:
        yield WORKFLOWS.c.category == wanted.category
    if part := wanted.words.casefold():
        columns = (WORKFLOWS.c.name, WORKFLOWS.c.category)
        yield or_(*(Fold(column).contains(part, autoescape=True) for column in columns))
