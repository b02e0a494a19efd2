"""Keep what came in: a mail with its sender, thread and files, or news of one that came back."""

from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.outside.bounces import Failure, Report
from engine.outside.mail_in import Received, read
from engine.records import attachments
from engine.records.suppression import Kind, suppress
from engine.records.tables import TAKEN
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records, Saved
from engine.schema.own_modules import EMAILS
from engine.schema.purposes import Purpose
from engine.schema.sql_types import Fold
from engine.schema.stored_files import clean

AUTHOR = Author("sayso", "sync")
LISTED: dict[str, Kind] = {"bounce": "bounced", "complaint": "complaint"}


def first_time(tx: Transaction, key: str) -> bool:
    """Note that something came in; False if it had come before, by whatever door."""
    new: Any = sqlite_insert if tx.db.dialect.name == "sqlite" else postgres_insert
    row = new(TAKEN).values(key=sha256(key.encode()).hexdigest(), at=tx.now)
    noted = row.on_conflict_do_nothing().returning(TAKEN.c.key)
    return tx.db.scalar(noted) is not None


def receive(tx: Transaction, folder: Path, raw: bytes, own: Iterable[str] = ()) -> Saved | None:
    """Make a mail a record of emails; None if it came before. `own` are addresses that are ours.

    A report that a mail of ours did not arrive changes that mail, and what is known of its readers.
    """
    mail = read(raw)
    known = mail.message_id or sha256(raw).hexdigest()
    if not first_time(tx, f"mail {known}"):
        return None
    ours = _ours(tx, own)
    contact, account = whose(tx, mail.sender)
    answered = _answered(tx, mail.answers)
    automatic = mail.automatic or (
        "one of our own addresses" if mail.sender.casefold() in ours else ""
    )
    values: dict[str, JsonValue] = {
        "direction": "in",
        "status": "received",
        "sender": mail.sender or None,
        "sender_name": mail.name,
        "to": ", ".join(mail.to),
        "cc": ", ".join(mail.cc),
        "subject": mail.subject,
        "body": mail.text,
        "full_text": mail.whole if mail.whole != mail.text else None,
        "message_id": mail.message_id,
        "in_reply_to": next(iter(mail.answers), None),
        "auto_submitted": bool(automatic),
        "contact": contact["id"] if contact else None,
        "account": account["id"] if account else answered.get("account"),
        "owner": _owner(tx, account, answered),
        "record": answered.get("record"),
        "run": answered.get("run"),
        "received_at": tx.now.isoformat(),
        "sent_at": mail.sent.isoformat() if mail.sent else None,
        "attachments": _listed(mail),
        "error": f"Not kept: {', '.join(mail.left_out)}" if mail.left_out else None,
    }
    fields = tx.schema.module(EMAILS).by_name
    known_here = {name: value for name, value in values.items() if name in fields}
    kept = Records(tx, AUTHOR).create(EMAILS, known_here)
    for file in mail.files:
        about = (f"{EMAILS}/{kept.id}", file.name, file.mime)
        attachments.attach(tx, AUTHOR, folder, *about, BytesIO(file.data))
    if mail.report:
        _report(tx, mail.report)
    return kept


def _listed(mail: Received) -> JsonValue:
    return [{"name": clean(file.name), "size": len(file.data)} for file in mail.files] or None


def _ours(tx: Transaction, own: Iterable[str]) -> set[str]:
    """The addresses that Sayso itself writes from, in small letters."""
    company = tx.company
    every = (company.sender, *(sender.address for sender in company.senders), *own)
    return {address.casefold() for address in every}


# --- whose it is ---


def whose(tx: Transaction, address: str) -> tuple[Any, Any]:
    """The contact and the account with an address, if any; a contact leads to its own account."""
    contact = _with_address(tx, Purpose.CONTACT, address)
    if contact and contact["account"]:
        return contact, _row(tx, Purpose.CUSTOMER, contact["account"])
    return contact, _with_address(tx, Purpose.CUSTOMER, address)


def _with_address(tx: Transaction, purpose: Purpose, address: str) -> Any:
    """The first record with this address, those that belong to an account before others."""
    home = tx.schema.find(purpose)
    if not (address and home and home.email_field):
        return None
    table = tx.schema.tables[home.name]
    here = (Fold(table.c[home.email_field]) == address.casefold(), table.c.deleted_at.is_(None))
    order = [table.c.account.is_(None)] if "account" in table.c else []
    return tx.db.execute(select(table).where(*here).order_by(*order, table.c.id)).mappings().first()


def _row(tx: Transaction, purpose: Purpose, id: int) -> Any:
    table = tx.schema.tables[tx.schema.of(purpose).name]
    here = select(table).where(table.c.id == id, table.c.deleted_at.is_(None))
    return tx.db.execute(here).mappings().first()


def _owner(tx: Transaction, account: Any, answered: Any) -> str | None:
    """Who looks after this customer, or after the mail that is answered."""
    for row in (account, answered):
        if row and row.get("owner") in tx.handles:
            return str(row["owner"])
    return None


def _answered(tx: Transaction, ids: Iterable[str]) -> Any:
    """The mail of ours that one of these Message-IDs names; {} if none does."""
    table = tx.schema.tables[EMAILS]
    here = (table.c.message_id.in_(list(ids)), table.c.direction == "out")
    query = select(table).where(*here, table.c.deleted_at.is_(None)).order_by(table.c.id.desc())
    return tx.db.execute(query).mappings().first() or {}


# --- what came back ---


def _report(tx: Transaction, report: Report) -> None:
    """Note on our mail whom it did not reach. What it was not sent to is none of its business."""
    mail = _answered(tx, report.about)
    if not mail:
        return
    sent_to = f"{mail['to'] or ''}, {mail['cc'] or ''}".casefold().split(", ")
    told = [each for each in report.failures if each.address.casefold() in sent_to]
    if report.kind == "complaint" and not told and len(list(filter(None, sent_to))) == 1:
        told = [Failure(mail["to"], "", "marked as spam", final=True)]
    if not told:
        return
    words = "; ".join(f"{each.address}: {each.said}" for each in told)
    values: dict[str, Any] = {"error": words}
    if final := [each.address for each in told if each.final and report.kind == "bounce"]:
        before = [word for word in (mail["bounced"] or "").split(", ") if word]
        values |= {"status": "bounced", "bounced": ", ".join(dict.fromkeys([*before, *final]))}
    Records(tx, AUTHOR).note(EMAILS, mail["id"], values)
    for each in told:
        if report.kind == "complaint" or each.gone:
            _mark(tx, each, report.kind)


def _mark(tx: Transaction, failure: Failure, kind: str) -> None:
    """Write to this address no more, and say so on every record that has it."""
    suppress(tx, "email", failure.address, LISTED[kind], failure.said, "received report")
    for module in map(tx.schema.find, (Purpose.CONTACT, Purpose.CUSTOMER)):
        if module is None or "bounce_status" not in module.by_name:
            continue
        table = tx.schema.tables[module.name]
        address = Fold(table.c[module.email_field or "email"]) == failure.address.casefold()
        here = select(table.c.id).where(address, table.c.deleted_at.is_(None))
        for id in tx.db.scalars(here).all():
            Records(tx, AUTHOR).note(module.name, id, {"bounce_status": kind})
