"""An office with its doors open, for tests: four people, a few records, clients of every kind."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import httpx
import uvicorn
from fastapi.testclient import TestClient

from engine.company.company import Company
from engine.installation import Installation
from engine.people.logins import (
    Principal,
    create_token,
    create_user,
    open_session,
    person,
    token_holder,
)
from engine.people.roles import SCOPES
from engine.records.database import Database
from engine.records.writer import Author, Records
from engine.schema.modules import Module
from engine.settings import Settings
from server.access.desk import Desk
from server.app import create_app
from server.operations import catalogue, reviews
from server.operations.registry import Answer
from server.operations.reviews import Proposal
from tests.databases import Pair
from tests.fakes import Clock
from tests.stages.office.office import MODULES

PEOPLE = {"alice": "author", "bob": "approver", "vera": "viewer", "root": "admin"}
EMPLOYEES = Module.model_validate(
    {
        "name": "employees",
        "label": "Employees",
        "singular": "Employee",
        "numbering": "EMP-{n}",
        "sensitive": True,
        "fields": [{"name": "name", "type": "text"}, {"name": "salary", "type": "money"}],
    }
)
REMIND: Answer = {
    "name": "Invoices - Remind",
    "description": "So that they pay.",
    "module": "invoices",
    "trigger": {"type": "manual"},
    "conditions": {"field": "status", "op": "equals", "value": "Sent"},
    "recurrence": {"every_days": 7},
    "steps": [
        {
            "id": "polite",
            "type": "send_email",
            "to": ["account"],
            "subject": "Invoice {{ record.number }}",
            "body": "Please pay {{ record.balance }}.",
        },
        {"id": "a_week", "type": "wait", "days": 7},
        {"id": "note", "type": "add_note", "text": "Reminded."},
    ],
}


def furnish(url: str) -> None:
    """The modules, the people, one account and three invoices: sent, sent and a draft."""
    database = Database(url, lambda: datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    company = Company(timezone="Europe/Paris", country="FR", sender="office@sayso.test")
    database.prepare(company, [*MODULES, EMPLOYEES])
    with database.begin() as tx:
        for name, role in PEOPLE.items():
            create_user(tx, name, [role], name=name.capitalize(), email=f"{name}@sayso.test")
        records = Records(tx, Author("alice"), starts=False)
        records.create("accounts", {"name": "ACME", "email": "ap@acme.test", "owner": "alice"})
        for status, balance in (("Sent", 100), ("Sent", 250.5), ("Draft", 0)):
            invoice = {"account": "ACME", "status": status, "balance": balance, "owner": "alice"}
            records.create("invoices", {**invoice, "due_date": "2026-02-01"})
        records.create("employees", {"name": "Eve", "salary": 5000})
    database.close()


@dataclass
class Reception:
    """The open installation and ways to come in."""

    installation: Installation
    clock: Clock
    url: str = ""
    _clients: ExitStack = field(default_factory=ExitStack)

    def desk(self, name: str) -> Desk:
        """Where a person sits who is signed in to the pages."""
        with self.installation.database.read() as tx:
            found = person(tx, name)
        assert found is not None
        return Desk(self.installation, found)

    def token(self, name: str, *scopes: str) -> str:
        with self.installation.database.begin() as tx:
            return create_token(tx, name, "a test", scopes or SCOPES)

    def agent(self, name: str, *scopes: str) -> Principal:
        token = self.token(name, *scopes)
        with self.installation.database.read() as tx:
            found = token_holder(tx, token)
        assert found is not None
        return found

    def agents_desk(self, name: str, *scopes: str) -> Desk:
        return Desk(self.installation, self.agent(name, *scopes))

    def ask(self, who: str, operation: str, /, **given: Any) -> Answer:
        """What an operation answers to somebody's token."""
        return catalogue.every()[operation].call(self.agents_desk(who), given)

    def client(self, name: str, *scopes: str) -> httpx.Client:
        """A REST client with a token of this person."""
        headers = {"Authorization": f"Bearer {self.token(name, *scopes)}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        return self._clients.enter_context(client)

    @contextmanager
    def browser(self, name: str) -> Iterator[TestClient]:
        """The browser of somebody who has just signed in."""
        with self.installation.database.begin() as tx:
            cookie = open_session(tx, name)
        app = create_app(self.installation)
        with TestClient(app, base_url=self.installation.settings.address) as browser:
            browser.cookies.set("sayso_session", cookie)
            yield browser

    def drafted(self, **changes: Any) -> Answer:
        return self.ask("alice", "draft_workflow", document={**REMIND, **changes})

    def proposal(self, name: str, review: int) -> Proposal:
        """A version as it is put before somebody."""
        desk = self.desk(name)
        with desk.read() as tx:
            return reviews.proposal(desk, tx, review)

    def approved(self, **changes: Any) -> int:
        """A workflow that bob approved. Gives its id."""
        draft = self.drafted(**changes)
        given = {"workflow": draft["workflow"], "revision": draft["revision"]}
        link = self.ask("alice", "submit_workflow", **given)["link"]
        review = int(link.rpartition("/")[2])
        bob = self.desk("bob")
        it = self.proposal("bob", review)
        reviews.approve(bob, review, it.row.hash, seen=[reviews.tick(one) for one in it.to_tick])
        return int(draft["workflow"])


@contextmanager
def opened(pair: Pair, clock: Clock, folder: Path, **more: Any) -> Iterator[Reception]:
    """The installation, without a web server. `more` are further settings."""
    urls = {"database_url": pair.database_url, "queue_url": pair.queue_url}
    settings = Settings.model_validate({**urls, "data_dir": folder / "data", **more})
    installation = Installation.of(settings, clock.now)
    try:
        yield Reception(installation, clock)
    finally:
        installation.close()


@contextmanager
def served(reception: Reception) -> Iterator[Reception]:
    """The same, answering on a port of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind(("127.0.0.1", 0))
        app = create_app(reception.installation)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", http="h11", ws="none"))
        thread = Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            while not server.started:
                sleep(0.005)
            reception.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            with reception._clients:
                yield reception
        finally:
            server.should_exit = True
            thread.join()
