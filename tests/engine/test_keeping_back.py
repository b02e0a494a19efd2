"""What keeps a workflow from starting is in its words, where it is the built-in rules too."""

from typing import Any

import pytest

from engine.effects import follow_up
from engine.phrases import speaking
from engine.runs.keeping_back import keeps_back
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living
from tests.strange_language import ours, strange_language

ANSWER: dict[str, Any] = {
    "name": "Emails - Answer",
    "module": "emails",
    "trigger": {"type": "email_received"},
    "steps": [
        {
            "id": "answer",
            "type": "send_email",
            "to": ["{{ record.sender }}"],
            "subject": "Re: {{ record.subject }}",
            "body": "We have it.",
        }
    ],
}


def told(story: Story, **changes: Any) -> list[str]:
    with story.installation.database.read() as tx:
        return keeps_back(tx, Workflow.model_validate({**ANSWER, **changes}))


@pytest.mark.parametrize(
    ("trigger", "to", "hours"),
    [({}, "{{ record.sender }}", 24), ({"once_per_sender_hours": 2}, "alice", 2), ({}, "alice", 0)],
)
def test_T5_how_often_the_mail_of_one_sender_starts_it_is_told(
    template_database: TemplateDatabase,
    clock: Clock,
    trigger: dict[str, Any],
    to: str,
    hours: int,
) -> None:
    with living({}, template_database, clock) as story:
        steps = [{**ANSWER["steps"][0], "to": [to]}]
        rules = told(story, trigger={"type": "email_received", **trigger}, steps=steps)
    rule = f"A mail starts nothing if another of its sender did in the {hours} hours before."
    assert (rule in rules) == bool(hours)


def test_T5_a_text_message_is_told_its_quiet_hours(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    text = {"id": "text", "type": "send_sms", "to": ["+33612345678"], "body": "Call us."}
    with living({}, template_database, clock) as story:
        rules = told(story, module="invoices", trigger={"type": "manual"}, steps=[text])
    assert (
        "No text messages leave between 20:00 and 08:00, by the reader's clock where their time "
        "zone is known: they wait until then."
    ) in rules


def test_T5_what_a_schedule_misses_and_what_matched_before_are_told(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    daily = {"type": "schedule", "every": "day", "at": "09:00"}
    note = {"id": "note", "type": "add_note", "text": "Seen"}
    with living({}, template_database, clock) as story:
        rules = told(story, module="invoices", trigger=daily, recurrence="once", steps=[note])
    assert rules[:3] == [
        "No run starts for an invoice while another for it is still going on.",
        "Whoever approves it chooses whether what matches already is left alone.",
        "What its schedule misses is made up for within 6 hours, the newest time alone; what is "
        "older is told and lost.",
    ]


def test_T5_what_a_mail_leaves_for_people_that_cannot_be_sent_is_told(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    note = {"id": "note", "type": "add_note", "text": "Seen"}
    with living({}, template_database, clock) as story:
        assert follow_up.WORDS in told(story)
        assert follow_up.WORDS not in told(story, steps=[note])


def test_no_rule_that_keeps_something_back_is_said_outside_the_phrases(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    text = {"id": "text", "type": "send_sms", "to": ["account"], "body": "Call us."}
    daily = {"type": "schedule", "every": "day", "at": "09:00"}
    wait = {"id": "wait", "type": "wait", "days": 1}
    paid = {"field": "status", "op": "not_equals", "value": "Paid"}
    steps = {"steps": [wait, text], "conditions": paid, "trigger": daily}
    with living({}, template_database, clock) as story, speaking(strange_language()):
        rules = [*told(story), *told(story, module="invoices", recurrence="once", **steps)]
    called = ["direction", "in", "sent by a machine", "account", "customer group", "status", "paid"]
    assert ours(rules) <= ours([*called, "chasing paused", "email", "invoice"])
