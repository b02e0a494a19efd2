"""R152: the statement's link opens without a sign-in until it ends, and never after."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from engine.records.tables import AUDIT
from server.app import create_app
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

DOCUMENT = {
    "name": "Invoices - Send the statement",
    "description": "So that customers see what is open.",
    "module": "invoices",
    "trigger": {"type": "record_modified", "fields": ["subject"]},
    "steps": [
        {
            "id": "mail",
            "type": "send_email",
            "to": ["account"],
            "subject": "Your statement",
            "body": "{{ statement.link }}\n\nIt ends on {{ statement.until }}.",
            "html": "<p>{{ statement.link }}</p>{{ statement.table }}",
        }
    ],
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as found:
        found.approve(DOCUMENT)
        yield found


def mailed(story: Story) -> dict[str, str]:
    story.news()
    story.tell({"save": "INV-1", "values": {"subject": "Rent"}})
    (mail,) = story.news()["mails"]
    return {"body": mail["body"], "html": mail["html"]}


def visitor(story: Story) -> TestClient:
    return TestClient(create_app(story.installation), base_url="http://localhost")


def place(text: str) -> str:
    (found,) = re.findall(r"/statements/[\w.=-]+", text)
    return str(found)


def test_the_link_opens_without_sign_in_and_is_refused_after_it_has_ended(
    story: Story, clock: Clock
) -> None:
    mail, browser = mailed(story), visitor(story)
    first = browser.get(place(mail["body"]))
    assert first.status_code == 200
    assert "set-cookie" not in first.headers
    numbers = re.findall(r"INV-\d+", first.text)
    assert numbers == ["INV-1", "INV-10", "INV-2"]
    assert "1\u202f560,00\xa0€" in first.text
    # The programs that look through mail open links before people do.
    assert browser.get(place(mail["body"])).status_code == 200
    clock.advance(days=30)
    over = browser.get(place(mail["body"]))
    assert over.status_code == 410
    assert "Ce lien a expiré" in over.text
    assert "INV-" not in over.text
    assert browser.get(place(mail["body"]) + "/pdf").status_code == 410


def test_it_is_kept_from_caches_and_searches_and_gives_a_file_to_keep(story: Story) -> None:
    browser, address = visitor(story), place(mailed(story)["html"])
    page = browser.get(address)
    told = {name: page.headers[name] for name in ("cache-control", "referrer-policy")}
    assert told == {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    assert "noindex" in page.headers["x-robots-tag"]
    file = browser.get(f"{address}/pdf")
    assert (file.status_code, file.content[:5]) == (200, b"%PDF-")


def test_every_opening_is_noted(story: Story, clock: Clock) -> None:
    browser, address = visitor(story), place(mailed(story)["body"])
    browser.get(address)
    clock.advance(days=31)
    browser.get(address)
    with story.installation.database.read() as tx:
        rows = tx.db.execute(select(AUDIT).where(AUDIT.c.verb == "open_statement")).all()
    assert [(row.actor, row.object, row.detail["link"]) for row in rows] == [
        ("customer", "accounts/1", "open"),
        ("customer", "accounts/1", "over"),
    ]


@pytest.mark.parametrize("spoiled", ["x", "x.y", "á.é"])
def test_what_is_no_link_of_ours_shows_nothing(story: Story, spoiled: str) -> None:
    answer = visitor(story).get(f"/statements/{spoiled}", follow_redirects=False)
    assert answer.status_code == 404


def test_a_link_for_something_else_opens_no_statement(story: Story) -> None:
    with story.installation.database.read() as tx:
        links, until = tx.links, tx.now + timedelta(days=1)
    other = links.sign("unsubscribe", "1", until)
    browser = visitor(story)
    assert browser.get(f"/statements/{other}").status_code == 404
    nobody = links.sign("statement", "99999", until)
    assert browser.get(f"/statements/{nobody}").status_code == 404


def test_the_mail_has_the_statement_inside_too(story: Story) -> None:
    """All of it in English, as its words are, though its reader is French (T27)."""
    mail = mailed(story)
    assert mail["html"].count("<tr>") == 4
    assert 'href="' in mail["html"]
    assert "Your statement" in mail["html"]
    assert mail["body"].startswith("Your statement: ")
    assert mail["body"].endswith("It ends on 2026-04-09.")
