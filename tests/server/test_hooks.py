"""The doors without sign-in, over a real port: what they take, and from whom."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from engine.outside.hooks import Hooks, Kind
from engine.people import logins
from engine.review.decisions import approve
from engine.workflows.library import By, save_draft, submit
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.post import letter
from tests.stages.demo.story import fill
from tests.stages.office.reception import Reception, opened, served

SHOP: dict[str, Any] = {
    "name": "Shop - Thank",
    "description": "Orders of the shop.",
    "module": "webhook_calls",
    "trigger": {"type": "webhook_received", "hook": "shop", "event": "order.paid, order.sent"},
    "steps": [
        {
            "id": "log",
            "type": "create_task",
            "title": "{{ record.body.customer.name }} has bought {{ record.body.items|length }}",
            "assign_to": "alice",
        }
    ],
}
ORDER = {"type": "order.paid", "customer": {"id": 7, "name": "Ana"}, "items": [1, 2]}


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with (
        opened(template_database("reference", fill), clock, tmp_path) as installation,
        served(installation),
    ):
        yield installation


def hooks(reception: Reception) -> Hooks:
    return Hooks(reception.url, reception.installation.settings.key())


def post(reception: Reception, kind: Kind, name: str = "", **given: Any) -> httpx.Response:
    return httpx.post(hooks(reception).url(kind, name), timeout=30, **given)


def rows(reception: Reception, module: str) -> list[Any]:
    with reception.installation.database.read() as tx:
        table = tx.schema.tables[module]
        return [dict(row) for row in tx.db.execute(select(table).order_by(table.c.id)).mappings()]


def live(reception: Reception, document: dict[str, Any]) -> None:
    installation = reception.installation
    with installation.database.begin() as tx:
        draft = save_draft(tx, document, By("alice"))
        version = submit(tx, draft.id, draft.revision, "", By("alice"), installation.unsafe, None)
    with installation.database.begin() as tx:
        approve(tx, installation.library, version.id, version.hash, By("admin"), "")


def test_a_mail_is_taken_once(reception: Reception) -> None:
    raw = letter("Ana Lopez <ana@acme.test>", "Hello")
    assert post(reception, "mail", content=raw).json() == {"taken": True, "number": "EM-1"}
    assert post(reception, "mail", content=raw).json() == {"taken": False, "number": None}
    (mail,) = rows(reception, "emails")
    assert (mail["sender"], mail["status"], mail["source"]) == ("ana@acme.test", "received", "sync")


def test_a_door_opens_to_its_own_word_alone(reception: Reception) -> None:
    word = hooks(reception).word("in", "shop")
    closed = [
        "/hooks/mail/wrong",
        f"/hooks/mail/{word}",
        "/hooks/in/shop/wrong",
        f"/hooks/in/other/{word}",
        f"/hooks/form/shop/{word}",
        "/hooks/in/Shop;DROP/x",
    ]
    for path in closed:
        answer = httpx.post(reception.url + path, json={})
        assert (answer.status_code, list(answer.json())) == (403, ["problems"]), path
    assert rows(reception, "webhook_calls") == rows(reception, "emails") == []


def test_a_call_starts_what_asks_for_its_event_and_is_taken_once(reception: Reception) -> None:
    live(reception, SHOP)
    headers = {"webhook-id": "msg_1"}
    first = post(reception, "in", "shop", json=ORDER, headers=headers)
    again = post(reception, "in", "shop", json=ORDER, headers=headers)
    assert (first.json()["taken"], again.json()["taken"]) == (True, False)
    post(reception, "in", "shop", json={**ORDER, "type": "order.lost"})
    post(reception, "in", "other", json=ORDER)
    reception.installation.worker.work()
    assert [task["title"] for task in rows(reception, "tasks")] == ["Ana has bought 2"]
    calls = [(call["hook"], call["event"]) for call in rows(reception, "webhook_calls")]
    assert calls == [("shop", "order.paid"), ("shop", "order.lost"), ("other", "order.paid")]


def test_a_signed_call_needs_no_word_in_its_address(reception: Reception) -> None:
    secret, now, body = hooks(reception).secret("shop"), datetime.now(UTC), json.dumps(ORDER)

    def call(secret: str, sent: str, at: datetime = now) -> httpx.Response:
        signature = Webhook(secret).sign("msg_1", at, body)
        told = {"webhook-id": "msg_1", "webhook-signature": signature}
        stamp = {"webhook-timestamp": str(int(at.timestamp()))}
        return httpx.post(f"{reception.url}/hooks/in/shop", content=sent, headers=told | stamp)

    assert call(secret, body).json()["taken"] is True
    assert call(secret, body).json()["taken"] is False
    assert call(secret, body + " ").status_code == 403
    assert call(hooks(reception).secret("other"), body).status_code == 403
    old = datetime(2020, 1, 1, tzinfo=UTC)
    assert call(secret, body, old).status_code == 403
    assert httpx.post(f"{reception.url}/hooks/in/shop", content=body).status_code == 401
    assert len(rows(reception, "webhook_calls")) == 1


def test_a_call_must_be_json_and_not_too_large(reception: Reception) -> None:
    assert post(reception, "in", "shop", content=b"{").status_code == 400
    assert post(reception, "in", "shop", content=b'"' + b"x" * 1_100_000).status_code == 413
    deep = b"[" * 200 + b"]" * 200
    assert post(reception, "in", "shop", content=deep).status_code == 422
    assert rows(reception, "webhook_calls") == []


def test_a_visitor_becomes_a_lead_with_the_listed_fields_alone(reception: Reception) -> None:
    before = len(rows(reception, "leads"))
    form = {"name": "Gil", "email": "gil@new.test", "owner": "admin", "status": "Converted"}
    site = {"Origin": "https://shop.test", "Accept": "text/html"}
    answer = post(reception, "form", "contact", data=form, headers=site)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "received" in answer.text
    lead = rows(reception, "leads")[before]
    told = [lead[name] for name in ("name", "email", "owner", "status", "lead_source", "source")]
    assert told == ["Gil", "gil@new.test", None, "New", "Web form", "form"]


def test_a_form_that_a_machine_fills_in_makes_no_lead(reception: Reception) -> None:
    before = rows(reception, "leads")
    form = {"name": "Gil", "website": "http://spam.test"}
    assert post(reception, "form", "contact", data=form).json() == {"taken": True}
    assert rows(reception, "leads") == before


def test_a_form_that_lacks_something_says_what(reception: Reception) -> None:
    answer = post(reception, "form", "contact", json={"email": "no address"})
    assert answer.status_code == 422
    assert {problem["path"] for problem in answer.json()["problems"]} == {
        "values.name",
        "values.email",
    }


def test_a_visitor_may_write_ten_times_a_minute(reception: Reception) -> None:
    codes = [post(reception, "form", "often", data={"website": "x"}).status_code for _ in range(14)]
    assert 429 in codes
    assert codes == sorted(codes)


def test_a_token_says_that_a_record_is_kept_in_step_with_another_system(
    reception: Reception,
) -> None:
    with reception.installation.database.begin() as tx:
        logins.create_user(tx, "erp", ["author"])
    client = reception.client("erp")
    note = {"account": "ACME", "amount": 10}
    made = client.post("/api/records/credit_notes", json={"values": note, "sync": True})
    assert (made.status_code, made.json()["values"]["source"]) == (201, "sync")
    own = client.post("/api/records/credit_notes", json={"values": note})
    assert own.json()["values"]["source"] == "api"
    other = client.post("/api/records/credit_notes", json={"values": {**note, "source": "form"}})
    assert [problem["path"] for problem in other.json()["problems"]] == ["values.source"]
