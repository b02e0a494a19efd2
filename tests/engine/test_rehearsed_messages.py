"""Messages in a rehearsal: whom they reach, what they leave out, and what refuses them."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from engine.runs.rehearsal import Told
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.rehearsing import tried
from tests.stages.demo.story import Story, living

DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
ACME = {
    "all": [
        {"field": "account", "op": "equals", "value": "ACME"},
        {"field": "status", "op": "equals", "value": "Sent"},
    ]
}
LISTED = "{% for each in records %}{{ each.number }} {% endfor %}"
MAIL: dict[str, Any] = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Late"}
TELL = {"id": "tell", "type": "notify", "to": ["alice"], "text": LISTED}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def together(story: Story, *steps: dict[str, Any]) -> list[Told]:
    """What would be done for the invoices of ACME, INV-10 of which is paused."""
    (found,) = tried(
        story, "invoices", DAILY, *steps, records=("INV-1",), conditions=ACME, group_by="account"
    )
    return list(found.effects)


def test_T13_a_message_to_a_customer_says_which_members_it_leaves_out_and_why(
    story: Story,
) -> None:
    mail, tell = together(story, {**MAIL, "body": LISTED}, TELL)
    assert str(mail.effect["text"]).split() == ["INV-1", "INV-2"]
    assert mail.warned == "left out: chasing is paused for INV-10"
    assert (tell.does.split()[2:], tell.warned) == (["“INV-1", "INV-2", "INV-10", "”"], "")


def test_T13_a_mail_to_our_own_people_is_about_all_members(story: Story) -> None:
    (mail,) = together(story, {**MAIL, "to": ["mgr"], "body": LISTED})
    assert (str(mail.effect["text"]).split(), mail.warned) == (["INV-1", "INV-2", "INV-10"], "")


def test_T13_a_message_with_no_member_left_is_not_sent(story: Story) -> None:
    late = {"field": "number", "op": "equals", "value": "INV-10"}
    (found,) = tried(
        story, "invoices", DAILY, TELL, {**MAIL, "body": LISTED},
        records=("INV-10",), conditions=late, group_by="account",
    )  # fmt: skip
    tell, mail = found.effects
    assert tell.does == "tell alice: “INV-10 ”"
    assert (mail.outcome, mail.does) == ("held", "paused because chasing is paused for INV-10")


def refusals(story: Story, address: str) -> tuple[str, str]:
    """What is said of a mail to an account with this address, in the rehearsal and in the run.

    No door lets such an address in; an earlier release may have.
    """
    step = {**MAIL, "body": "Hello"}
    with story.installation.database.begin() as tx:
        accounts = tx.schema.homes["accounts"]
        tx.db.execute(update(accounts).where(accounts.c.id == 1).values(email=address))
    world = story.installation.world
    (found,) = tried(story, "invoices", "manual", step, records=("INV-1",), world=world)
    told = next(told for told in found.effects if told.outcome == "failed")
    document = {"name": "Real", "module": "invoices", "trigger": {"type": "manual"}}
    story.approve({**document, "description": "For the test.", "steps": [step]})
    story.tell({"run": ["INV-1"]})
    return told.why or told.does, story.news()["said"]["INV-1"]


def test_T22_several_addresses_in_one_field_are_refused_in_the_same_words(story: Story) -> None:
    said, real = refusals(story, "a@x.test, b@y.test")
    assert said == real
    assert "more than one mail address" in said


@pytest.mark.parametrize("address", ["nobody at x.test", "a@x.test\nBcc: b@y.test", "@", "a@b@c"])
def test_T22_so_is_what_is_no_address(story: Story, address: str) -> None:
    said, real = refusals(story, address)
    assert said == real


def test_T22_a_whole_record_is_no_address(story: Story) -> None:
    step = {**MAIL, "to": ["{{ record }}"], "body": "Hello"}
    (found,) = tried(story, "invoices", "manual", step, records=("INV-1",))
    (told,) = found.effects
    said = "a whole record stands where a name, an address or a word should."
    assert (told.outcome, told.does.startswith(said)) == ("failed", True)
