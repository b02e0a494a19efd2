"""Who may come in, and with what: logins, sessions of browsers, one-time links, and tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Row, delete, insert, select, update

from engine.people.roles import LONGEST_TOKEN_DAYS, ROLES, SCOPES
from engine.problems import Invalid, Problem, refuse, suggest
from engine.records.tables import LOGINS, SESSIONS, TOKENS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.schema.own_modules import USERS

PREFIX = "atp_"
LONGEST_PASSWORD, SHORTEST_PASSWORD = 1024, 8
SESSION_IDLE = timedelta(hours=12)
SESSION_MOST = timedelta(hours=12)
LINK_MOST = timedelta(hours=1)
TOUCH = timedelta(minutes=1)
BY_SAYSO = Author("sayso")
FIRST_ROLES = ("admin", "approver", "author")


@dataclass(frozen=True)
class Principal:
    """Whoever asks for something.

    `scopes` is None for a person in a session: all that the roles allow. `token` is the label of
    the token that was shown; an `agent` is whatever acts through one.
    """

    name: str
    roles: frozenset[str]
    scopes: frozenset[str] | None = None
    token: str | None = None
    agent: bool = False


@dataclass(frozen=True)
class Session:
    """A browser in which somebody is signed in. `proved_at`: when the password was last given."""

    principal: Principal
    proved_at: datetime
    created_at: datetime


# --- users ---


def create_user(
    tx: Transaction,
    username: str,
    roles: Iterable[str],
    password: str | None = None,
    *,
    name: str = "",
    email: str = "",
    language: str = "",
    timezone: str = "",
) -> None:
    """Let somebody in: a login, and a record in the module `users`. Updates both where they exist.

    What is not given stays as it is. Raises `Invalid`.
    """
    wanted = tuple(dict.fromkeys(roles))
    if problems := [_no_role(role) for role in wanted if role not in ROLES]:
        raise Invalid(*problems)
    if not username or username != username.strip() or len(username) > 63:
        raise refuse(
            "username", f"`{username}` cannot name a user.", "Use up to 63 letters and digits."
        )
    changes: dict[str, Any] = {"roles": list(wanted), "active": True}
    if password is not None:
        changes["password"] = _hashed(password)
    fresh = {"username": username, "password": None, "created_at": tx.now, **changes}
    tx.upsert(LOGINS, ["username"], fresh, changes)
    given = {"name": name, "email": email, "language": language, "timezone": timezone}
    _keep_record(tx, username, {key: value for key, value in given.items() if value})


def _no_role(role: str) -> Problem:
    return Problem("roles", f"there is no role `{role}`.", suggest(role, ROLES, "Roles"))


def _keep_record(tx: Transaction, username: str, given: dict[str, str]) -> None:
    module, table = tx.schema.module(USERS), tx.schema.tables[USERS]
    known = {key: value for key, value in given.items() if key in module.by_name}
    where = (table.c.username == username, table.c.deleted_at.is_(None))
    found = tx.db.scalar(select(table.c.id).where(*where))
    records = Records(tx, BY_SAYSO, starts=False)
    if found is not None:
        records.update(USERS, found, {**known, "active": True})
        return
    fresh = {"username": username, "name": username, "active": True, **known}
    records.create(USERS, {key: fresh[key] for key in fresh if key in module.by_name})


def logins(tx: Transaction) -> list[Row[Any]]:
    """All logins by name: username, roles, active, created_at, and whether there is a password."""
    columns = (LOGINS.c.username, LOGINS.c.roles, LOGINS.c.active, LOGINS.c.created_at)
    known = LOGINS.c.password.is_not(None).label("has_password")
    return list(tx.db.execute(select(*columns, known).order_by(LOGINS.c.username)).all())


def set_password(tx: Transaction, username: str, password: str) -> None:
    """A new password; whoever was signed in has to sign in again. Raises `Invalid`."""
    _login(tx, username)
    changed = update(LOGINS).where(LOGINS.c.username == username)
    tx.db.execute(changed.values(password=_hashed(password)))
    close_all(tx, username)


def deactivate_user(tx: Transaction, username: str) -> None:
    """Let somebody in no longer; sessions and tokens end now. Raises `Invalid`."""
    _login(tx, username)
    tx.db.execute(update(LOGINS).where(LOGINS.c.username == username).values(active=False))
    close_all(tx, username)
    mine = (TOKENS.c.username == username, TOKENS.c.revoked_at.is_(None))
    tx.db.execute(update(TOKENS).where(*mine).values(revoked_at=tx.now))
    table = tx.schema.tables[USERS]
    known = select(table.c.id).where(table.c.username == username, table.c.deleted_at.is_(None))
    if (id := tx.db.scalar(known)) and "active" in tx.schema.module(USERS).by_name:
        Records(tx, BY_SAYSO, starts=False).update(USERS, id, {"active": False})


def check_password(tx: Transaction, username: str, password: str) -> Principal | None:
    """Who this is; None if name or password is wrong. Takes as long for a name that nobody has."""
    row = tx.db.execute(select(LOGINS).where(LOGINS.c.username == username)).first()
    known = row.password if row is not None and row.active else None
    if len(password) > LONGEST_PASSWORD:
        return None
    fits = _hasher().verify(password, known or _nobody())
    return _person(row) if row is not None and known and fits else None


def person(tx: Transaction, username: str) -> Principal | None:
    """A user as in a session; None if there is none, or none any more."""
    row = tx.db.execute(select(LOGINS).where(LOGINS.c.username == username)).first()
    return _person(row) if row is not None and row.active else None


def _login(tx: Transaction, username: str) -> Row[Any]:
    row = tx.db.execute(select(LOGINS).where(LOGINS.c.username == username)).first()
    if row is None:
        known = list(tx.db.scalars(select(LOGINS.c.username)))
        raise refuse(
            "username", f"there is no user `{username}`.", suggest(username, known, "Users")
        )
    return row


def _person(row: Row[Any]) -> Principal:
    return Principal(row.username, frozenset(row.roles))


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobody() -> str:
    """What the password of an unknown user is compared with."""
    return _hasher().hash(secrets.token_urlsafe(16))


def _hashed(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        remedy = f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise refuse("password", f"this password has {len(password)} characters.", remedy)
    return _hasher().hash(password)


# --- tokens ---


def create_token(
    tx: Transaction,
    username: str,
    label: str,
    scopes: Iterable[str],
    days: int = LONGEST_TOKEN_DAYS,
) -> str:
    """A token to act for a user within these scopes; shown this once. Raises `Invalid`."""
    _login(tx, username)
    wanted = tuple(dict.fromkeys(scopes))
    problems = [
        Problem("scopes", f"there is no scope `{scope}`.", suggest(scope, SCOPES, "Scopes"))
        for scope in wanted
        if scope not in SCOPES
    ]
    if not wanted:
        problems.append(
            Problem("scopes", "the token may do nothing.", f"Scopes: {', '.join(SCOPES)}.")
        )
    if not label.strip():
        problems.append(
            Problem("label", "the token has no name.", "Say which program will hold it.")
        )
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        most = f"A token is good for 1 to {LONGEST_TOKEN_DAYS} days."
        problems.append(Problem("days", f"{days} days is not possible.", most))
    if problems:
        raise Invalid(*problems)
    token = PREFIX + secrets.token_urlsafe(32)
    row = {
        "digest": _digest(token),
        "username": username,
        "label": label.strip(),
        "scopes": list(wanted),
        "created_at": tx.now,
        "expires_at": tx.now + timedelta(days=days),
    }
    tx.db.execute(insert(TOKENS).values(**row))
    return token


def tokens(tx: Transaction, username: str | None = None) -> list[Row[Any]]:
    """Tokens that were made (of one user), the newest first."""
    query = select(TOKENS).order_by(TOKENS.c.id.desc())
    return list(
        tx.db.execute(query.where(TOKENS.c.username == username) if username else query).all()
    )


def revoke_token(tx: Transaction, id: int) -> None:
    """A token that opens nothing any more."""
    live = (TOKENS.c.id == id, TOKENS.c.revoked_at.is_(None))
    tx.db.execute(update(TOKENS).where(*live).values(revoked_at=tx.now))


def token_holder(tx: Transaction, token: str) -> Principal | None:
    """Whom a token acts for; None if it is unknown, expired or revoked, or its user is gone."""
    if not token.startswith(PREFIX):
        return None
    row = tx.db.execute(
        select(TOKENS, LOGINS.c.roles, LOGINS.c.active)
        .join(LOGINS, LOGINS.c.username == TOKENS.c.username)
        .where(TOKENS.c.digest == _digest(token))
    ).first()
    if row is None or row.revoked_at or row.expires_at <= tx.now or not row.active:
        return None
    scopes = frozenset(row.scopes) & frozenset(SCOPES)
    return Principal(row.username, frozenset(row.roles), scopes, row.label, agent=True)


def token_unseen(tx: Transaction, token: str) -> bool:
    """Whether the last use of a token was noted long enough ago to be noted again."""
    used = tx.db.execute(select(TOKENS.c.used_at).where(TOKENS.c.digest == _digest(token))).first()
    return used is not None and (used.used_at is None or used.used_at <= tx.now - TOUCH)


def touch_token(tx: Transaction, token: str) -> None:
    """Note that a token was used now."""
    tx.db.execute(update(TOKENS).where(TOKENS.c.digest == _digest(token)).values(used_at=tx.now))


# --- sessions ---


def open_session(tx: Transaction, username: str) -> str:
    """Sign a browser in: what its cookie must hold. Raises `Invalid`."""
    _login(tx, username)
    _sweep(tx)
    return _opened(tx, username, "session")


def session(tx: Transaction, cookie: str) -> Session | None:
    """Who is signed in with this cookie; None if nobody is (any more). Reads only."""
    row = _session_row(tx, cookie, "session")
    if (
        row is None
        or row.seen_at + SESSION_IDLE <= tx.now
        or row.created_at + SESSION_MOST <= tx.now
    ):
        return None
    who = person(tx, row.username)
    return Session(who, row.proved_at, row.created_at) if who else None


def session_unseen(tx: Transaction, cookie: str) -> bool:
    """Whether the session's last request was noted long enough ago to be noted again."""
    row = _session_row(tx, cookie, "session")
    return row is not None and row.seen_at <= tx.now - TOUCH


def touch_session(tx: Transaction, cookie: str) -> None:
    """Note that a session was used now."""
    _change_session(tx, cookie, seen_at=tx.now)


def prove(tx: Transaction, cookie: str) -> None:
    """Note that the person in this session gave the password again just now."""
    _change_session(tx, cookie, proved_at=tx.now, seen_at=tx.now)


def close_session(tx: Transaction, cookie: str) -> None:
    """Sign a browser out."""
    tx.db.execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(cookie)))


def close_all(tx: Transaction, username: str) -> None:
    """Sign a user out everywhere; unused links end too."""
    tx.db.execute(delete(SESSIONS).where(SESSIONS.c.username == username))


def create_link(tx: Transaction, username: str) -> str:
    """A secret that signs a user in once, within the hour. Raises `Invalid`."""
    _login(tx, username)
    return _opened(tx, username, "link")


def use_link(tx: Transaction, secret: str) -> str | None:
    """The cookie of a new session in exchange for a link; None if it was used or is too old."""
    row = _session_row(tx, secret, "link")
    if row is None:
        return None
    spent = tx.db.execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(secret))).rowcount
    in_time = row.created_at + LINK_MOST > tx.now
    if not (spent and in_time and person(tx, row.username)):
        return None
    return open_session(tx, row.username)


def create_first_link(tx: Transaction) -> str:
    """A secret that lets whoever holds it become the first user, once, within the hour."""
    return _opened(tx, "", "first")


def first_link_opens(tx: Transaction, secret: str) -> bool:
    """Whether this secret makes the first user: it is young enough, and nobody is there yet."""
    row = _session_row(tx, secret, "first")
    return row is not None and row.created_at + LINK_MOST > tx.now and not tx.count(LOGINS)


def create_first_user(
    tx: Transaction, secret: str, username: str, password: str, *, name: str = "", email: str = ""
) -> None:
    """Let in whoever holds such a secret, to do all there is to do. Raises `Invalid`."""
    if not first_link_opens(tx, secret):
        remedy = "Start `sayso serve` again for another one, if nobody can sign in yet."
        raise refuse("secret", "this link was used already, or is older than an hour.", remedy)
    create_user(tx, username, FIRST_ROLES, password, name=name, email=email)
    tx.db.execute(delete(SESSIONS).where(SESSIONS.c.kind == "first"))


def _opened(tx: Transaction, username: str, kind: str) -> str:
    secret = secrets.token_urlsafe(32)
    moments = dict.fromkeys(("created_at", "seen_at", "proved_at"), tx.now)
    row = {"digest": _digest(secret), "username": username, "kind": kind, **moments}
    tx.db.execute(insert(SESSIONS).values(**row))
    return secret


def _session_row(tx: Transaction, secret: str, kind: str) -> Row[Any] | None:
    where = (SESSIONS.c.digest == _digest(secret), SESSIONS.c.kind == kind)
    return tx.db.execute(select(SESSIONS).where(*where)).first()


def _change_session(tx: Transaction, cookie: str, **values: datetime) -> None:
    where = (SESSIONS.c.digest == _digest(cookie), SESSIONS.c.kind == "session")
    tx.db.execute(update(SESSIONS).where(*where).values(**values))


def _sweep(tx: Transaction) -> None:
    """Forget what no cookie can open any more."""
    tx.db.execute(delete(SESSIONS).where(SESSIONS.c.created_at <= tx.now - SESSION_MOST))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
