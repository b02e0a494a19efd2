"""What a person should look at: one row a cause, counted, with what to do about it."""

from typing import Any

from sqlalchemy import Row, select, update

from engine.records.tables import ALERTS
from engine.records.transaction import Transaction

OPEN = {"state": "open", "settled_at": None, "settled_by": "", "settled_why": ""}


def raise_alert(
    tx: Transaction, kind: str, key: str, cause: str, remedy: str, workflow: int | None = None
) -> None:
    """Tell of something; the same key again only counts up, and opens what was settled."""
    told = {"last_at": tx.now, "cause": cause, "remedy": remedy, **OPEN}
    first = {"kind": kind, "key": key, "workflow": workflow, "count": 1, "first_at": tx.now}
    tx.upsert(ALERTS, ["key"], {**first, **told}, {**told, "count": ALERTS.c.count + 1})


def settle(tx: Transaction, alert: int, by: str, why: str) -> None:
    """Mark an alert as seen to."""
    tx.db.execute(update(ALERTS).where(ALERTS.c.id == alert).values(_settled(tx, by, why)))


def settle_cause(tx: Transaction, key: str, why: str = "its cause is gone") -> None:
    """Close what was told under this key, if it is open: there is nothing left to do about it."""
    mine = (ALERTS.c.key == key, ALERTS.c.state == "open")
    tx.db.execute(update(ALERTS).where(*mine).values(_settled(tx, "", why)))


def settle_replaced(tx: Transaction, workflow: int) -> None:
    """Close what was told of a workflow's document: another version is in force."""
    kinds = ALERTS.c.kind.in_(("changed", "absent", "loop"))
    mine = (ALERTS.c.workflow == workflow, ALERTS.c.state == "open", kinds)
    why = "another version was approved"
    tx.db.execute(update(ALERTS).where(*mine).values(_settled(tx, "", why)))


def _settled(tx: Transaction, by: str, why: str) -> dict[str, Any]:
    return {"state": "settled", "settled_at": tx.now, "settled_by": by, "settled_why": why}


def listed(
    tx: Transaction, state: str | None = "open", workflow: int | None = None
) -> list[Row[Any]]:
    """Alerts, the newest first."""
    query = select(ALERTS).order_by(ALERTS.c.last_at.desc()).limit(200)
    if state:
        query = query.where(ALERTS.c.state == state)
    return list(
        tx.db.execute(query.where(ALERTS.c.workflow == workflow) if workflow else query).all()
    )
