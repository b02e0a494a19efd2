"""An `if` may ask what an earlier step gave."""

from typing import Any

import pytest

from engine.problems import Invalid
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living, reachable

CALL = {"id": "call", "type": "webhook", "url": "https://acc.test/hook", "on_error": "continue"}


def asking(**condition: Any) -> dict[str, Any]:
    return {
        "name": "Invoices - Ask",
        "module": "invoices",
        "trigger": {"type": "record_modified", "fields": ["subject"]},
        "steps": [
            CALL,
            {
                "id": "taken",
                "type": "if",
                "conditions": condition,
                "then": [{"id": "yes", "type": "add_note", "text": "taken"}],
                "else": [{"id": "no", "type": "add_note", "text": "not taken"}],
            },
        ],
    }


@pytest.mark.parametrize(
    ("answer", "condition", "note"),
    [
        (200, {"field": "steps.call.status", "op": "equals", "value": 200}, "taken"),
        (404, {"field": "steps.call.status", "op": "equals", "value": 200}, "not taken"),
        (404, {"field": "steps.call.outcome", "op": "equals", "value": "failed"}, "taken"),
        (
            200,
            {"not": {"field": "steps.call.outcome", "op": "equals", "value": "done"}},
            "not taken",
        ),
        (200, {"field": "steps.call.status", "op": "between", "value": [200, 299]}, "taken"),
    ],
)
def test_a_way_is_chosen_by_the_result_of_an_earlier_step(
    answer: int,
    condition: dict[str, Any],
    note: str,
    template_database: TemplateDatabase,
    clock: Clock,
) -> None:
    with living({"answers": [answer]}, template_database, clock) as story:
        story.approve(reachable(asking(**condition), story.receiver.url))
        story.tell({"save": "INV-1", "values": {"subject": "now"}})
        notes = [each["text"] for each in story.news()["notes"] if not each["pinned"]]
    assert notes == [note]


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("steps.cal.status", "there is no step `cal` before this one"),
        ("steps.call.statos", "step `call` gives no `statos`"),
        ("steps.yes.outcome", "there is no step `yes` before this one"),
    ],
)
def test_a_result_that_no_earlier_step_gives_is_refused(
    field: str, message: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    document = asking(field=field, op="equals", value=200)
    with living({}, template_database, clock) as story, pytest.raises(Invalid, match=message):
        story.approve(reachable(document, story.receiver.url))


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_result_reads_like_a_field(template_database: TemplateDatabase, clock: Clock) -> None:
    document = asking(field="steps.call.status", op="at_least", value=400)
    with living({}, template_database, clock) as story:
        words = story.words(reachable(document, story.receiver.url))
    assert "If the status of call is at least 400:" in words
