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
