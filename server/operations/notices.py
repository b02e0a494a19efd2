"""What one user was told, and how this user wants to be told."""

from typing import Any

from sqlalchemy import Row, select
from typing_extensions import TypedDict

from engine.people.logins import Principal
from engine.people.notification_preferences import wished
from engine.problems import BadValue, refuse
from engine.records.transaction import Transaction
from engine.records.writer import Records
from engine.schema.own_modules import NOTIFICATIONS
from server.access.desk import Desk
from server.operations.registry import missing, operation


class Wishes(TypedDict):
    """How a user is told of things; `digest_at` is like "08:00"."""

    notify_bell: bool
    notify_email: bool
    notify_digest: bool
    digest_at: str


@operation(
    "GET /notices/wishes",
    scope="records:read",
)
def get_wishes(desk: Desk) -> Wishes:
    """Tell how the user who asks is told of things: in Sayso, by mail, or in a daily digest."""
    with desk.read() as tx:
        row = _user(tx, desk.who)
        return {
            "notify_bell": row["notify_bell"],
            "notify_email": row["notify_email"],
            "notify_digest": row["notify_digest"],
            "digest_at": row["digest_at"],
        }


@operation(
    "PUT /notices/wishes",
    scope="records:write",
    kind="write",
)
def set_wishes(
    desk: Desk, notify_bell: bool, notify_email: bool, notify_digest: bool, digest_at: str = "08:00"
) -> Wishes:
    """Choose how the user who asks is told of things. A digest takes the place of single mails;
    `digest_at` is a time of day by the user's own clock."""
    return keep_wishes(desk, notify_bell, notify_email, notify_digest, digest_at)


def keep_wishes(desk: Desk, bell: bool, email: bool, digest: bool, digest_at: str) -> Wishes:
    """As `set_wishes`, for everybody who is signed in: everybody's own wishes are their own."""
    try:
        at = wished(digest_at)
    except BadValue as bad:
        raise refuse("digest_at", bad.message, bad.remedy) from None
    given: Wishes = {
        "notify_bell": bell,
        "notify_email": email,
        "notify_digest": digest,
        "digest_at": at,
    }
    with desk.begin() as tx:
        row = _user(tx, desk.who)
        if (email or digest) and not row["email"]:
            told = "there is no mail address for you."
            raise refuse(
                "notify_email", told, "An admin can give you one, on the page of the user."
            )
        Records(tx, desk.author(), starts=False).update("users", row["id"], given)
    return given


def bell(tx: Transaction, who: Principal, limit: int, offset: int = 0) -> list[Row[Any]]:
    """What the user was told in Sayso, the newest first."""
    table = tx.schema.tables[NOTIFICATIONS]
    query = select(table).where(*_mine(tx, who)).order_by(table.c.id.desc())
    return list(tx.db.execute(query.limit(limit).offset(offset)).all())


def told(tx: Transaction, who: Principal, *, unread: bool = False) -> int:
    """How many notices there are in the user's bell."""
    if NOTIFICATIONS not in tx.schema.tables or "channel" not in tx.schema.tables[NOTIFICATIONS].c:
        return 0
    table = tx.schema.tables[NOTIFICATIONS]
    new = [table.c.read.is_not(True)] if unread else []
    return tx.count(table, *_mine(tx, who), *new)


def read_all(desk: Desk) -> int:
    """Mark all that is in the user's bell as read. Returns how many were not."""
    with desk.begin() as tx:
        table, records = tx.schema.tables[NOTIFICATIONS], Records(tx, desk.author(), starts=False)
        mine = (*_mine(tx, desk.who), table.c.read.is_not(True))
        ids = tx.db.scalars(select(table.c.id).where(*mine).order_by(table.c.id)).all()
        for id in ids:
            records.update(NOTIFICATIONS, id, {"read": True})
        return len(ids)


def _mine(tx: Transaction, who: Principal) -> tuple[Any, ...]:
    table = tx.schema.tables[NOTIFICATIONS]
    return (table.c.user == who.name, table.c.channel == "bell", table.c.deleted_at.is_(None))


def _user(tx: Transaction, who: Principal) -> dict[str, Any]:
    table = tx.schema.tables["users"]
    where = (table.c.username == who.name, table.c.deleted_at.is_(None))
    row = tx.db.execute(select(table).where(*where)).mappings().first()
    if row is None:
        raise missing("user", f"there is no user record of {who.name}.", "An admin can create it.")
    return dict(row)
