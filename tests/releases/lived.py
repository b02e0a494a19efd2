"""What was done with an earlier release before its database was kept as a fixture.

`make.py` runs this with that release's code as the current folder; it is never imported by tests.
It uses only names that were the same in all releases that are kept so far.
"""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.database import Database
from engine.fields import Field
from engine.house import House
from engine.library import By, Library, save_draft, submit, versions

from engine import people, review
from engine.company import Company
from engine.records import Author, Records
from engine.settings import Settings

START = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)  # a Monday, 08:30 in Paris
NOBODY = "smtp://127.0.0.1:9"  # the port where everything is refused

FOLLOW_UP = {
    "name": "Follow up",
    "module": "invoices",
    "trigger": {"type": "record_created"},
    "conditions": {"field": "status", "op": "equals", "value": "Sent"},
    "recurrence": "once",
    "steps": [
        {"id": "rest", "type": "wait", "days": 3},
        {
            "id": "remind",
            "type": "send_email",
            "to": ["account"],
            "subject": "Invoice {{ record.number }}",
            "body": "Please pay {{ record.balance|money('EUR') }}.",
        },
        {"id": "note", "type": "add_note", "text": "Reminded {{ record.account.name }}."},
    ],
}
CONFIRM = {
    "name": "Confirm",
    "module": "invoices",
    "trigger": {"type": "record_created"},
    "recurrence": "once",
    "steps": [
        {
            "id": "confirm",
            "type": "send_email",
            "to": ["account"],
            "subject": "We have {{ record.number }}",
            "body": "You will hear from us.",
        }
    ],
}
GREET = {
    "name": "Greet",
    "module": "leads",
    "trigger": {"type": "record_created"},
    "recurrence": "once",
    "steps": [
        {
            "id": "hello",
            "type": "send_email",
            "to": ["email"],
            "subject": "Welcome",
            "body": "Good to see you.",
        }
    ],
}
DAILY = {
    "name": "Look at old invoices",
    "module": "invoices",
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "conditions": {"field": "balance", "op": "greater_than", "value": 500},
    "recurrence": {"every_days": 1},
    "steps": [
        {
            "id": "look",
            "type": "create_task",
            "title": "Look at {{ record.number }}",
            "assign_to": "alice",
        },
        {"id": "tell", "type": "notify", "to": ["alice"], "text": "{{ record.number }} is large"},
    ],
}
UNREAD = {**GREET, "name": "Not approved yet"}


class Clock:
    """A clock that a person moves."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


def main(url: str, folder: str) -> None:
    """Live through two days in an empty database. Prints the token that was made."""
    clock = Clock()
    settings = Settings(
        database_url=url, data_dir=folder, timezone="Europe/Paris", smtp_url=NOBODY, secret_key="k"
    )
    house = House.of(settings, clock)
    house.prepare()
    print(_begin(house.database))
    _live(house, clock)
    house.database.engine.dispose()


def _begin(database: Database) -> str:
    with database.begin() as tx:
        _company(database, tx, sender="office@sayso.test")
        people.create_user(tx, "alice", ["author"], "a long password", email="alice@sayso.test")
        people.create_user(tx, "boss", ["approver", "admin"], "a long password")
        _changed_by_people(database, tx)
        for document in (FOLLOW_UP, CONFIRM, GREET, DAILY):
            _approved(tx, document)
        row = save_draft(tx, UNREAD, By("alice"))
        submit(tx, row.id, row.revision, "", By("alice"), _safe, None)
        records = Records(tx, Author("alice"), starts=False)
        records.create("accounts", {"name": "ACME", "email": "ap@acme.test", "owner": "alice"})
        resting = {"name": "Rest Ltd", "email": "ap@rest.test", "chasing_paused": True}
        records.create("accounts", resting)
        return people.create_token(tx, "alice", "AI client", ["records:read", "runs:read"])


def _changed_by_people(database: Database, tx: Any) -> None:
    """A field and a label that are theirs, and that no upgrade may touch."""
    accounts = tx.schema.module("accounts")
    database.add_field(tx, accounts, Field(name="vip", type="bool", label="Very important"))
    accounts = tx.schema.module("accounts")
    fields = tuple(
        field.model_copy(update={"label": "Bills not paid"})
        if field.name == "open_invoices"
        else field
        for field in accounts.fields
    )
    database.save_module(tx, accounts.model_copy(update={"fields": fields}))


def _live(house: House, clock: Clock) -> None:
    database, worker = house.database, house.worker
    _create(database, "leads", name="Gus", email="gus@lead.test")
    worker.work()  # nobody takes the mail: it is tried again later
    with database.begin() as tx:
        _company(database, tx)  # from here on no sender is set
    for balance, account in ((900, "ACME"), (120, "ACME"), (700, "Rest Ltd")):
        facts = {"status": "Sent", "balance": balance, "total": balance, "account": account}
        _create(database, "invoices", **facts)
    worker.work()  # three runs wait for three days, three mails are held or cannot leave
    clock.at = START + timedelta(hours=1)
    worker.work()  # the schedule has fired: two tasks


def _create(database: Database, module: str, **values: Any) -> None:
    with database.begin() as tx:
        Records(tx, Author("alice")).create(module, values)


def _approved(tx: Any, document: dict[str, Any]) -> None:
    row = save_draft(tx, document, By("alice"))
    submit(tx, row.id, row.revision, "", By("alice"), _safe, None)
    (version,) = versions(tx, row.id)
    review.approve(tx, Library(), version.id, version.hash, By("boss"), "")


def _company(database: Database, tx: Any, **more: str) -> None:
    database.save_company(tx, Company(name="Acme", timezone="Europe/Paris", country="FR", **more))


def _safe(url: str) -> None:
    """Every address may be called."""


if __name__ == "__main__":
    main(*sys.argv[1:])
