"""What a person should look at, and whether everything that should be alive is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from engine.installation import Installation
from engine.people import audit
from engine.records.alerts import listed, settle
from engine.records.schema_number import Outdated
from engine.records.states import DRIVEN
from engine.records.tables import ALERTS, EVENTS, RUNS
from engine.records.transaction import Transaction
from engine.records.visibility import sees_all
from server.access.desk import Desk
from server.operations import answers, incoming_mail
from server.operations.queries import Stored
from server.operations.registry import Answer, Number, missing, operation
from server.operations.schedules import SILENCE, last_sign_of_life, scheduler

# A cause may quote what a record holds, and an alert is about many records.
UNTOLD = "A workflow needs a person. Why may name customers who are not shown to you."


def open_alerts(tx: Transaction) -> Sequence[Stored]:
    """What needs a person, the newest first."""
    return listed(tx)


def told(tx: Transaction, alert: Stored) -> str:
    """The cause of an alert, as far as whoever asks may know it."""
    return str(alert.cause) if alert.workflow is None or sees_all(tx.schema) else UNTOLD


@operation(
    "GET /alerts",
    scope="runs:read",
    untrusted=True,
    gives="alerts:array health:object",
    stage="watch",
)
def list_alerts(desk: Desk, state: str | None = "open", workflow: Number | None = None) -> Answer:
    """List what needs a person, with cause and remedy; and whether scheduler, worker and mail are
    well. `state`: open, settled, all."""
    with desk.read() as tx:
        rows = listed(tx, None if state in (None, "all") else state, workflow)
        alerts = [
            {
                "alert": row.id,
                "kind": row.kind,
                "workflow": row.workflow,
                "cause": told(tx, row),
                "remedy": row.remedy,
                "count": row.count,
                "first_at": answers.iso(row.first_at),
                "last_at": answers.iso(row.last_at),
                "state": row.state,
            }
            for row in rows
        ]
    return {"alerts": alerts, "health": health(desk.installation)}


@operation(
    "POST /alerts/{alert}/settle",
    scope="runs:control",
    kind="write",
    gives="alert:integer state:string",
)
def settle_alert(desk: Desk, alert: Number) -> Answer:
    """Mark an alert as seen to. The same cause opens it again."""
    with desk.begin() as tx:
        if tx.db.scalar(select(ALERTS.c.id).where(ALERTS.c.id == alert)) is None:
            raise missing("alert", f"there is no alert {alert}.", "List the alerts.")
        settle(tx, alert)
        audit.record(tx, desk.who.name, "settle alert", f"alert/{alert}", None, desk.who.token)
    return {"alert": alert, "state": "settled"}


def health(installation: Installation) -> Answer:
    """Each part with `ok` and, where it is not, why; `status` is "ok" if all of them are.

    A mail server that cannot be read is told of, and no reason to take Sayso for failing.
    """
    parts = {**_database(installation), "queue": _queue(installation), "mail": _mail(installation)}
    well = all(part["ok"] for part in parts.values())
    if parts["database"]["ok"]:
        parts["incoming"] = _incoming(installation)
    return {"status": "ok" if well else "failing", **parts}


def _database(installation: Installation) -> dict[str, Answer]:
    try:
        with installation.database.read() as tx:
            return {"database": {"ok": True, "kind": kind_of_database(tx)}, **_work(tx)}
    except (SQLAlchemyError, Outdated) as error:
        silence = f"the database does not answer ({type(error).__name__})"
        told = {"ok": False, "why": str(error) if isinstance(error, Outdated) else silence}
        silent = {"ok": False, "why": "not known without the database"}
        return {"database": told, "worker": silent, "scheduler": silent}


def kind_of_database(tx: Transaction) -> str:
    return tx.db.dialect.name


def changes_waiting(tx: Transaction) -> int:
    """How many changes of records the worker has yet to look at."""
    return tx.count(EVENTS, EVENTS.c.pending)


def _work(tx: Transaction) -> dict[str, Answer]:
    seen = last_sign_of_life(tx)
    alive = seen is not None and tx.now - seen <= SILENCE
    oldest = tx.db.scalar(select(func.min(EVENTS.c.at)).where(EVENTS.c.pending))
    worker: dict[str, Any] = {
        "ok": alive,
        "seen_at": answers.iso(seen),
        "changes_waiting": changes_waiting(tx),
        "oldest_waiting": answers.iso(oldest),
        "runs_going_on": tx.count(RUNS, RUNS.c.state.in_(DRIVEN)),
    }
    if not alive:
        why = "no worker has given a sign of life in the last minutes; start `sayso worker`"
        worker["why"] = why
    return {"worker": worker, "scheduler": scheduler(tx)}


def _queue(installation: Installation) -> Answer:
    try:
        return {"ok": True, "messages": installation.bell.huey.storage.queue_size()}
    except Exception as error:  # whatever a queue's driver raises, the queue is not well
        return {"ok": False, "why": f"the queue does not answer ({type(error).__name__})"}


def _incoming(installation: Installation) -> Answer:
    """Whether mail comes in, and when the last one came."""
    told = incoming_mail.stands(installation)
    last = {"last_at": answers.iso(told.last)}
    if told.trouble:
        why = "the mail server cannot be read; `sayso doctor` tells what it says"
        return {"ok": False, "why": why, **last}
    return {
        "ok": True,
        "mode": "read" if installation.settings.imap_url else "taken at the door",
        **last,
    }


def _mail(installation: Installation) -> Answer:
    if installation.settings.smtp_url:
        return {"ok": True, "mode": "sent"}
    return {"ok": True, "mode": "captured", "why": "no SAYSO_SMTP_URL: mail stays in the mailbox"}
