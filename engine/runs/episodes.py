"""Episodes: since when the conditions hold of a record, and how often they came to hold."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, insert, literal, not_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.records.tables import EPISODES
from engine.records.transaction import Transaction


def turn(tx: Transaction, workflow: int, matching: Select[Any]) -> None:
    """Close the episodes of records that no longer match; open one for those that now do."""
    mine = EPISODES.c.workflow == workflow
    stopped = and_(mine, EPISODES.c.holds, EPISODES.c.subject.not_in(matching))
    tx.db.execute(update(EPISODES).where(stopped).values(holds=False))
    again = and_(mine, not_(EPISODES.c.holds), EPISODES.c.subject.in_(matching))
    tx.db.execute(update(EPISODES).where(again).values(holds=True, number=EPISODES.c.number + 1))
    begin(tx, workflow, matching, number=1)


def begin(tx: Transaction, workflow: int, matching: Select[Any], number: int) -> int:
    """Note that the conditions hold of these records; number 0 is a baseline: it starts nothing."""
    known = select(EPISODES.c.subject).where(EPISODES.c.workflow == workflow)
    subject = matching.subquery().c[0]
    rows = select(literal(workflow), subject, literal(number), literal(True)).where(
        subject.not_in(known)
    )
    return tx.db.execute(
        insert(EPISODES).from_select(["workflow", "subject", "number", "holds"], rows)
    ).rowcount


def keep(tx: Transaction, turned: Sequence[tuple[int, int, int, bool]]) -> None:
    """Note of records, one by one, that an episode began or ended: (workflow, subject, number of
    the episode, whether the conditions hold)."""
    if turned:
        names = ("workflow", "subject", "number", "holds")
        tx.db.execute(
            KEEP[tx.db.dialect.name], [dict(zip(names, each, strict=True)) for each in turned]
        )


def _keeping(insert: Any) -> Any:
    new = insert(EPISODES)
    now = {"number": new.excluded.number, "holds": new.excluded.holds}
    return new.on_conflict_do_update(index_elements=["workflow", "subject"], set_=now)


KEEP = {"sqlite": _keeping(sqlite_insert), "postgresql": _keeping(postgres_insert)}
