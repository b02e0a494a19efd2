"""Notices by mail: each at once, or all of a day in one digest; none is sent twice."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from engine.outside.kill_switch import ALL, stops
from engine.outside.smtp import Delivery, Mail, MailRefused, message_id, paragraphs
from engine.outside.world import World
from engine.people.notification_preferences import own_zone
from engine.records.database import Database
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.schema.english import count
from engine.schema.own_modules import EMAILS, NOTIFICATIONS, USERS

MOST, LONGEST_SUBJECT = 500, 120
PAUSE, PATIENCE = timedelta(minutes=30), timedelta(hours=24)
UNDER_WAY = timedelta(minutes=10)  # no mail server takes longer than that to answer
DIED = "whether it was sent is not known: the process stopped while sending"
BY_SAYSO = Author("sayso")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Letter:
    """One mail to one user about one notice, or about all of a digest."""

    user: str
    mail: Mail
    notices: tuple[int, ...]
    since: datetime


def next_letter(tx: Transaction) -> datetime | None:
    """When the next notice is to be sent by mail, or one under way is known to be lost."""
    table = tx.schema.tables.get(NOTIFICATIONS)
    if table is None or "send_at" not in table.c:
        return None
    query = select(table.c.send_at).where(table.c.send_at.is_not(None))
    return tx.db.scalar(query.order_by(table.c.send_at).limit(1))


def post(database: Database, world: World, pool: Executor) -> int:
    """Send what is due. It is claimed first: what is under way when we die is never sent again.

    After a while such a notice is told as one of which nobody knows whether it was sent.
    """
    with database.begin() as tx:
        stopped = {*world.stopped, *(row.scope for row in stops(tx))}
        if stopped & {ALL, "email"}:
            return _put_off(tx)
        letters = _claim(tx, world.key)
    deliveries = list(pool.map(_sending(world), letters))
    with database.begin() as tx:
        for letter, delivery in zip(letters, deliveries, strict=True):
            _note(tx, letter, delivery)
    return sum(len(letter.notices) for letter in letters)


def _sending(world: World) -> Callable[[Letter], Delivery | None]:
    def send(letter: Letter) -> Delivery | None:
        """None where there is no mail server: the mail is kept in the mailbox instead."""
        if not world.smtp_url:
            return None
        try:
            return world.deliver(letter.mail)
        except MailRefused as refused:
            return Delivery("failed", str(refused))

    return send


def _claim(tx: Transaction, key: bytes) -> list[Letter]:
    """The mails to be sent now; their notices are marked so that nobody else sends them."""
    letters, records = [], Records(tx, BY_SAYSO, starts=False)
    due = _due(tx)
    for lost in (row["id"] for row in due if row["state"] == "sending"):
        records.update(NOTIFICATIONS, lost, {"state": "unknown", "send_at": None, "error": DIED})
    for notices in _together(row for row in due if row["state"] != "sending"):
        user = _user(tx, notices[0]["user"])
        reachable = user and user["active"] is not False and user["email"]
        state = "sending" if reachable else "failed"
        error = None if reachable else "the user has no address, or is not active any more"
        ends = tx.now + UNDER_WAY if reachable else None
        for notice in notices:
            values = {"state": state, "send_at": ends, "error": error}
            records.update(NOTIFICATIONS, notice["id"], values)
        if user and reachable:
            letters.append(_letter(tx, user, notices, key))
    return letters


def _put_off(tx: Transaction) -> int:
    """While mail is stopped, nothing is claimed; it is looked at again later."""
    rows, records = _due(tx), Records(tx, BY_SAYSO, starts=False)
    for row in rows:
        records.update(NOTIFICATIONS, row["id"], {"send_at": tx.now + PAUSE})
    return len(rows)


def _due(tx: Transaction) -> list[Row]:
    """The notices to be sent now, kept from everybody else."""
    table = tx.schema.tables[NOTIFICATIONS]
    due = (table.c.send_at <= tx.now, table.c.deleted_at.is_(None))
    query = select(table).where(*due).order_by(table.c.user, table.c.id).limit(MOST)
    return [dict(row) for row in tx.db.execute(query.with_for_update(skip_locked=True)).mappings()]


def _together(rows: Iterable[Row]) -> list[list[Row]]:
    """The notices of one mail each: alone, or all of one user's digest."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        key = (row["user"], 0 if row["channel"] == "digest" else row["id"])
        found.setdefault(key, []).append(row)
    return list(found.values())


def _user(tx: Transaction, username: str) -> Row | None:
    users = tx.schema.tables[USERS]
    where = (users.c.username == username, users.c.deleted_at.is_(None))
    row = tx.db.execute(select(users).where(*where)).mappings().first()
    return dict(row) if row else None


def _letter(tx: Transaction, user: Row, notices: list[Row], secret: bytes) -> Letter:
    told = [_told(tx, user, notice) for notice in notices]
    subject = " ".join(str(notices[0]["text"]).split())[:LONGEST_SUBJECT]
    text = "\n\n".join(told)
    if notices[0]["channel"] == "digest":
        subject = f"Your digest: {count(len(notices), 'notice')}"
        text = f"What happened since your last digest:\n\n{text}"
    company = tx.company
    key = f"notices-{'-'.join(str(notice['id']) for notice in notices)}"
    mail = Mail(
        sender=company.sender,
        sender_name=company.sender_name or company.name,
        to=(user["email"],),
        subject=subject,
        text=text,
        html=paragraphs(text),
        message_id=message_id(key, company.sender.rpartition("@")[2], secret),
        date=tx.now,
    )
    ids = tuple(notice["id"] for notice in notices)
    return Letter(user["username"], mail, ids, min(notice["created_at"] for notice in notices))


def _told(tx: Transaction, user: Row, notice: Row) -> str:
    """One notice as a paragraph: when, what, and where to look."""
    there = own_zone(user, tx.company.calendar.timezone)
    at = f"{notice['created_at'].astimezone(there):%Y-%m-%d %H:%M}"
    module, _, id = str(notice["record"] or "").partition("/")
    address = f"\n{tx.links.address}/records/{module}/{id}" if id else ""
    return f"{at}  {notice['text']}{address}"


def _note(tx: Transaction, letter: Letter, delivery: Delivery | None) -> None:
    """Keep what became of a mail. One that the server did not take now is tried again for a day."""
    state = delivery.state if delivery else "captured"
    values: dict[str, Any] = {"state": state, "send_at": None}
    if state in ("sent", "captured"):
        values["sent_at"] = tx.now
    elif delivery:
        values["error"] = delivery.detail
    if state == "retry":
        again = tx.now + PAUSE <= letter.since + PATIENCE
        values |= {"state": "waiting", "send_at": tx.now + PAUSE} if again else {"state": "failed"}
    records = Records(tx, BY_SAYSO, starts=False)
    for notice in letter.notices:
        records.update(NOTIFICATIONS, notice, values)
    if state != "retry":
        records.create(EMAILS, _copy(letter, state, values))


def _copy(letter: Letter, state: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The mail as it is kept in the mailbox."""
    mail = letter.mail
    return {
        "direction": "out",
        "sender": mail.sender,
        "to": ", ".join(mail.to),
        "subject": mail.subject,
        "body": mail.text,
        "html": mail.html,
        "status": state,
        "message_id": mail.message_id,
        "owner": letter.user,
        "error": values.get("error"),
        "sent_at": values.get("sent_at"),
    }
