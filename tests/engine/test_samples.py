"""The records that a workflow is shown on: each arm, language and text once, a group as one run."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.runs.audience import audience
from engine.runs.rehearsal import Rehearsals, Rehearsed
from engine.runs.samples import samples
from engine.workflows.library import Live
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase, everything
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
SENT = {"field": "status", "op": "equals", "value": "Sent"}
NEVER = {"field": "status", "op": "equals", "value": "Cancelled"}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def mail(id: str, body: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id, "type": "send_email", "to": ["account"], "subject": "S", "body": body, **more,
    }  # fmt: skip


def shown(story: Story, *steps: dict[str, Any], **document: Any) -> list[Rehearsed]:
    asked = {"name": "Shown", "module": "invoices", "trigger": DAILY, "conditions": SENT}
    before = everything(story.installation.database)
    with story.installation.database.read() as tx:
        parsed = Workflow.model_validate({**asked, **document, "steps": list(steps)})
        meant = audience(tx, parsed)
        ids = [each["id"] for each in (*meant.records, *meant.out)]
        live = Live(0, parsed.name, 0, "", {}, parsed)
        found = samples(Rehearsals(tx, live, tx.now), ids)
    assert everything(story.installation.database) == before
    return found


def texts(found: list[Rehearsed]) -> set[str]:
    every = [told.effect for one in found for told in one.effects]
    return {str(effect["text"]) for effect in every if "text" in effect}


def test_T2_a_text_that_no_record_matches_is_shown_as_if_one_did(story: Story) -> None:
    found = shown(story, mail("mail", "Pay {{ record.number }} now"), conditions=NEVER)
    (as_if,) = [one for one in found if one.matches]
    assert as_if.supposed.endswith("matched, and all led to mail")
    assert texts(found) == {f"Pay {as_if.number} now"}


def test_T2_a_text_in_an_arm_that_no_record_takes_is_shown(story: Story) -> None:
    large = {"field": "balance", "op": "greater_than", "value": 1000000}
    inner = {"id": "again", "type": "if", "conditions": NEVER, "then": [mail("b", "Inner")]}
    arms = {
        "id": "big", "type": "if", "conditions": large,
        "then": [mail("a", "Large"), {**inner, "else": []}], "else": [mail("c", "Small")],
    }  # fmt: skip
    assert texts(shown(story, arms)) == {"Large", "Inner", "Small"}


def test_T2_what_stands_behind_a_step_that_fails_is_shown(story: Story) -> None:
    nobody = {"id": "who", "type": "notify", "to": ["promise_to_pay_date"], "text": "Who?"}
    wrong = {"id": "set", "type": "update_fields", "values": {"owner": "{{ record.status }}"}}
    found = shown(story, wrong, mail("mail", "Behind"), {**nobody, "to": ["owner"]})
    assert "Behind" in {str(t.effect.get("text")) for one in found for t in one.effects}


def test_T2_each_arm_is_shown_once_by_records_that_take_it(story: Story) -> None:
    large = {"field": "balance", "op": "greater_than", "value": 900}
    arms = {
        "id": "big", "type": "if", "conditions": large, "then": [mail("a", "Large")],
        "else": [mail("b", "Small")],
    }  # fmt: skip
    found = shown(story, arms)
    assert {"big/then", "big/else"} <= {way for one in found for way in one.crossed}
    assert [one for one in found if "as if" in one.why.said] == []


def test_each_language_of_readers_is_shown_once(story: Story) -> None:
    body = "{{ language }} {{ record.account.name }}"
    found = texts(shown(story, mail("mail", body)))
    assert {text.split()[0] for text in found} == {"fr", "en"}


def test_records_that_are_taken_together_are_one_run(story: Story) -> None:
    listed = "{% for each in records %}{{ each.number }} {% endfor %}"
    found = shown(story, mail("mail", listed), group_by="account")
    groups = [one.members for one in found if one.members]
    assert len(groups) == len({min(group) for group in groups})
    assert any(len(group) > 1 for group in groups)
