"""What a record held at a moment that is past, told from its changes since."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine.records.tables import EVENTS
from engine.records.transaction import Transaction
from engine.schema.modules import Module

Values = Mapping[str, Any]


def values_at(tx: Transaction, module: Module, now: Values, moment: datetime) -> Values | None:
    """The values of a record then, as far as its changes are kept; None if it was made later.

    `now` are those it has now.
    """
    if now["created_at"] is not None and now["created_at"] > moment:
        return None
    mine = (EVENTS.c.module == module.name, EVENTS.c.record == now["id"])
    since = (EVENTS.c.at > moment, EVENTS.c.kind == "modified")
    query = select(EVENTS.c.changes).where(*mine, *since).order_by(EVENTS.c.id.desc())
    values = dict(now)
    for changes in tx.db.scalars(query):
        for name, (old, _) in changes.items():
            if name in module.by_name:
                values[name] = module.by_name[name].load(old)
    return values
