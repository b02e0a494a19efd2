"""How mail comes in, as the doctor and the health of the house tell it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from engine.installation import Installation
from engine.outside.imap import Account
from engine.outside.postman import folders


@dataclass(frozen=True)
class Inflow:
    """When the last mail came, and what is in the way of more."""

    last: datetime | None
    trouble: str


def stands(installation: Installation) -> Inflow:
    """How it stands now."""
    name = Account.of(installation.settings.imap_url).name
    with installation.database.read() as tx:
        emails = tx.schema.tables.get("emails")
        if emails is None or "received_at" not in emails.c:
            return Inflow(None, "")
        last = tx.db.scalar(select(func.max(emails.c.received_at)))
        troubles = [row.trouble for row in folders(tx) if row.name == name]
    return Inflow(last, next(filter(None, troubles), ""))
