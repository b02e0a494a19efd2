"""What `sayso serve` says at its start: where it is, how to come in, how to connect AI clients."""

import secrets

from engine.installation import Installation
from engine.people import logins
from engine.people.roles import SCOPES
from engine.records.tables import LOGINS
from engine.starter.demo_records import is_empty
from engine.starter.demo_workflows import Progress, open_demo
from server.cli.terminal import link
from server.pages.me.clients import client_help

ADMIN, AUTHOR = "admin", "alice"
ROLES = {
    ADMIN: ("admin", "approver", "author"),
    AUTHOR: ("author",),
    "bob": ("author",),
    "lead": ("author",),
    "mgr": ("approver", "author"),
    "hr": ("viewer",),
    "cons": ("viewer",),
}
LABEL = "AI client"


def prepare_demo(installation: Installation, progress: Progress) -> str:
    """Load the demo where nothing is yet. Returns the token of the author's AI client, else ""."""
    with installation.database.read() as tx:
        if not is_empty(tx):
            return ""
    open_demo(installation.database, installation.world, progress)
    password = _password(installation)
    with installation.database.begin() as tx:
        for username, roles in ROLES.items():
            logins.create_user(tx, username, roles, password)
        return logins.create_token(tx, AUTHOR, LABEL, SCOPES)


def words(installation: Installation, *, demo: bool, token: str = "") -> str:
    """Where Sayso is and how to come in, in five lines at most; what is needed first comes last.

    The token is known at the demo's first start alone.
    """
    at = f"Sayso is at {installation.settings.address} (Ctrl+C stops it)"
    with installation.database.read() as tx:
        known = {row.username for row in logins.logins(tx)}
    if not demo:
        return "\n".join([at, *_way_in(installation)])
    if not set(ROLES) <= known:
        return "\n".join([at, OTHER_DATA, *_way_in(installation)])
    who = f"{ADMIN} (approves), {AUTHOR} (drafts), {', '.join(list(ROLES)[2:])}"
    password = f"Password      {_password(installation)}  for each of {who}"
    return "\n".join([at, *_clients(installation, token), password, *_way_in(installation)])


def _way_in(installation: Installation) -> list[str]:
    """A link for whoever may do most; for whoever comes first, where there is no admin."""
    with installation.database.begin() as tx:
        admins = [row.username for row in logins.logins(tx) if row.active and "admin" in row.roles]
        if not tx.count(LOGINS):
            first = link(installation, logins.create_first_link(tx), "/welcome")
            return ["Nobody can sign in yet. Become the first user (once, within the hour):", first]
        if not admins:
            return ["There is no admin: `sayso user create NAME --role admin` makes one."]
        name = ADMIN if ADMIN in admins else admins[0]
        secret = logins.create_link(tx, name)
    return [f"Sign in       {link(installation, secret)}  as {name}, once, within the hour"]


def _clients(installation: Installation, token: str) -> list[str]:
    """How to connect the first AI client, and where the others are told of."""
    page = f"{installation.settings.address}/tokens/clients"
    if not token:
        return [f"AI clients    {page}: sign in as {AUTHOR}, who drafts, and make a token"]
    claude, *_ = client_help(installation, token)
    return [
        f"Claude Code   {claude['code']}",
        f"AI clients    {page} has the settings of others; that token acts for {AUTHOR}",
    ]


def _password(installation: Installation) -> str:
    """The password of the demo's users, kept where only this installation can read it."""
    kept = installation.settings.data_dir / "demo-password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(9))
    return kept.read_text()


OTHER_DATA = "There is other data here already: the demo was not loaded."
