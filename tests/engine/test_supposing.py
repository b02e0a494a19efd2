"""Rehearsals of what has not happened: a supposed change, record, mail or call; nothing stays."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.problems import Invalid
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.rehearsing import tried
from tests.stages.demo.story import Story, living

BECOMES = {"field": "status", "op": "becomes", "value": "Resolved"}
TELL = {"id": "tell", "type": "notify", "to": ["alice"], "text": "{{ record.number }}"}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def test_T36_becomes_means_in_a_test_what_it_means_to_the_trigger(story: Story) -> None:
    asked: dict[str, Any] = {"records": ("TK-1",), "conditions": BECOMES}
    (idle,) = tried(story, "tickets", "record_modified", TELL, **asked)
    assert not idle.matches
    (done,) = tried(
        story, "tickets", "record_modified", TELL, **asked, change={"status": "Resolved"}
    )
    assert (done.matches, done.effects[0].does) == (True, "tell alice: “TK-1”")
    (other,) = tried(story, "tickets", "record_modified", TELL, **asked, change={"title": "x"})
    assert (other.matches, "does not wait for this" in other.why.said) == (False, True)


def test_T36_a_record_that_stands_so_is_supposed_to_have_just_come_to(story: Story) -> None:
    """What is supposed is said, and what was before can be read."""
    text = {**TELL, "text": "{{ old.status }} then {{ record.status }}"}
    status = {"field": "status", "op": "changed_to", "value": "Sent"}
    asked: dict[str, Any] = {"records": ("INV-1",), "conditions": status}
    (found,) = tried(story, "invoices", "record_modified", text, **asked)
    assert found.supposed == "status changed from “Draft” to “Sent”"
    assert found.effects[0].does == "tell alice: “Draft then Sent”"
    (none,) = tried(story, "invoices", "record_modified", text, **asked, change={"status": "Sent"})
    assert none.why.said == "INV-1 has these values already, so that nothing would change"


def test_T36_what_a_change_compares_with_the_old_value_is_supposed_too(story: Story) -> None:
    grew = {"field": "balance", "op": "greater_than", "value": {"old": "balance"}}
    text = {**TELL, "text": "{{ old.balance }} < {{ record.balance }}"}
    (found,) = tried(
        story, "invoices", "record_modified", text, records=("INV-1",), conditions=grew
    )
    assert found.effects[0].does == "tell alice: “999.00 < 1000.00”"
    (fell,) = tried(
        story, "invoices", "record_modified", text, records=("INV-1",), conditions=grew,
        change={"balance": 40},
    )  # fmt: skip
    assert (fell.matches, fell.supposed) == (False, "balance changed from 1,000.00 to 40.00")


def test_T37_a_record_is_supposed_and_neither_it_nor_its_number_stays(story: Story) -> None:
    values = {"title": "Cannot sign in", "priority": "High", "account": "ACME"}
    note = {"id": "note", "type": "add_note", "text": "Seen {{ record.number }}"}
    (found,) = tried(story, "tickets", "record_created", TELL, note, sample=values)
    assert (found.matches, [told.outcome for told in found.effects]) == (True, ["done", "done"])
    assert tried(story, "tickets", "record_created", TELL, sample=values)[0].number == found.number


def test_T37_a_mail_is_supposed_and_belongs_to_whoever_has_its_address(story: Story) -> None:
    refund = {"type": "email_received", "content": "refund"}
    task = {"id": "task", "type": "create_task", "title": "Refund for {{ record.account.name }}"}
    mail = {"sender": "ana@acme.test", "subject": "Please refund", "body": "Thank you"}
    (found,) = tried(story, "emails", refund, task, sample=mail)
    assert [told.does for told in found.effects] == [
        "create the task “Refund for ACME”, due 2026-03-11"
    ]
    (other,) = tried(story, "emails", refund, task, sample={**mail, "subject": "Hello"})
    assert not other.matches


def test_a_call_and_a_bounce_are_supposed(story: Story) -> None:
    hook = {"type": "webhook_received", "hook": "shop", "event": "order.paid"}
    text = {**TELL, "text": "{{ record.body.order.id }}"}
    (call,) = tried(story, "webhook_calls", hook, text, sample={"body": {"order": {"id": "B-12"}}})
    assert call.effects[0].does == "tell alice: “B-12”"
    back = {"bounced": "gone@acme.test", "subject": "Reminder"}
    text = {**TELL, "text": "{{ record.bounced }}"}
    (bounce,) = tried(story, "emails", "email_bounced", text, sample=back)
    assert bounce.effects[0].does == "tell alice: “gone@acme.test”"


def test_what_is_supposed_must_be_sound(story: Story) -> None:
    with pytest.raises(Invalid) as refused:
        tried(story, "tickets", "record_created", TELL, sample={"statsu": "New"})
    assert refused.value.problems[0].path == "sample.statsu"
    with pytest.raises(Invalid) as refused:
        tried(
            story, "tickets", "record_modified", TELL, records=("TK-1",), change={"status": "Old"}
        )
    assert [each.path for each in refused.value.problems] == ["change.status"]


def test_a_schedule_looks_at_a_record_as_if_it_were_so(story: Story) -> None:
    schedule = {"type": "schedule", "every": "day", "at": "09:00"}
    late = {"field": "due_date", "op": "less_than", "value": "today"}
    given: dict[str, Any] = {"records": ("INV-3",), "conditions": late}
    (no,) = tried(story, "invoices", schedule, TELL, **given, change={"due_date": "2026-04-01"})
    (yes,) = tried(story, "invoices", schedule, TELL, **given, change={"due_date": "2026-01-01"})
    assert (no.matches, yes.matches) == (False, True)


def test_a_deletion_is_supposed(story: Story) -> None:
    text = {**TELL, "text": "{{ record.number }} is gone"}
    (found,) = tried(story, "tickets", "record_deleted", text, records=("TK-1",))
    assert found.effects[0].does == "tell alice: “TK-1 is gone”"


def test_a_later_step_finds_what_an_earlier_one_changed_in_sql_too(story: Story) -> None:
    """The balance of an account is computed from its invoices."""
    paid = {"id": "paid", "type": "update_fields", "values": {"balance": 5000}}
    text = {**TELL, "text": "{{ record.account.balance }}"}
    before, after = tried(story, "invoices", "manual", text, paid, {**text, "id": "again"},
                          records=("INV-1",))[0].effects[::2]  # fmt: skip
    assert before.does != after.does


def test_T34_what_would_be_sent_gives_what_a_sent_mail_gives(story: Story) -> None:
    mail = {"id": "mail", "type": "send_email", "to": ["bob"], "subject": "S", "body": "B"}
    sent = {"field": "steps.mail.message_id", "op": "is_not_empty"}
    both = {"id": "ask", "type": "if", "conditions": sent, "then": [TELL], "else": []}
    (found,) = tried(story, "invoices", "manual", mail, both, records=("INV-1",))
    assert [told.step for told in found.effects] == ["mail", "tell"]


def test_T34_a_mail_out_of_its_hours_says_until_when_it_is_held(story: Story) -> None:
    mail = {
        "id": "mail", "type": "send_email", "to": ["bob"], "subject": "S", "body": "B",
        "at": "17:00",
    }  # fmt: skip
    (found,) = tried(story, "invoices", "manual", mail, TELL, records=("INV-1",))
    assert found.path[0].endswith("(held: it goes at 2026-03-10 17:00)")
    assert [told.outcome for told in found.effects] == ["done", "done"]
    assert found.ends == "done: finished"


def test_T34_a_wait_says_when_it_goes_on(story: Story) -> None:
    wait = {"id": "wait", "type": "wait", "days": 2, "at": "10:00"}
    (found,) = tried(story, "invoices", "manual", wait, TELL, records=("INV-1",))
    assert found.path[0].endswith("(goes on at 2026-03-12 10:00)")
