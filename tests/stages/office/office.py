"""A small installation for tests: a few modules, a clock, a worker, and short ways to use them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from engine.company.company import Company
from engine.company.message_limits import Caps
from engine.outside.egress import Egress, parse_networks
from engine.outside.world import World
from engine.records.database import Database
from engine.records.tables import ALERTS, ENTRIES, RUNS, VERSIONS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.review import decisions
from engine.runs.worker import Worker
from engine.schema.modules import Module
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import By, examine, save_draft, surroundings
from engine.workflows.workflow import Workflow

PLENTY = Caps(
    workflow_hour=100_000,
    workflow_day=100_000,
    company_day=100_000,
    person_workflow_day=100_000,
    person_day=100_000,
)
COMPANY = Company(
    timezone="Europe/Paris",
    country="FR",
    four_eyes=False,
    sender="office@sayso.test",
    email_caps=PLENTY,
    sms_caps=PLENTY,
)
Row = dict[str, Any]


def _of(name: str, type: str = "text", **more: Any) -> Row:
    return {"name": name, "type": type, **more}


def _module(name: str, *fields: Row, **more: Any) -> Module:
    about = {"name": name, "label": name.capitalize(), "singular": name.removesuffix("s")}
    numbering = f"{name[:3].upper()}-{{n}}"
    return Module.model_validate({**about, "numbering": numbering, "fields": fields, **more})


DOING = ["Open", "In progress", "Done", "Cancelled"]
STATUSES = ["Draft", "Sent", "Overdue", "Paid"]
MODULES = [
    _module(
        "users",
        *(_of("username"), _of("name"), _of("email", "email"), _of("active", "bool", default=True)),
        name_field="name",
        email_field="email",
        system=True,
    ),
    _module("groups", _of("name"), _of("members", "owners"), name_field="name", system=True),
    _module(
        "accounts",
        *(_of("name", required=True), _of("email", "email"), _of("email_opt_out", "bool")),
        *(_of("chasing_paused", "bool"), _of("visits", "int")),
        name_field="name",
        email_field="email",
        paused_by=["chasing_paused"],
        opt_out={"email": "email_opt_out"},
    ),
    _module(
        "invoices",
        *(_of("account", "reference", module="accounts"), _of("due_date", "date")),
        *(_of("status", "picklist", options=STATUSES, default="Draft"), _of("memo")),
        _of("reader", "email"),
        *(_of("balance", "money"), _of("count", "int", default=0), _of("chasing_paused", "bool")),
        paused_by=["chasing_paused", "account.chasing_paused"],
    ),
    _module(
        "emails",
        *(
            _of("direction"),
            _of("sender"),
            _of("to", "longtext"),
            _of("cc", "longtext"),
            _of("subject"),
        ),
        *(_of("body", "longtext"), _of("html", "longtext"), _of("status"), _of("message_id")),
        *(_of("account", "reference", module="accounts"), _of("record", "record")),
        *(_of("run", "int"), _of("step"), _of("error", "longtext"), _of("sent_at", "datetime")),
        *(_of("sender_name"), _of("attachments", "json"), _of("bounced")),
        name_field="subject",
    ),
    _module(
        "tasks",
        *(_of("title"), _of("description", "longtext"), _of("priority"), _of("due_date", "date")),
        *(_of("record", "record"), _of("status", "picklist", options=DOING, default="Open")),
        name_field="title",
    ),
    _module("notes", _of("text", "longtext"), _of("pinned", "bool"), _of("record", "record")),
]


def prepare(url: str) -> None:
    """The modules, one user (alice) and one account (ACME) in an empty database."""
    database = Database(url, lambda: datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    database.prepare(COMPANY, MODULES)
    with database.begin() as tx:
        records = Records(tx, Author("alice"), starts=False)
        alice = {"username": "alice", "name": "Alice", "email": "alice@sayso.test"}
        records.create("users", alice)
        records.create("accounts", {"name": "ACME", "email": "ap@acme.test", "owner": "alice"})
    database.close()


@dataclass
class Office:
    """One process at work in the installation."""

    database: Database
    worker: Worker

    @classmethod
    @contextmanager
    def at(
        cls, url: str, clock: Callable[[], datetime], smtp_url: str = "", **worker: Any
    ) -> Iterator["Office"]:
        """Open it, with the way out open to this machine."""
        egress = Egress(allow_networks=parse_networks("127.0.0.0/8"))
        database = Database(url, clock)
        world = World(clock, egress, smtp_url, key=b"a key for tests alone")
        try:
            yield cls(database, Worker(database, world, **worker))
        finally:
            database.close()

    # --- what people do ---

    def create(self, module: str, **values: Any) -> int:
        with self.database.begin() as tx:
            return Records(tx, Author("alice")).create(module, values).id

    def update(self, module: str, id: int, **values: Any) -> None:
        with self.database.begin() as tx:
            Records(tx, Author("alice")).update(module, id, values)

    def delete(self, module: str, id: int) -> None:
        with self.database.begin() as tx:
            Records(tx, Author("alice")).delete(module, id)

    def activate(self, **document: Any) -> int:
        """Approve a workflow (on invoices, if it does not say) after checking it. Gives its id."""
        whole = {"name": "A workflow", "module": "invoices", **document}
        with self.database.begin() as tx:
            problems = examine(tx, whole, lambda url: None).problems
            assert problems == ()
            return approve(tx, self.worker, whole)

    def activate_unchecked(self, **document: Any) -> int:
        """As it may have come about before the checks knew better."""
        with self.database.begin() as tx:
            return approve(
                tx, self.worker, {"name": "A workflow", "module": "invoices", **document}
            )

    # --- what became of it ---

    def rows(self, module: str, *fields: str) -> list[tuple[Any, ...]]:
        """These fields of all records, the oldest first."""
        with self.database.read() as tx:
            table = tx.schema.tables[module]
            query = select(*(table.c[field] for field in fields)).where(
                table.c.deleted_at.is_(None)
            )
            return [tuple(row) for row in tx.db.execute(query.order_by(table.c.id))]

    def runs(self) -> list[str]:
        """How each run stands, and why."""
        with self.database.read() as tx:
            rows = tx.db.execute(select(RUNS.c.state, RUNS.c.reason).order_by(RUNS.c.id))
            return [f"{state}: {reason}" if reason else state for state, reason in rows]

    def story(self, run: int = 1) -> list[str]:
        """What each step of a run came to."""
        with self.database.read() as tx:
            query = select(ENTRIES).where(ENTRIES.c.run == run).order_by(ENTRIES.c.position)
            return [f"{row.step}: {row.outcome or row.phase}" for row in tx.db.execute(query)]

    def said(self, run: int = 1) -> str:
        """What the last step of a run says."""
        with self.database.read() as tx:
            query = select(ENTRIES.c.said).where(ENTRIES.c.run == run)
            return str(tx.db.scalar(query.order_by(ENTRIES.c.position.desc()).limit(1)))

    def alerts(self) -> list[str]:
        with self.database.read() as tx:
            return list(tx.db.scalars(select(ALERTS.c.kind).order_by(ALERTS.c.id)))


def approve(tx: Transaction, worker: Worker, document: Mapping[str, Any]) -> int:
    """Put a document into force as it is. Gives the id of the workflow."""
    row = save_draft(tx, document, By("alice"))
    hash = fingerprint(document, Workflow.model_validate(document), surroundings(tx))
    values = {
        "workflow": row.id,
        "version": 1,
        "state": "in_review",
        "document": dict(document),
        "hash": hash,
        "authors": ["alice"],
        "by_agent": False,
        "note": "",
        "submitted_by": "alice",
        "submitted_at": tx.now,
    }
    version = tx.db.scalar(insert(VERSIONS).values(**values).returning(VERSIONS.c.id))
    assert version
    decisions.approve(tx, worker.library, version, hash, By("boss"), "")
    return int(row.id)
