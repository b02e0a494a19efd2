"""What it means that somebody wants no more automatic mail: on the list, and in their records."""

from sqlalchemy import select

from engine.records.reader import reached_by
from engine.records.suppression import suppress
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.schema.sql_types import Fold

READER = Author("reader of a mail", "form")


def unsubscribe(tx: Transaction, address: str) -> int:
    """Send no more automatic mail to this address. Returns how many records say so from now on.

    The list counts for an address of no record too; the field is for people to see, and its
    history tells since when.
    """
    suppress(tx, "email", address, "unsubscribed", "with the link in a mail", READER.name)
    records, changed = Records(tx, READER), 0
    for module in tx.schema:
        field = module.opt_out.get("email")
        if field is None:
            continue
        table = tx.schema.tables[module.name]
        for column in (table.c[each.name] for each in reached_by(module, "email")):
            theirs = (Fold(column) == address.casefold(), table.c.deleted_at.is_(None))
            asked = select(table.c.id).where(*theirs, table.c[field].is_not(True))
            for id in tx.db.scalars(asked).all():
                changed += records.note(module.name, id, {field: True})
    return changed
