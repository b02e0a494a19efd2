"""Where one new file shows: a process of its own, with a folder of actions beside Sayso's.

`python -m tests.action_in_one_file ACTIONS DATA` tells as JSON what people and clients are shown
of the action `ping_crm` of that folder, and how a dry run of `sneak` ends.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import engine.blocks.actions

engine.blocks.actions.__path__.append(sys.argv[1])

from fastapi.testclient import TestClient  # noqa: E402 - the folder is searched at the import

from engine.people import logins  # noqa: E402 - as above
from server.app import create_app  # noqa: E402 - as above
from server.cli.reference_page import reference  # noqa: E402 - as above
from server.pages.frame.assets import ASSETS  # noqa: E402 - as above
from tests.databases import Pair  # noqa: E402 - as above
from tests.fakes import Clock  # noqa: E402 - as above
from tests.stages.office.reception import REMIND, Reception, furnish, opened  # noqa: E402 - as above

PING = {"id": "ping", "type": "ping_crm"}
NAMED = {"id": "call", "type": "webhook", "url": "https://books.example.com/hook"}


def shown(reception: Reception) -> dict[str, Any]:
    """What each place shows of a new version with the action, after one without it."""
    workflow = reception.approved(steps=[NAMED])
    whole = {**REMIND, "steps": [NAMED, PING]}
    draft = reception.ask("alice", "draft_workflow", document=whole, workflow=workflow)
    given = {"workflow": workflow, "revision": draft["revision"]}
    link = reception.ask("alice", "submit_workflow", **given)["link"]
    (block,) = reception.ask("alice", "describe_blocks", types=["ping_crm"])["blocks"]
    sneak = {**REMIND, "steps": [{"id": "sneak", "type": "sneak"}]}
    return {
        "words": draft["words"],
        "block": block,
        "dry_run": reception.ask("alice", "test_workflow", workflow=workflow),
        "review": browser(reception).get(f"/reviews/{link.rpartition('/')[2]}").text,
        "reference": reference(),
        "icons": ASSETS["icons.svg"].body.decode(),
        "sneak": reception.ask("alice", "test_workflow", document=sneak, records=["INV-1"]),
    }


def browser(reception: Reception) -> TestClient:
    """Bob, who approves, at the pages."""
    installation = reception.installation
    client = TestClient(create_app(installation), base_url=installation.settings.address)
    with installation.database.begin() as tx:
        client.cookies.set("sayso_session", logins.open_session(tx, "bob"))
    return client


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    pair = Pair("sqlite", f"sqlite:///{folder / 'sayso.db'}", f"sqlite:///{folder / 'queue.db'}")
    furnish(pair.database_url)
    with opened(pair, Clock(datetime(2026, 3, 10, 8, tzinfo=UTC)), folder) as reception:
        print(json.dumps(shown(reception)))
