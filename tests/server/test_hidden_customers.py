"""Whoever is restricted to portfolios meets no word of other customers at any door (R109)."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from engine.people.logins import Principal, create_token, create_user, open_session
from engine.problems import Invalid
from engine.records.suppression import listed, suppress
from engine.records.tables import ALERTS, ENTRIES, RUNS
from engine.records.writer import Author, Records
from server.access.desk import Desk
from server.app import create_app
from server.operations import runs, sending
from server.operations.registry import OPERATIONS, Answer, Missing
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

WORD = "Xanadu"
HIDDEN = re.compile(rf"{WORD}|INV-3\b|ACC-2\b", re.IGNORECASE)
LINK = re.compile(r'(?:href|src|action|data-live|data-src)="(/[^"#]*)')
WRITE: dict[str, Any] = {
    "name": "Invoices - Write",
    "description": "So that they know.",
    "module": "invoices",
    "trigger": {"type": "record_modified"},
    "conditions": {"all": [{"field": "subject", "op": "contains", "value": "ana"}]},
    "steps": [
        {
            "id": "mail",
            "type": "send_email",
            "to": ["account"],
            "subject": "{{ record.subject }}",
            "body": "Dear {{ record.account.name }}",
            "at": "09:30",
        },
        {"id": "wait", "type": "wait", "days": 7},
        {"id": "text", "type": "add_note", "text": "{{ record.account.name }}"},
    ],
}
FAIL: dict[str, Any] = {
    **WRITE,
    "name": "Invoices - Fail",
    "steps": [
        {"id": "bad", "type": "update_fields", "values": {"due_date": "{{ record.subject }}"}}
    ],
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    """Bob may see ACME alone. All that is known of BETA holds one word."""
    with living({}, template_database, clock) as story:
        for document in (WRITE, FAIL):
            story.approve(document)
        with story.installation.database.begin() as tx:
            create_user(tx, "bob", ["author", "approver"], "correct horse")
            records = Records(tx, Author("admin"))
            portfolio = {"name": "Collections", "restricted": True, "users": ["bob"]}
            id = records.create("portfolios", portfolio).id
            records.create("portfolio_accounts", {"portfolio": id, "account": "ACME"})
        tell(story)
        yield story


def tell(story: Story) -> None:
    with story.installation.database.begin() as tx:
        records = Records(tx, Author("alice"))
        records.update("accounts", 2, {"name": WORD, "email": f"ap@{WORD.lower()}.test"})
        contact = {"last_name": WORD, "account": 2, "email": f"eve@{WORD.lower()}.test"}
        records.create("contacts", contact)
        for record in ("accounts/2", "invoices/3"):
            records.create("notes", {"text": WORD, "record": record})
            records.create("tasks", {"title": WORD, "record": record, "owner": "bob"})
            event = {"title": WORD, "record": record, "start": "2026-03-11T09:00"}
            records.create("events", event)
            records.create("notifications", {"text": WORD, "record": record, "user": "bob"})
        suppress(tx, "email", f"ap@{WORD.lower()}.test", "by hand", WORD, "alice")
        suppress(tx, "email", f"eve@{WORD.lower()}.test", "by hand", WORD, "alice")
    story.tell({"attach": f"{WORD}.pdf", "to": "INV-3", "text": WORD})
    story.tell({"save": "INV-3", "values": {"subject": WORD, "owner": "bob"}})
    story.tell({"tick": True})


def paths(story: Story) -> Iterator[str]:
    """Every address that names something hidden, and those that list things."""
    modules = ("accounts", "contacts", "invoices", "notes", "tasks", "events", "emails")
    with story.installation.database.read() as tx:
        hidden = {
            "accounts": [2],
            **{
                name: tx.db.scalars(
                    select(tx.schema.tables[name].c.id).where(
                        tx.schema.tables[name].c.record.in_(["accounts/2", "invoices/3"])
                    )
                ).all()
                for name in ("notes", "tasks", "events", "emails", "documents", "notifications")
            },
            "invoices": [3],
        }
        runs = tx.db.scalars(select(RUNS.c.id).where(RUNS.c.record == 3)).all()
        workflows = sorted(set(tx.db.scalars(select(RUNS.c.workflow))))
    for module, ids in hidden.items():
        for id in ids:
            yield f"/records/{module}/{id}"
            yield f"/records/{module}/{id}/edit"
            yield f"/records/{module}/{id}/why"
            yield f"/api/records/{module}/{id}"
            yield f"/api/records/{module}/{id}?include=history,related,runs,emails,files"
    for module in (*modules, "documents", "notifications", "portfolio_accounts"):
        yield from [f"/records/{module}/export"] if module in ("invoices", "tasks") else []
        yield f"/api/records/{module}?limit=100"
    for document in hidden["documents"]:
        yield f"/files/{document}"
        yield f"/api/files/{document}"
    for mail in hidden["emails"]:
        yield f"/mailbox/{mail}"
        yield f"/mailbox/{mail}/files/1"
    for run in runs:
        yield f"/runs/{run}"
        yield f"/api/runs/{run}"
    for workflow in workflows:
        yield f"/api/explain?workflow={workflow}&record=3"
        yield f"/api/explain?workflow={workflow}&record=INV-3"
        yield f"/workflows/{workflow}/run?records=INV-3"
        for tab in ("runs", "inside", "audience", "checks", "history", "alerts"):
            yield f"/workflows/{workflow}?tab={tab}"
    for name in ("outbox", "suppressions", "alerts", "runs", "scheduler", "schedules", "workflows"):
        yield f"/api/{name}"
    yield from ("/", "/runs", "/outbox", "/outbox/blocked", "/notices", "/mailbox", "/planner")
    yield from ("/records", "/write", "/templates", "/reviews", "/api/notices", "/records/import")


def met(client: TestClient, story: Story, headers: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Where the word stands, of all that can be reached."""
    waiting = list(dict.fromkeys(paths(story)))
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        answer = client.get(path, headers=headers if path.startswith("/api") else {})
        assert answer.status_code < 500, path
        text = html.unescape(answer.text)
        asked = path.replace("INV-3", "").replace("%20", " ")
        if (found := HIDDEN.search(text)) and (found[0] == WORD or "INV-3" not in path):
            yield asked, text[max(found.start() - 60, 0) : found.end() + 60]
        if "text/html" in answer.headers.get("content-type", ""):
            links = {html.unescape(link) for link in LINK.findall(answer.text)} - seen
            links = {link for link in links if not link.startswith(("/static", "/assets"))}
            if len(seen) < 140:
                seen |= links
                waiting += sorted(links)


def test_no_page_and_no_answer_holds_a_word_of_a_hidden_customer(story: Story) -> None:
    with story.installation.database.begin() as tx:
        cookie = open_session(tx, "bob")
        token = create_token(tx, "bob", "test", ["records:read", "runs:read", "workflows:read"])
        assert tx.count(ALERTS) > 0
        assert tx.count(ENTRIES) > 0
    client = TestClient(
        create_app(story.installation), base_url=story.installation.settings.address
    )
    with client:
        client.cookies.set("sayso_session", cookie)
        assert client.get("/records/accounts/1").status_code == 200
        headers = {"Authorization": f"Bearer {token}"}
        assert list(met(client, story, headers)) == []


def desk(story: Story) -> Desk:
    return Desk(story.installation, Principal("bob", frozenset({"author", "approver"})))


def hidden_runs(story: Story) -> list[Any]:
    with story.installation.database.read() as tx:
        query = select(RUNS.c.id, RUNS.c.state, RUNS.c.step, RUNS.c.due, ENTRIES.c.cause)
        here = query.outerjoin(ENTRIES, ENTRIES.c.run == RUNS.c.id).where(RUNS.c.record == 3)
        return [tuple(row) for row in tx.db.execute(here.order_by(RUNS.c.id))]


def test_a_run_for_a_hidden_customer_is_nobodys_to_move(story: Story) -> None:
    before = hidden_runs(story)
    assert {state for _, state, *_ in before} == {"waiting", "failed"}
    for id, *_ in before:
        with pytest.raises(Missing):
            runs.try_run_again(desk(story), id)
        with pytest.raises(Missing):
            runs.decide_run(desk(story), id, arrived=True)
        with pytest.raises(Missing):
            sending.send_now(desk(story), id)
    assert hidden_runs(story) == before


ASKED: list[tuple[str, Answer]] = [
    ("run_workflow", {"workflow": 1, "records": ["INV-3"], "dry": True}),
    ("run_workflow", {"workflow": 1, "records": ["INV-3"]}),
    ("run_workflow", {"workflow": 1, "where": {"field": "id", "op": "greater_than", "value": 0}}),
    ("test_workflow", {"workflow": 1, "records": ["INV-3"]}),
    ("test_workflow", {"workflow": 1}),
    ("test_workflow", {"document": WRITE, "records": [3]}),
    ("preview_audience", {"workflow": 1, "show": ["subject", "account.name"]}),
    ("preview_audience", {"document": WRITE, "limit": 50}),
    ("explain", {"workflow": 1, "record": "INV-3"}),
    ("explain", {"workflow": 1, "record": 3}),
    ("explain", {"record": "INV-3"}),
    ("explain", {"record": WORD}),
    ("explain", {"workflow": 1, "record": "ACC-1"}),
    ("list_runs", {"record": WORD}),
    ("write_to_customers", {"subject": "x", "body": "y", "customers": [2], "dry": True}),
    ("write_to_customers", {"subject": "x", "body": "{{ record.name }}", "where": {}, "dry": True}),
    ("delete_record", {"module": "invoices", "record": 3}),
    ("delete_record", {"module": "accounts", "record": WORD}),
    ("write_record", {"module": "notes", "values": {"text": "x", "record": "invoices/3"}}),
    ("write_record", {"module": "tasks", "values": {"title": "x", "record": "accounts/2"}}),
    ("write_record", {"module": "contacts", "values": {"last_name": "x", "account": 2}}),
    ("write_record", {"module": "invoices", "record": 1, "values": {"account": 2}}),
    ("list_runs", {"workflow": 1, "record": "INV-3"}),
    ("search_records", {"module": "accounts", "order_by": "name", "limit": 100}),
    (
        "search_records",
        {
            "module": "products",
            "where": {"related": "invoices", "where": {"field": "subject", "op": "is_set"}},
        },
    ),
    ("get_template", {"template": 1}),
    ("list_suppressed", {"search": WORD.lower()}),
    ("suppress_address", {"address": f"new@{WORD.lower()}.test", "reason": "x"}),
]


@pytest.mark.parametrize(("name", "given"), ASKED)
def test_no_question_is_answered_with_a_hidden_customer(
    story: Story, name: str, given: Answer
) -> None:
    with story.installation.database.read() as tx:
        before = tx.count(RUNS, RUNS.c.record == 3)
    try:
        answer = str(OPERATIONS[name].call(desk(story), given))
    except Invalid as refused:
        answer = str(refused)
    found = HIDDEN.search(answer.replace(repr(given), ""))
    word = str(given)
    assert found is None or found[0] in word, answer
    with story.installation.database.read() as tx:
        assert tx.count(RUNS, RUNS.c.record == 3) == before
        assert tx.schema.tables["invoices"].c.deleted_at is not None
        rows = {
            name: tx.count(
                tx.schema.tables[name],
                tx.schema.tables[name].c.record.in_(["invoices/3", "accounts/2"]),
            )
            for name in ("notes", "tasks")
        }
        assert rows == {"notes": 2, "tasks": 2}


def test_an_address_of_a_hidden_customer_stays_on_the_list(story: Story) -> None:
    with story.installation.database.read() as tx:
        ids = [row.id for row in listed(tx)]
    assert len(ids) == 2
    for id in ids:
        with pytest.raises(Missing):
            sending.lift_suppression(desk(story), id, "They asked for it")
    with story.installation.database.read() as tx:
        assert [row.id for row in listed(tx)] == ids
