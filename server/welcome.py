"""What `sayso serve` says at its start: where it is, how to come in, how to connect AI clients."""

import json
import secrets
import shlex
import sys
from pathlib import Path
from textwrap import indent
from typing import Any
from urllib.parse import urlencode

from engine import people
from engine.demo import is_empty
from engine.house import House
from engine.people import SCOPES
from engine.showcase import Progress, open_demo

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


def prepare_demo(house: House, progress: Progress) -> str:
    """Load the demo where nothing is yet. Returns the token of the author's AI client, else ""."""
    with house.database.read() as tx:
        if not is_empty(tx):
            return ""
    open_demo(house, progress)
    password = _password(house)
    with house.database.begin() as tx:
        for username, roles in ROLES.items():
            people.create_user(tx, username, roles, password)
        return people.create_token(tx, AUTHOR, LABEL, SCOPES)


def demo_words(house: House, token: str) -> str:
    """How to come in and how to connect. The token is known at the first start alone."""
    with house.database.read() as tx:
        known = {row.username for row in people.logins(tx)}
    if not set(ROLES) <= known:
        return f"{plain_words(house)}\n\nThere is other data here already: the demo was not loaded."
    lines = [
        plain_words(house),
        f"  or as       {', '.join(ROLES)}",
        f"  password    {_password(house)}   (all of them; made for this data folder)",
        "",
        client_words(house, token) if token else NEW_TOKEN,
    ]
    return "\n".join(lines)


def plain_words(house: House) -> str:
    """The address, and a link for whoever may do most; without users, how to make one."""
    at = f"Sayso is at    {house.settings.address}"
    with house.database.begin() as tx:
        admins = [row.username for row in people.logins(tx) if row.active and "admin" in row.roles]
        if not admins:
            return f"{at}\n\n{FIRST_USER}"
        name = ADMIN if ADMIN in admins else admins[0]
        secret = people.create_link(tx, name)
    return f"{at}\n\nSign in once   {link(house, secret)}\n  as          {name}, within an hour"


def link(house: House, secret: str) -> str:
    """The address that signs its reader in."""
    return f"{house.settings.address}/login/link?{urlencode({'secret': secret})}"


def client_words(house: House, token: str) -> str:
    """What to paste into the usual AI clients."""
    url, bearer = f"{house.settings.address}/mcp", f"Bearer {token}"
    remote = {"url": url, "headers": {"Authorization": bearer}}
    return CLIENTS.format(
        author=AUTHOR,
        token=token,
        code=f"claude mcp add --transport http sayso {url} --header {shlex.quote(AUTH + bearer)}",
        cursor=_shown({"mcpServers": {"sayso": remote}}),
        vscode=_shown({"servers": {"sayso": {"type": "http", **remote}}}),
        desktop=_shown({"mcpServers": {"sayso": _started_by_the_client(house)}}),
    )


def _started_by_the_client(house: House) -> dict[str, Any]:
    """The same tools over stdio, for clients that start their servers themselves."""
    script = Path(sys.executable).with_name("sayso")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "server"]
    settings = house.settings
    env = {"SAYSO_DATA_DIR": str(settings.data_dir.resolve())}
    if settings.database_url:
        env |= {"SAYSO_DATABASE_URL": settings.database_url, "SAYSO_QUEUE_URL": settings.queue_url}
    env["SAYSO_PUBLIC_URL"] = settings.address
    return {"command": command[0], "args": [*command[1:], "mcp", "--user", AUTHOR], "env": env}


def _shown(value: Any) -> str:
    return indent(json.dumps(value, indent=2), "    ")


def _password(house: House) -> str:
    """The password of the demo's users, kept where only this installation can read it."""
    kept = house.settings.data_dir / "demo-password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(9))
    return kept.read_text()


AUTH = "Authorization: "
FIRST_USER = """\
Nobody can sign in yet. Make the first user, in another terminal:

    sayso user create NAME --role admin --role approver --password-stdin"""
NEW_TOKEN = f"""\
A new link     sayso user link {ADMIN}
A new token    sayso token create --user {AUTHOR} --name "{LABEL}" \
{" ".join(f"--scope {scope}" for scope in SCOPES)}"""
CLIENTS = """\
Connect an AI client. It acts for {author}, who drafts; you approve, as admin.
Its token, shown this once:

    {token}

Claude Code
    {code}

Cursor (mcp.json)
{cursor}

VS Code (.vscode/mcp.json)
{vscode}

Claude Desktop (claude_desktop_config.json; it starts Sayso's tools itself)
{desktop}
"""
