"""T21: what a workflow made about a record is in the history of that record, with what made it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from engine.people.logins import Principal, create_user, open_session
from server.access.desk import Desk
from server.app import create_app
from server.operations import catalogue
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

STEPS = [
    {"id": "note", "type": "add_note", "text": "We have it"},
    {
        "id": "mail",
        "type": "send_email",
        "to": ["primary_contact"],
        "subject": "Hi",
        "body": "Yes.",
    },
    {"id": "call", "type": "create_task", "title": "Call back", "assign_to": "alice"},
]
DOCUMENT = {
    "name": "Tickets - Answer",
    "module": "tickets",
    "trigger": {"type": "record_modified"},
    "steps": STEPS,
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    """The workflow has run for TK-2."""
    with living({}, template_database, clock) as story:
        story.approve(DOCUMENT)
        story.tell({"save": "TK-2", "values": {"description": "Louder"}})
        story.installation.worker.work()
        yield story


def history(story: Story, module: str, record: str) -> list[dict[str, Any]]:
    who = Principal("alice", frozenset({"author"}), None, "a token", True)
    given = {"module": module, "record": record, "include": ["history"]}
    desk = Desk(story.installation, who)
    found: list[dict[str, Any]] = catalogue.every()["get_record"].call(desk, given)["history"]
    return found


def test_T21_notes_mails_and_tasks_are_in_the_history_of_their_ticket(story: Story) -> None:
    made = [change for change in history(story, "tickets", "TK-2") if "made" in change]
    told = {(each["made"]["module"], each["made"]["name"], each["run"]) for each in made}
    assert told == {("notes", "We have it", 1), ("emails", "Hi", 1), ("tasks", "Call back", 1)}
    others = history(story, "tickets", "TK-1")
    assert [change for change in others if "made" in change] == []


def test_T21_the_mail_is_in_the_history_of_its_account_too(story: Story) -> None:
    with story.installation.database.read() as tx:
        account = tx.db.scalar(select(tx.schema.tables["emails"].c.account))
    made = [
        change["made"] for change in history(story, "accounts", str(account)) if "made" in change
    ]
    assert [(each["module"], each["name"]) for each in made] == [("emails", "Hi")]


def test_T21_the_page_of_the_ticket_says_what_made_them(story: Story) -> None:
    with story.installation.database.begin() as tx:
        create_user(tx, "ruth", ["admin"], name="Ruth", email="ruth@sayso.test")
        cookie = open_session(tx, "ruth")
    app = create_app(story.installation)
    with TestClient(app, base_url=story.installation.settings.address) as browser:
        browser.cookies.set("sayso_session", cookie)
        page = browser.get("/records/tickets/2").text
    assert "made the note" in page
    assert "“We have it”" in page
    assert "made the task" in page
    assert "made the email" in page
    assert page.count("R-1, version 1") >= 3
