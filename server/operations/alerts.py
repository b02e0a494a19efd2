"""What a person should look at, and whether everything that should be alive is."""

from collections.abc import Sequence
from typing import NotRequired

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import TypedDict

from engine.company.company import PLACEHOLDER
from engine.effects.mail import NO_SENDER
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
from server.operations.queries import Stored, runs
from server.operations.queries.runs import Wanted
from server.operations.registry import Number, missing, operation
from server.operations.schedules import SILENCE, Scheduler, last_sign_of_life, scheduler

SHOWN = 20
# A cause may quote what a record holds, and an alert is about many records.
UNTOLD = "A workflow needs a person. Why may name customers who are not shown to you."


class Settled(TypedDict):
    """When an alert was seen to, by whom (nobody: by itself, its cause being gone) and why."""

    at: str
    by: str
    why: str


class Alert(TypedDict):
    """A cause of trouble, how often it came up, what to do about it, and the runs it is about."""

    alert: int
    kind: str
    workflow: int | None
    cause: str
    remedy: str
    count: int
    first_at: str
    last_at: str
    state: str
    runs: list[int]
    settled: NotRequired[Settled]


class Part(TypedDict):
    """Whether a part is well and, where it is not or there is more to it, why."""

    ok: bool
    why: NotRequired[str]


class DatabaseHealth(Part):
    """The database, and which kind it is."""

    kind: NotRequired[str]


class WorkerHealth(Part):
    """The worker: its last sign of life, and what waits for it."""

    seen_at: NotRequired[str | None]
    changes_waiting: NotRequired[int]
    oldest_waiting: NotRequired[str | None]
    runs_going_on: NotRequired[int]


class QueueHealth(Part):
    """The queue, and how many messages are in it."""

    messages: NotRequired[int]


class MailHealth(Part):
    """How mail goes out, or comes in and when it last did."""

    mode: NotRequired[str]
    last_at: NotRequired[str | None]


class Work(TypedDict):
    """Whether the work is done."""

    worker: WorkerHealth
    scheduler: Scheduler | Part


class Inside(Work):
    """What is not known without the database."""

    database: DatabaseHealth


class Health(Inside):
    """Every part; `status` is "ok" or "failing"."""

    status: str
    queue: QueueHealth
    mail: MailHealth
    incoming: NotRequired[MailHealth]


class Alerts(TypedDict):
    """What needs a person, and how everything is."""

    alerts: list[Alert]
    health: Health


class SettledAlert(TypedDict):
    """An alert that was seen to."""

    alert: int
    state: str


def in_state(tx: Transaction, state: str, workflow: int | None = None) -> Sequence[Stored]:
    """The alerts that are `open`, `settled`, or `all`; the newest first."""
    return listed(tx, None if state == "all" else state, workflow)


def alert_row(tx: Transaction, alert: int) -> Stored | None:
    return tx.db.execute(select(ALERTS).where(ALERTS.c.id == alert)).first()


def told(tx: Transaction, alert: Stored) -> str:
    """The cause of an alert, as far as whoever asks may know it."""
    return str(alert.cause) if alert.workflow is None or sees_all(tx.schema) else UNTOLD


@operation(
    "GET /alerts",
    scope="runs:read",
    untrusted=True,
    stage="watch",
)
def list_alerts(desk: Desk, state: str | None = "open", workflow: Number | None = None) -> Alerts:
    """List what needs a person, with cause and remedy; and whether scheduler, worker and mail are
    well. `state`: open, settled, all."""
    with desk.read() as tx:
        alerts = [_line(tx, row) for row in in_state(tx, state or "all", workflow)]
    return {"alerts": alerts, "health": health(desk.installation)}


def _line(tx: Transaction, row: Stored) -> Alert:
    about = runs.newest(tx, Wanted(alert=row.id), SHOWN)
    line: Alert = {
        "alert": row.id,
        "kind": row.kind,
        "workflow": row.workflow,
        "cause": told(tx, row),
        "remedy": row.remedy,
        "count": row._mapping["count"],
        "first_at": answers.iso(row.first_at),
        "last_at": answers.iso(row.last_at),
        "state": row.state,
        "runs": [run.id for run in about],
    }
    if row.settled_at is None:
        return line
    at = answers.iso(row.settled_at)
    return {**line, "settled": {"at": at, "by": row.settled_by, "why": row.settled_why}}


@operation(
    "POST /alerts/{alert}/settle",
    scope="runs:control",
    kind="write",
)
def settle_alert(desk: Desk, alert: Number, reason: str = "") -> SettledAlert:
    """Mark an alert as seen to, with a reason. The same cause opens it again."""
    with desk.begin() as tx:
        if alert_row(tx, alert) is None:
            raise missing("alert", f"there is no alert {alert}.", "List the alerts.")
        why = reason.strip()
        settle(tx, alert, desk.who.name, why)
        detail = {"reason": why} if why else None
        audit.record(tx, desk.who.name, "settle alert", f"alert/{alert}", detail, desk.who.token)
    return {"alert": alert, "state": "settled"}


def health(installation: Installation) -> Health:
    """Each part with `ok` and, where it is not, why; `status` is "ok" if all of them are.

    A mail server that cannot be read is told of, and no reason to take Sayso for failing.
    """
    inside, queue, mail = _inside(installation), _queue(installation), _mail(installation)
    parts = (inside["database"], inside["worker"], inside["scheduler"], queue, mail)
    status = "ok" if all(part["ok"] for part in parts) else "failing"
    told: Health = {
        "status": status,
        "database": inside["database"],
        "worker": inside["worker"],
        "scheduler": inside["scheduler"],
        "queue": queue,
        "mail": mail,
    }
    if inside["database"]["ok"]:
        told["incoming"] = _incoming(installation)
    return told


def _inside(installation: Installation) -> Inside:
    try:
        with installation.database.read() as tx:
            return {"database": {"ok": True, "kind": kind_of_database(tx)}, **_work(tx)}
    except (SQLAlchemyError, Outdated) as error:
        silence = f"the database does not answer ({type(error).__name__})"
        why = str(error) if isinstance(error, Outdated) else silence
        silent = "not known without the database"
        return {
            "database": {"ok": False, "why": why},
            "worker": {"ok": False, "why": silent},
            "scheduler": {"ok": False, "why": silent},
        }


def kind_of_database(tx: Transaction) -> str:
    return tx.db.dialect.name


def changes_waiting(tx: Transaction) -> int:
    """How many changes of records the worker has yet to look at."""
    return tx.count(EVENTS, EVENTS.c.pending)


def _work(tx: Transaction) -> Work:
    seen = last_sign_of_life(tx)
    alive = seen is not None and tx.now - seen <= SILENCE
    oldest = tx.db.scalar(select(func.min(EVENTS.c.at)).where(EVENTS.c.pending))
    worker: WorkerHealth = {
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


def _queue(installation: Installation) -> QueueHealth:
    try:
        return {"ok": True, "messages": installation.bell.huey.storage.queue_size()}
    except Exception as error:  # whatever a queue's driver raises, the queue is not well
        return {"ok": False, "why": f"the queue does not answer ({type(error).__name__})"}


def _incoming(installation: Installation) -> MailHealth:
    """Whether mail comes in, and when the last one came."""
    told = incoming_mail.stands(installation)
    last = answers.iso(told.last)
    if told.trouble:
        why = "the mail server cannot be read; `sayso doctor` tells what it says"
        return {"ok": False, "why": why, "last_at": last}
    return {
        "ok": True,
        "mode": "read" if installation.settings.imap_url else "taken at the door",
        "last_at": last,
    }


def no_sender(installation: Installation) -> bool:
    """Whether mail is held until somebody says in whose name it is sent."""
    try:
        with installation.database.read() as tx:
            return tx.company.sender == PLACEHOLDER
    except (SQLAlchemyError, Outdated):
        return False


def _mail(installation: Installation) -> MailHealth:
    if installation.settings.smtp_url and no_sender(installation):
        return {"ok": True, "mode": "held", "why": NO_SENDER}
    if installation.settings.smtp_url:
        return {"ok": True, "mode": "sent"}
    return {"ok": True, "mode": "captured", "why": "no SAYSO_SMTP_URL: mail stays in the mailbox"}
