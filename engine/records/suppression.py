"""Who must not be written to automatically: the list, and how addresses are compared with it."""

import re
from collections.abc import Collection, Iterable
from typing import Any, Literal

from sqlalchemy import Row, delete, or_, select

from engine.company.message_limits import Channel
from engine.phrases import mark
from engine.records.tables import SUPPRESSIONS
from engine.records.transaction import Transaction
from engine.schema.sql_types import Fold

Kind = Literal["unsubscribed", "bounced", "complaint", "stop", "by hand"]
WORDS: dict[str, str] = {
    "unsubscribed": mark("has unsubscribed"),
    "bounced": mark("does not take our mail (bounced)"),
    "complaint": mark("has complained about our mail"),
    "stop": mark("has answered STOP"),
    "by hand": mark("is on the list of those not to write to"),
}
EVERYTHING = "all"
MOST = 200


def normal(address: str) -> str:
    """An address or a number as it is compared: letters small, a number without what parts it."""
    bare = address.strip().casefold()
    return bare if "@" in bare else re.sub(r"[^\d+]", "", bare)


def suppress(
    tx: Transaction,
    channel: Channel | Literal["all"],
    address: str,
    kind: Kind,
    detail: str,
    by: str,
) -> None:
    """Write no more to this address; what is on the list already stays as it was."""
    row = {"kind": kind, "detail": detail, "by": by, "at": tx.now}
    keys = {"channel": channel, "address": normal(address)}
    tx.upsert(SUPPRESSIONS, list(keys), {**keys, **row}, {"channel": channel})


def suppressed(tx: Transaction, channel: Channel, addresses: Iterable[str]) -> dict[str, str]:
    """Those of the addresses that are on the list, as they were given, each with why."""
    given = {normal(address): address for address in addresses}
    asked = select(SUPPRESSIONS.c.address, SUPPRESSIONS.c.kind).where(
        SUPPRESSIONS.c.address.in_(list(given)), SUPPRESSIONS.c.channel.in_((channel, EVERYTHING))
    )
    return {
        given[row.address]: f"{given[row.address]} {WORDS[row.kind]}"
        for row in tx.db.execute(asked)
    }


def listed(tx: Transaction, words: str = "", seen: Collection[str] | None = None) -> list[Row[Any]]:
    """The list, the newest first; with `words`, those addresses that have them; `seen` are the
    addresses that may be told of, where not all may."""
    query = select(SUPPRESSIONS).order_by(SUPPRESSIONS.c.id.desc())
    if words:
        part = words.strip().casefold()
        query = query.where(
            or_(
                Fold(SUPPRESSIONS.c.address).contains(part, autoescape=True),
                SUPPRESSIONS.c.kind == part,
            )
        )
    if seen is None:
        return list(tx.db.execute(query.limit(MOST)))
    return [row for row in tx.db.execute(query) if row.address in seen][:MOST]


def lift(tx: Transaction, id: int) -> Row[Any] | None:
    """Take an address off the list. Returns what stood there; None if there was nothing."""
    gone = delete(SUPPRESSIONS).where(SUPPRESSIONS.c.id == id).returning(SUPPRESSIONS)
    return tx.db.execute(gone).first()
