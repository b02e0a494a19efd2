"""What strangers write or answer is a value: it chooses no reader, no file and no header."""

from typing import Any

import pytest

from engine.problems import Invalid
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living

CALL = {"id": "call", "type": "webhook", "url": "https://a.test/x", "method": "POST"}


def mail(**more: Any) -> dict[str, Any]:
    return {"id": "m", "type": "send_email", "to": ["alice"], "subject": "s", "body": "b", **more}


STEPS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a call names a reader": ("steps.0.to.0", [mail(to=["{{ record.body.email }}"])]),
    "a call names a file": ("steps.0.attach.0", [mail(attach=["{{ record.body.file }}"])]),
    "an answer names a reader": (
        "steps.1.cc.0",
        [CALL, mail(cc=["{{ steps.call.answer.email }}"])],
    ),
    "an answer names a file": (
        "steps.1.attach.0",
        [CALL, mail(attach=["{{ steps.call.answer.id }}"])],
    ),
    "an answer names a file, in short": (
        "steps.1.attach.0",
        [CALL, mail(attach=["steps.call.answer.id"])],
    ),
    "a call names a header": (
        "steps.0.headers.X-To",
        [{**CALL, "headers": {"X-To": "{{ record.body.x }}"}}],
    ),
    "a call names a machine": (
        "steps.0.url",
        [{**CALL, "url": "https://{{ record.body.host }}/x"}],
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_comes_from_outside_chooses_nothing(
    name: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    path, steps = STEPS[name]
    document = {
        "name": "Calls - Tell",
        "description": "So that somebody knows.",
        "module": "webhook_calls",
        "trigger": {"type": "webhook_received", "hook": "shop"},
        "steps": steps,
    }
    with living({}, template_database, clock) as story:
        with pytest.raises(Invalid) as refused:
            story.approve(document)
        assert [problem.path for problem in refused.value.problems] == [path]
        said = [mail(subject="{{ record.body.x }}", body="{{ record.body.y }}")]
        story.approve({**document, "name": "Calls - Say", "steps": said})


S3: dict[str, tuple[str, dict[str, Any]]] = {
    "what a visitor of a form wrote": ("to.0", mail(to=["{{ record.description }}"])),
    "the name that somebody gave": ("cc.0", mail(cc=["{{ record.name }}"])),
    "a whole record": ("to.0", mail(to=["{{ record }}"])),
    "a record that it refers to": ("to.0", mail(to=["{{ record.account }}"])),
    "an address with another end": (
        "to.0",
        mail(to=["{{ record.email|replace_text('@','@evil.') }}"]),
    ),
    "text behind an address": ("to.0", mail(to=["{{ record.email ~ record.name }}"])),
    "what stands in when there is none": (
        "to.0",
        mail(to=["{{ record.email|default(record.description) }}"]),
    ),
    "one arm of a choice": (
        "to.0",
        mail(to=["{% if record.score %}{{ record.email }}{% else %}{{ record.name }}{% endif %}"]),
    ),
    "a word of which there is none": ("to.0", mail(to=["{{ record.email|default('nobody') }}"])),
    "a telephone number in a text": (
        "to.0",
        {"id": "m", "type": "send_sms", "to": ["{{ record.description }}"], "body": "b"},
    ),
    "a header": ("headers.X-To", {**CALL, "id": "m", "headers": {"X-To": "{{ record.name }}"}}),
    "a file": ("attach.0", mail(attach=["{{ record.description }}"])),
}


def lead(*steps: dict[str, Any]) -> dict[str, Any]:
    about = {"name": "Leads - Answer", "description": "So that they know.", "module": "leads"}
    return {**about, "trigger": {"type": "record_created"}, "steps": list(steps)}


@pytest.mark.parametrize("name", S3)
def test_S3_text_that_anybody_may_have_written_chooses_nothing(
    name: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    path, step = S3[name]
    with living({}, template_database, clock) as story:
        with pytest.raises(Invalid) as refused:
            story.approve(lead(step))
        assert [problem.path for problem in refused.value.problems] == [f"steps.0.{path}"]


def test_S3_what_a_model_found_is_no_address(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    ask = {"id": "ai", "type": "fill_fields", "prompt": "Who?", "fields": {"company": "Which"}}
    with living({}, template_database, clock) as story:
        for one in (mail(to=["{{ steps.ai.company }}"]), mail(attach=["{{ steps.ai.company }}"])):
            with pytest.raises(Invalid) as refused:
                story.approve(lead(ask, one))
            assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    "word",
    [
        "{{ record.account.email|default('boss@x.test') }}",
        "{{ record.email or record.contact.email }}",
        "{{ 'alice' if record.description == 'urgent' else record.owner }}",
        "{% if record.score %}boss@x.test{% else %}{{ contact.email }}{% endif %}",
        "{{ actor.email }}",
    ],
)
def test_S3_fields_that_are_addresses_and_words_written_out_may_be_chosen_among(
    word: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.approve(lead(mail(to=[word])))
