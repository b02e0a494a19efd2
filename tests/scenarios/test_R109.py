"""R109: who is restricted to portfolios sees their customers alone, and workflows decide which."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine.people.logins import Principal, create_token, create_user, open_session
from engine.problems import Invalid
from engine.records.writer import Author, Records
from server.access.desk import Desk
from server.access.rights import Refused
from server.app import create_app
from server.operations.registry import OPERATIONS, Answer, Missing
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

HAND_OVER = {
    "name": "Accounts - To Bob's portfolio",
    "description": "Who is disputed is Bob's.",
    "module": "accounts",
    "trigger": {"type": "record_saved"},
    "conditions": {"field": "tier", "op": "changed_to", "value": "Bronze"},
    "steps": [{"id": "give", "type": "set_portfolio", "portfolio": "Collections", "change": "add"}],
}
TAKE_BACK = {
    **HAND_OVER,
    "name": "Accounts - Out of Bob's portfolio",
    "conditions": {"field": "tier", "op": "changed_to", "value": "Gold"},
    "steps": [
        {"id": "take", "type": "set_portfolio", "portfolio": "Collections", "change": "remove"}
    ],
}
ROLES = frozenset({"author"})


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    """Bob's portfolio is restricted, and holds ACME alone; Alice has none."""
    with living({}, template_database, clock) as story:
        with story.installation.database.begin() as tx:
            records = Records(tx, Author("admin"))
            portfolio = {"name": "Collections", "restricted": True, "users": ["bob"]}
            id = records.create("portfolios", portfolio).id
            records.create("portfolio_accounts", {"portfolio": id, "account": "ACME"})
        story.approve(HAND_OVER)
        story.approve(TAKE_BACK)
        story.tell({"tick": True})
        story.news()
        yield story


def ask(story: Story, user: str, name: str, roles: frozenset[str] = ROLES, **given: Any) -> Answer:
    desk = Desk(story.installation, Principal(user, roles))
    return OPERATIONS[name].call(desk, given)


def numbers(story: Story, user: str, module: str, roles: frozenset[str] = ROLES) -> list[str]:
    found = ask(story, user, "search_records", roles, module=module, limit=100)
    assert found["total"] == len(found["records"])
    return [row["number"] for row in found["records"]]


def test_a_restricted_user_sees_only_what_hangs_on_customers_of_the_portfolio(
    story: Story,
) -> None:
    assert numbers(story, "bob", "accounts") == ["ACC-1"]
    assert numbers(story, "bob", "invoices") == ["INV-1", "INV-2", "INV-8", "INV-10"]
    assert numbers(story, "bob", "contacts") == ["C1", "C2"]
    assert numbers(story, "bob", "payments") == ["PAY-2", "PAY-3"]
    assert "PD-1" in numbers(story, "bob", "products")
    assert len(numbers(story, "alice", "accounts")) == 4
    assert len(numbers(story, "bob", "accounts", frozenset({"admin"}))) == 4


def test_what_is_hidden_is_not_there_by_any_path(story: Story) -> None:
    with pytest.raises(Missing):
        ask(story, "bob", "get_record", module="invoices", record="INV-3")
    with pytest.raises(Missing):
        ask(story, "bob", "write_record", module="invoices", record=3, values={"subject": "Mine"})
    with pytest.raises(Invalid):
        ask(story, "bob", "write_record", module="tickets", values={"title": "x", "account": 2})
    with pytest.raises(Invalid):
        ask(story, "bob", "write_record", module="invoices", values={"account": "BETA"})
    beta = {"field": "account.name", "op": "equals", "value": "BETA"}
    assert ask(story, "bob", "search_records", module="invoices", where=beta)["total"] == 0
    group = ask(story, "bob", "get_record", module="customer_groups", record="CG-1")
    whole = ask(story, "alice", "get_record", module="customer_groups", record="CG-1")
    assert (group["values"]["balance"], whole["values"]["balance"]) == (1560.0, 6180.0)


def test_what_may_be_seen_can_be_changed(story: Story) -> None:
    made = ask(story, "bob", "write_record", module="invoices", values={"account": "ACME"})
    changed = {"module": "invoices", "record": made["id"], "values": {"subject": "Mine"}}
    assert ask(story, "bob", "write_record", **changed)["values"]["subject"] == "Mine"
    assert made["number"] in numbers(story, "bob", "invoices")


def test_notes_and_documents_hang_on_customers_through_other_records(story: Story) -> None:
    with story.installation.database.begin() as tx:
        records = Records(tx, Author("alice"))
        for record in ("invoices/1", "invoices/3", "products/1"):
            records.create("notes", {"text": record, "record": record})
            records.create("documents", {"title": record, "record": record})
    for module, key in (("notes", "text"), ("documents", "title")):
        found = ask(story, "bob", "search_records", module=module, fields=[key], limit=100)
        shown = {row["values"][key] for row in found["records"]}
        assert {"invoices/1", "products/1"} <= shown
        assert "invoices/3" not in shown


def test_a_workflow_adds_a_customer_and_takes_it_out_again(story: Story) -> None:
    story.tell({"save": "ACC-2", "values": {"tier": "Bronze"}})
    assert story.news()["said"] == {"ACC-2": "added ACC-2 to the portfolio Collections"}
    assert numbers(story, "bob", "accounts") == ["ACC-1", "ACC-2"]
    assert "INV-3" in numbers(story, "bob", "invoices")
    story.tell({"save": "ACC-2", "values": {"tier": "Silver"}})
    assert "runs" not in story.news()
    story.tell({"save": "ACC-2", "values": {"tier": "Bronze"}})
    assert story.news()["steps"]["ACC-2"] == [
        "unchanged: ACC-2: already in the portfolio Collections"
    ]
    story.tell({"save": "ACC-2", "values": {"tier": "Gold"}})
    assert story.news()["said"] == {"ACC-2": "removed ACC-2 from the portfolio Collections"}
    assert numbers(story, "bob", "accounts") == ["ACC-1"]
    assert "INV-3" not in numbers(story, "bob", "invoices")


def test_runs_for_hidden_customers_are_hidden(story: Story) -> None:
    story.tell({"save": ["ACC-2", "ACC-1"], "values": {"tier": "Bronze"}})
    story.tell({"save": "ACC-2", "values": {"tier": "Gold"}})
    runs = {user: ask(story, user, "list_runs")["runs"] for user in ("bob", "alice")}
    assert (len(runs["bob"]), len(runs["alice"])) == (1, 3)
    hidden = {run["run"] for run in runs["alice"]} - {run["run"] for run in runs["bob"]}
    with pytest.raises(Missing):
        ask(story, "bob", "get_run", run=min(hidden))


def test_pages_and_rest_keep_to_it_too(story: Story) -> None:
    with story.installation.database.begin() as tx:
        create_user(tx, "bob", ["author"], "correct horse")
        cookie = open_session(tx, "bob")
        token = create_token(tx, "bob", "test", ["records:read"])
    client = TestClient(
        create_app(story.installation), base_url=story.installation.settings.address
    )
    with client:
        found = client.get("/api/records/invoices", headers={"Authorization": f"Bearer {token}"})
        assert found.status_code == 200, found.text
        assert {row["number"] for row in found.json()["records"]} == {
            "INV-1", "INV-2", "INV-8", "INV-10",
        }  # fmt: skip
        client.cookies.set("sayso_session", cookie)
        assert "INV-1" in page(client, "/records/invoices")
        assert "INV-3" not in page(client, "/records/invoices")
        assert client.get("/records/invoices/3").status_code == 404
        assert "INV-3" not in client.get("/records/invoices/export").text
        assert client.get("/records/invoices/1").status_code == 200
        assert client.get("/").status_code == 200


def page(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.text


def test_only_an_admin_decides_who_is_in_a_portfolio(story: Story) -> None:
    free: dict[str, Any] = {"module": "portfolios", "record": "PF-1"}
    free["values"] = {"restricted": False}
    with pytest.raises(Refused):
        ask(story, "bob", "write_record", **free)
    changed = ask(story, "admin", "write_record", frozenset({"admin"}), **free)
    assert changed["values"]["restricted"] is False
    assert len(numbers(story, "bob", "accounts")) == 4
