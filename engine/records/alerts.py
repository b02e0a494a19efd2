"""What a person should look at: one row a cause, counted, with what to do about it."""

from typing import Any

from sqlalchemy import Row, select, update

from engine.records.tables import ALERTS
from engine.records.transaction import Transaction


def raise_alert(
    tx: Transaction, kind: str, key: str, cause: str, remedy: str, workflow: int | None = None
) -> None:
    """Tell of something; the same key again only counts up."""
    row = {
        "kind": kind,
        "key": key,
        "workflow": workflow,
        "cause": cause,
        "remedy": remedy,
        "count": 1,
        "first_at": tx.now,
        "last_at": tx.now,
        "state": "open",
    }
    again = {
        "count": ALERTS.c.count + 1,
        "last_at": tx.now,
        "state": "open",
        "cause": cause,
        "remedy": remedy,
    }
    tx.upsert(ALERTS, ["key"], row, again)


def settle(tx: Transaction, alert: int) -> None:
    """Mark an alert as seen to."""
    tx.db.execute(update(ALERTS).where(ALERTS.c.id == alert).values(state="settled"))


def settle_cause(tx: Transaction, key: str) -> None:
    """Mark what was told under this key as seen to, if it is open."""
    mine = (ALERTS.c.key == key, ALERTS.c.state == "open")
    tx.db.execute(update(ALERTS).where(*mine).values(state="settled"))


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
