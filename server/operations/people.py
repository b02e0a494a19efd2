"""Tokens of the person at the desk: listed, made, ended. Pages and command line only."""

from collections.abc import Sequence

from engine.people import audit, logins
from engine.problems import refuse
from engine.records.transaction import Transaction
from server.access.desk import Desk
from server.access.rights import rights
from server.operations import answers
from server.operations.queries import Stored
from server.operations.registry import Answer, missing


def list_tokens(desk: Desk) -> Answer:
    """The tokens of this person; for admins those of everybody."""
    with desk.read() as tx:
        return {
            "tokens": [
                {
                    "token": row.id,
                    "username": row.username,
                    "label": row.label,
                    "scopes": row.scopes,
                    "created_at": answers.iso(row.created_at),
                    "expires_at": answers.iso(row.expires_at),
                    "used_at": answers.iso(row.used_at),
                    "revoked_at": answers.iso(row.revoked_at),
                    "live": row.revoked_at is None and row.expires_at > tx.now,
                }
                for row in tokens_shown(desk, tx)
            ]
        }


def any_token_used(tx: Transaction) -> bool:
    """Whether a program has connected, ever."""
    return any(row.used_at for row in logins.tokens(tx))


def active_logins(tx: Transaction) -> int:
    """How many people can sign in."""
    return sum(bool(row.active) for row in logins.logins(tx))


def tokens_shown(desk: Desk, tx: Transaction) -> Sequence[Stored]:
    """The tokens of this person; for admins those of everybody."""
    return logins.tokens(tx, None if desk.may("people:write") else desk.who.name)


def make_token(desk: Desk, label: str, scopes: list[str], days: int = 90) -> Answer:
    """A token for this person, shown this once. A token cannot make another."""
    if desk.who.agent:
        raise refuse("label", "a token cannot make tokens.", "Do it on the page Tokens.")
    with desk.begin() as tx:
        token = logins.create_token(tx, desk.who.name, label, scopes, days)
        detail = {"label": label, "scopes": list(scopes), "days": days}
        audit.record(tx, desk.who.name, "make token", f"user/{desk.who.name}", detail)
    return {"token": token, "beyond": beyond(desk, scopes)}


def beyond(desk: Desk, scopes: list[str]) -> list[str]:
    """The scopes that give nothing, because the roles of this person do not allow it."""
    return [scope for scope in scopes if scope not in rights(desk.who)]


def end_token(desk: Desk, token: int) -> Answer:
    """A token that opens nothing any more: one's own, for admins anybody's."""
    with desk.begin() as tx:
        known = {row.id: row for row in logins.tokens(tx)}
        row = known.get(token)
        if row is None or not (row.username == desk.who.name or desk.may("people:write")):
            raise missing("token", f"there is no token {token}.", "List the tokens.")
        logins.revoke_token(tx, token)
        detail = {"label": row.label}
        audit.record(tx, desk.who.name, "end token", f"user/{row.username}", detail)
    return {"token": token}
