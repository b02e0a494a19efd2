"""What an SMS service tells later: which messages arrived, and who wants no more of them."""

from collections.abc import Iterator

from sqlalchemy import or_, select

from engine.outside.texting import Receipt, Reply
from engine.problems import BadValue
from engine.records.reader import reached_by
from engine.records.suppression import suppress
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records, Values
from engine.schema.modules import Module
from engine.schema.own_modules import TEXT_MESSAGES
from engine.schema.phones import e164

SERVICE = Author("SMS service", "sync")
LAST = ("delivered", "undelivered")


def take_receipt(tx: Transaction, receipt: Receipt) -> bool:
    """Note on a message whether it arrived. False if we sent none of this id.

    Reports come in any order, and more than once: what is known to have ended stays so.
    """
    table = tx.schema.tables[TEXT_MESSAGES]
    known = select(table.c.id, table.c.status).where(table.c.message_id == receipt.id)
    row = tx.db.execute(known).first() if receipt.id else None
    if row is None:
        return False
    if row.status not in LAST:
        values = {"status": receipt.status, "error": receipt.error or None}
        Records(tx, SERVICE).note(TEXT_MESSAGES, row.id, values)
    return True


def take_reply(tx: Transaction, reply: Reply) -> bool:
    """Write no more to a number that answered STOP. False if it said anything else."""
    if not reply.stops:
        return False
    suppress(tx, "sms", reply.number, "stop", reply.text[:100], SERVICE.name)
    records = Records(tx, SERVICE)
    for module in tx.schema:
        for id in _holders(tx, module, reply.number):
            records.note(module.name, id, {module.opt_out["sms"]: True})
    return True


def _holders(tx: Transaction, module: Module, number: str) -> Iterator[int]:
    """The records of a module that have this number, however it is written there."""
    phones = reached_by(module, "sms")
    if "sms" not in module.opt_out or not phones:
        return
    table = tx.schema.tables[module.name]
    ending = or_(*(table.c[field.name].like(f"%{number[-2:]}%") for field in phones))
    rows = tx.db.execute(select(table).where(table.c.deleted_at.is_(None), ending)).mappings()
    for row in map(dict, rows.all()):
        country = row.get("country") or tx.company.country
        if number in {_dialled(row, field.name, country) for field in phones}:
            yield row["id"]


def _dialled(row: Values, field: str, country: str | None) -> str | None:
    try:
        return e164(row[field], country) if row[field] else None
    except BadValue:
        return None
