"""How to connect the usual AI clients with a token: what to paste, and where."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from engine.installation import Installation
from server.pages.me.views import ClientHelp


def client_help(installation: Installation, token: str) -> list[ClientHelp]:
    """Settings for each client, with the token in them."""
    url, bearer = f"{installation.settings.address}/mcp", f"Bearer {token}"
    remote = {"url": url, "headers": {"Authorization": bearer}}
    header = shlex.quote(f"Authorization: {bearer}")
    command = f"claude mcp add --transport http sayso {url} --header {header}"
    return [
        _help("Claude Code", "Run this once, in a terminal.", command),
        _help(
            "Claude Desktop",
            "Settings, Developer, Edit config. It starts Sayso's tools on this machine by itself.",
            _shown({"mcpServers": {"sayso": _started_by_the_client(installation, token)}}),
        ),
        _help("Cursor", "In ~/.cursor/mcp.json.", _shown({"mcpServers": {"sayso": remote}})),
        _help(
            "VS Code",
            "In .vscode/mcp.json of a folder.",
            _shown({"servers": {"sayso": {"type": "http", **remote}}}),
        ),
    ]


def _started_by_the_client(installation: Installation, token: str) -> dict[str, Any]:
    """The same tools over stdio, for clients that start their servers themselves."""
    script = Path(sys.executable).with_name("sayso")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "server"]
    settings = installation.settings
    env = {"SAYSO_DATA_DIR": str(settings.data_dir.resolve()), "SAYSO_TOKEN": token}
    if settings.database_url:
        env |= {"SAYSO_DATABASE_URL": settings.database_url, "SAYSO_QUEUE_URL": settings.queue_url}
    env["SAYSO_PUBLIC_URL"] = settings.address
    return {"command": command[0], "args": [*command[1:], "mcp"], "env": env}


def _help(name: str, text: str, code: str) -> ClientHelp:
    return {"name": name, "text": text, "code": code}


def _shown(value: Any) -> str:
    return json.dumps(value, indent=2)
