"""R131: one mail to chosen customers: a person approves it, and paused customers are left out."""

from typing import Any

import pytest
from sqlalchemy import select

import server.operations.one_offs  # noqa: F401 - registers the operation
from engine.people.logins import Principal
from engine.problems import Invalid
from engine.records.tables import RUNS, VERSIONS
from engine.review import decisions
from engine.workflows.library import By
from server.access.desk import Desk
from server.operations.registry import OPERATIONS
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

LETTER = {"subject": "New bank account", "body": "Dear {{ record.name }}, we have a new account."}
EVERYBODY = {"customers": ["ACME", "BETA", "DELTA"]}


def ask(story: Story, **given: Any) -> Any:
    """What Alice's program is told; it cannot approve."""
    who = Principal("alice", frozenset({"author"}), None, "a token", True)
    return OPERATIONS["write_to_customers"].call(Desk(story.installation, who), {**LETTER, **given})


def approve(story: Story, workflow: int) -> None:
    with story.installation.database.begin() as tx:
        row = tx.db.execute(select(VERSIONS).where(VERSIONS.c.workflow == workflow)).one()
        decisions.approve(tx, story.installation.library, row.id, row.hash, By("admin"), "")
    story.installation.worker.work()


def test_paused_customers_are_left_out_and_approval_sends_it_to_the_others(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.tell({"save": "ACC-2", "values": {"chasing_paused": True}})
        story.news()
        shown = ask(story, **EVERYBODY)
        assert [row["name"] for row in shown["customers"]] == ["ACME", "DELTA"]
        assert [(row["name"], row["why"]) for row in shown["left_out"]] == [
            ("BETA", "chasing is paused for ACC-2")
        ]
        assert [row["id"] for row in shown["suppressed"]] == [4]
        assert story.news() == {}
        story.tell({"attach": "terms.pdf", "to": "ACC-1", "text": "Our terms"})
        with story.installation.database.read() as tx:
            documents = tx.schema.tables["documents"]
            terms = tx.db.scalar(select(documents.c.number).where(documents.c.title == "terms.pdf"))
        story.news()
        asked = ask(story, **EVERYBODY, attach=[terms], dry=False)
        story.installation.worker.work()
        assert story.news() == {}  # nothing before a person approves
        approve(story, asked["workflow"])
        news = story.news()
        assert [(mail["to"], mail["subject"]) for mail in news["mails"]] == [
            ("ana@acme.test", "New bank account")
        ]
        assert [file["name"] for file in news["mails"][0]["attachments"]] == ["terms.pdf"]
        assert news["runs"] == {"done": 2}


def test_with_paused_customers_theirs_waits_for_the_end_of_the_pause(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.tell({"save": "ACC-2", "values": {"chasing_paused": True}})
        where = {"field": "name", "op": "in", "value": ["ACME", "BETA"]}
        asked = ask(story, where=where, paused=True, dry=False)
        assert (asked["count"], asked["left_out"]) == (2, [])
        approve(story, asked["workflow"])
        assert [mail["to"] for mail in story.news()["mails"]] == ["ana@acme.test"]
        story.tell({"save": "ACC-2", "values": {"chasing_paused": False}})
        story.tell({"at": "2026-03-10T12:00"})
        assert [mail["to"] for mail in story.news()["mails"]] == ["cy@beta.test"]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_what_makes_no_sense_is_refused(template_database: TemplateDatabase, clock: Clock) -> None:
    with living({}, template_database, clock) as story:
        with pytest.raises(Invalid, match="say which customers"):
            ask(story)
        with pytest.raises(Invalid, match="there is no field"):
            ask(story, where={"field": "nmae", "op": "equals", "value": "ACME"})
        with pytest.raises(Invalid, match="the mail has no text"):
            ask(story, customers=["ACME"], body=" ")
        story.tell({"save": "ACC-2", "values": {"chasing_paused": True}})
        with pytest.raises(Invalid, match="nobody is left to write to"):
            ask(story, customers=["BETA"], dry=False)
        with story.installation.database.read() as tx:
            assert tx.count(RUNS) == 0
