"""An installation with the demo in it, as it is after a few days, and its web server."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi.testclient import TestClient

from engine.installation import Installation
from engine.people import logins
from engine.queue import beat
from engine.records.suppression import suppress
from engine.records.writer import Author, Records
from engine.review import decisions
from engine.settings import Settings
from engine.starter.demo_records import COMPANY
from engine.starter.demo_workflows import open_demo
from engine.workflows.library import By, save_draft, submit
from server.access.desk import Desk
from server.app import create_app
from server.operations.manual_runs import run_workflow
from server.operations.registry import Answer
from tests.fakes import Clock
from tests.servers import free_port

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

PASSWORD = "a password for tests alone"
USERS = {
    "admin": ("admin", "approver", "author"),
    "mgr": ("approver", "author"),
    "alice": ("author",),
    "bob": ("author",),
    "hr": ("viewer",),
}

TEMPLATES: list[Answer] = [
    {
        "name": "second_reminder",
        "kind": "E-mail",
        "description": "After a week without an answer.",
        "subject": "Invoice {{ record.number }} is still open",
        "body": "Dear {{ customer.name }},\n\nplease pay {{ record.balance|money('EUR') }}.",
    },
    {
        "name": "second_reminder",
        "kind": "E-mail",
        "language": "fr",
        "subject": "Votre facture {{ record.number }}",
        "body": "Bonjour {{ customer.name }},\n\nmerci de payer {{ record.balance|money('EUR') }}.",
    },
    {"name": "ready_text", "kind": "Text message", "body": "{{ record.number }} is ready."},
    {"name": "letter", "kind": "PDF", "html": "<h1>{{ record.number }}</h1><p>Please pay.</p>"},
]
EVENING: Answer = {
    "name": "Invoices - Second reminder",
    "description": "A mail for those who did not answer the first.",
    "module": "invoices",
    "trigger": {"type": "manual"},
    "steps": [
        {
            "id": "mail",
            "type": "send_email",
            "to": ["account"],
            "template": "second_reminder",
            "at": "18:00",
        }
    ],
}


def furnish(folder: Path, clock: Clock) -> None:
    """Fill an empty folder with the demo and its users."""
    installation = Installation.of(Settings(data_dir=folder), clock.now)
    installation.prepare(COMPANY)
    open_demo(installation.database, installation.world)
    with installation.database.begin() as tx:
        for username, roles in USERS.items():
            logins.create_user(tx, username, roles, PASSWORD)
    beat(installation.worker)
    installation.close()


def stock(folder: Path, clock: Clock) -> None:
    """Add what the demo has not: templates, a workflow that uses them, mail that waits for the
    evening, an address that is not written to, and a notice."""
    installation = Installation.of(Settings(data_dir=folder), clock.now)
    with installation.database.begin() as tx:
        records = Records(tx, Author("alice"))
        for template in TEMPLATES:
            records.create("templates", template)
        draft = save_draft(tx, EVENING, By("alice"))
        version = submit(tx, draft.id, draft.revision, "", By("alice"), installation.unsafe, None)
        suppress(tx, "email", "gone@acme.test", "bounced", "the mailbox does not exist", "a bounce")
        records.create("notifications", {"user": "admin", "text": "Look at it.", "read": False})
    with installation.database.begin() as tx:
        decisions.approve(tx, installation.library, version.id, version.hash, By("mgr"), "")
        manager = logins.person(tx, "mgr")
    assert manager is not None
    run_workflow(Desk(installation, manager), draft.id, ["INV-1", "INV-2"])
    installation.worker.work()
    installation.close()


@contextmanager
def opened(furnished: Path, folder: Path, clock: Clock, port: int = 8000) -> Iterator[Installation]:
    """A copy of a furnished folder, open for one test."""
    shutil.copytree(furnished, folder)
    installation = Installation.of(Settings(data_dir=folder, port=port), clock.now)
    try:
        yield installation
    finally:
        installation.close()


def browser_of(installation: Installation, username: str = "") -> TestClient:
    """A client with its own cookies, signed in if a user is named."""
    client = TestClient(
        create_app(installation), base_url=installation.settings.address, follow_redirects=False
    )
    if username:
        with installation.database.begin() as tx:
            client.cookies.set("sayso_session", logins.open_session(tx, username))
    return client


def enter(installation: Installation, context: "BrowserContext", username: str = "admin") -> None:
    """Sign somebody in to a browser."""
    with installation.database.begin() as tx:
        secret = logins.open_session(tx, username)
    address = installation.settings.address
    context.add_cookies([{"name": "sayso_session", "value": secret, "url": address}])


@contextmanager
def served(furnished: Path, folder: Path, clock: Clock) -> Iterator[Installation]:
    """The installation behind a real web server, for real browsers."""
    with opened(furnished, folder, clock, free_port()) as installation:
        settings = installation.settings
        config = uvicorn.Config(
            create_app(installation), settings.host, settings.port, log_level="warning", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield installation
        finally:
            server.should_exit = True
            thread.join(5)
