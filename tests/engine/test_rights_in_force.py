"""What was approved stays what it may do: in other surroundings it waits for a person again."""

from typing import Any

from engine.company.company import Sender
from engine.review.decisions import approve
from engine.runs.match import stale
from engine.workflows.library import By, save_draft, submit
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

NOTE = {"id": "note", "type": "add_note", "text": "Seen"}
CALL = {"id": "call", "type": "webhook", "url": "https://93.184.216.34/in", "fields": ["status"]}
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Late", "body": "Pay."}


def approved(story: Story, name: str, *steps: dict[str, Any], workflow: int | None = None) -> int:
    """A version with these steps, in force. Gives its workflow."""
    document = {
        "name": name,
        "module": "invoices",
        "trigger": {"type": "manual"},
        "steps": [*steps],
    }
    installation = story.installation
    with installation.database.begin() as tx:
        row = save_draft(tx, document, By("alice"), workflow)
        version = submit(tx, row.id, row.revision, "", By("alice"), installation.unsafe, None)
        approve(tx, installation.library, version.id, version.hash, By("admin"), "")
        return int(row.id)


def is_stale(story: Story, workflow: int) -> bool:
    with story.installation.database.begin() as tx:
        return stale(tx, story.installation.library.live(tx)[workflow])


def test_T4_a_workflow_waits_when_one_that_it_starts_may_do_more(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        second = approved(story, "Second", NOTE)
        first = approved(story, "First", {"id": "go", "type": "run_workflow", "workflow": "Second"})
        assert not is_stale(story, first)
        approved(story, "Second", {**NOTE, "text": "Seen again"}, workflow=second)
        assert not is_stale(story, first), "it may do what it might"
        approved(story, "Second", NOTE, CALL, workflow=second)
        assert (is_stale(story, first), is_stale(story, second)) == (True, False)


def test_a_workflow_waits_when_the_sender_has_another_address(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    def known(story: Story, *senders: Sender) -> None:
        database = story.installation.database
        with database.begin() as tx:
            database.save_company(tx, tx.company.model_copy(update={"senders": senders}))

    billing = Sender(name="Billing", address="billing@acme.test")
    with living({}, template_database, clock) as story:
        known(story, billing)
        workflow = approved(story, "Remind", {**MAIL, "from": "Billing"})
        known(story, billing, Sender(name="Sales", address="sales@acme.test"))
        assert not is_stale(story, workflow)
        known(story, billing.model_copy(update={"address": "else@evil.test"}))
        assert is_stale(story, workflow)
        known(story, billing)
        assert not is_stale(story, workflow)
