"""Whose turn it is: the members of a group one after the other, whoever asks and how often."""

from collections.abc import Sequence

from sqlalchemy import select

from engine.records.tables import TURNS
from engine.records.transaction import Transaction
from engine.schema.own_modules import GROUPS, USERS


def members(tx: Transaction, group: str) -> list[str]:
    """The users of a group who are there, in the order in which the group names them."""
    groups, users = tx.schema.tables[GROUPS], tx.schema.tables[USERS]
    mine = (groups.c.name == group, groups.c.deleted_at.is_(None))
    named = tx.db.scalar(select(groups.c.members).where(*mine)) or []
    there = (users.c.username.in_(named), users.c.deleted_at.is_(None), users.c.active.is_(True))
    present = set(tx.db.scalars(select(users.c.username).where(*there)))
    return [name for name in named if name in present]


def expected(tx: Transaction, group: str) -> str | None:
    """Who would be next, were it asked for now; None if nobody of the group is there."""
    return _after(tx, group, members(tx, group))


def take(tx: Transaction, group: str) -> str | None:
    """Who is next. Whoever asks at the same time waits, and is given the one after."""
    tx.upsert(TURNS, ["name"], {"name": group, "last": ""}, {"last": TURNS.c.last})
    chosen = _after(tx, group, members(tx, group))
    if chosen is not None:
        tx.upsert(TURNS, ["name"], {"name": group, "last": chosen})
    return chosen


def _after(tx: Transaction, group: str, present: Sequence[str]) -> str | None:
    """The one behind whoever was last; the first, should that one have left the group."""
    if not present:
        return None
    last = tx.db.scalar(select(TURNS.c.last).where(TURNS.c.name == group))
    place = present.index(last) + 1 if last in present else 0
    return present[place % len(present)]
