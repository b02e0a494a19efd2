"""Coming in and going out: sessions are opened, proved and closed here, each noted in the audit."""

from engine.installation import Installation
from engine.people import audit, logins


def nobody_yet(installation: Installation) -> bool:
    """Whether nobody can sign in so far."""
    with installation.database.read() as tx:
        return not logins.logins(tx)


def password_fits(installation: Installation, username: str, password: str) -> bool:
    with installation.database.read() as tx:
        return logins.check_password(tx, username, password) is not None


def enter(installation: Installation, username: str, old: str | None) -> str:
    """Open a session under a new secret, and close the `old` one. Returns the cookie."""
    with installation.database.begin() as tx:
        if old:
            logins.close_session(tx, old)
        cookie = logins.open_session(tx, username)
        audit.record(tx, username, "sign in", f"user/{username}")
    return cookie


def enter_by_link(installation: Installation, secret: str) -> str | None:
    """The cookie of whoever was given this link, which works once; None where it does not."""
    with installation.database.begin() as tx:
        cookie = logins.use_link(tx, secret)
        found = logins.session(tx, cookie) if cookie else None
        if found:
            name = found.principal.name
            audit.record(tx, name, "sign in by link", f"user/{name}")
    return cookie


def prove(installation: Installation, cookie: str) -> None:
    """Note that the person in a session gave the password again."""
    with installation.database.begin() as tx:
        logins.prove(tx, cookie)


def leave(installation: Installation, cookie: str) -> None:
    with installation.database.begin() as tx:
        logins.close_session(tx, cookie)
