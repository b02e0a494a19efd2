"""What `sayso serve` says at its start: where it is, how to come in, how to connect AI clients."""

import secrets
from textwrap import indent

from engine.installation import Installation
from engine.people import logins
from engine.people.roles import SCOPES
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


def demo_words(installation: Installation, token: str) -> str:
    """How to come in and how to connect. The token is known at the first start alone."""
    with installation.database.read() as tx:
        known = {row.username for row in logins.logins(tx)}
    if not set(ROLES) <= known:
        told = "There is other data here already: the demo was not loaded."
        return f"{plain_words(installation)}\n\n{told}"
    lines = [
        plain_words(installation),
        f"Or as         {', '.join(ROLES)}",
        f"Password      {_password(installation)}  (for all of them, in this installation)",
        "",
        client_words(installation, token) if token else NEW_TOKEN,
    ]
    return "\n".join(lines)


def plain_words(installation: Installation) -> str:
    """The address, and a link for whoever may do most; without users, how to make one."""
    at = f"Address       {installation.settings.address}"
    with installation.database.begin() as tx:
        admins = [row.username for row in logins.logins(tx) if row.active and "admin" in row.roles]
        if not admins:
            return f"{at}\n\n{FIRST_USER}"
        name = ADMIN if ADMIN in admins else admins[0]
        secret = logins.create_link(tx, name)
    once = f"as {name}; it works once, within the hour"
    return f"{at}\nSign in       {link(installation, secret)}\n              {once}"


def client_words(installation: Installation, token: str) -> str:
    """What to paste into the usual AI clients."""
    clients = (
        f"{client['name']}. {client['text']}\n\n{indent(client['code'], '    ')}"
        for client in client_help(installation, token)
    )
    return "\n\n".join([CONNECT, f"    {token}", *clients])


def _password(installation: Installation) -> str:
    """The password of the demo's users, kept where only this installation can read it."""
    kept = installation.settings.data_dir / "demo-password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(9))
    return kept.read_text()


FIRST_USER = """\
Nobody can sign in yet. Make the first user, in another terminal:

    sayso user create NAME --role admin --role approver --password-stdin"""
NEW_TOKEN = f"""\
Another link  sayso user link {ADMIN}
A new token   sayso token create --user {AUTHOR} --name "{LABEL}" \
{" ".join(f"--scope {scope}" for scope in SCOPES)}"""
CONNECT = f"""\
Connect an AI client. It acts for {AUTHOR}, who drafts; you approve, as {ADMIN}.
Its token is shown this once:"""
