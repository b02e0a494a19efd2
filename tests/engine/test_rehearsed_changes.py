"""A dry run of changes: what would be changed, what is so already, and nothing written."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.runs.rehearsal import Told, rehearse
from engine.workflows.workflow import Workflow
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def would(story: Story, module: str, id: int, *steps: dict[str, Any]) -> list[Told]:
    asked = {"name": "Dry", "module": module, "trigger": {"type": "manual"}, "steps": list(steps)}
    with story.installation.database.read() as tx:
        (one,) = rehearse(tx, Workflow.model_validate(asked), [id])
    assert story.news() == {}
    return list(one.effects)


def test_related_records_are_counted_and_named(story: Story) -> None:
    story.news()
    close = {"id": "close", "type": "update_related", "related": "invoices", "via": "account"}
    (told,) = would(story, "accounts", 1, {**close, "values": {"subject": "Late"}})
    said = "set subject to Late on 4 invoices: INV-1, INV-2, INV-8, INV-10"
    assert (told.does, told.outcome) == (said, "done")


def test_more_than_foreseen_is_told_and_nothing_would_be_changed(story: Story) -> None:
    story.news()
    close = {"id": "close", "type": "update_related", "related": "invoices", "via": "account"}
    (told,) = would(story, "accounts", 1, {**close, "values": {"subject": "Late"}, "at_most": 3})
    assert told.outcome == "failed"
    assert told.does.startswith("4 invoices of ACC-1 fit, and 3 are foreseen at most.")


def test_what_is_so_already_is_unchanged(story: Story) -> None:
    story.news()
    again = {"id": "same", "type": "update_fields", "values": {"account": "ACME"}}
    other = {"id": "other", "type": "update_fields", "values": {"account": "BETA"}}
    assert [told.outcome for told in would(story, "invoices", 1, again, other)] == [
        "unchanged",
        "done",
    ]


def test_who_would_be_next_is_named_and_takes_no_turn(story: Story) -> None:
    story.news()
    turn = {"id": "turn", "type": "assign", "to": "round_robin:Sales"}
    tell = {"id": "tell", "type": "notify", "to": ["owner"], "text": "Yours"}
    for _ in range(2):
        assigned, told = would(story, "leads", 1, turn, tell)
        assert assigned.does == "set owner to the next of Sales (now alice) on LD-1"
        assert told.does == "tell alice: “Yours”"


def test_a_document_would_be_renamed_and_moved(story: Story) -> None:
    story.news()
    name = "{{ record.record.cases.number }}_{{ today }}_{{ record.title }}"
    step = {"id": "file", "type": "move_document", "name": name, "folder": "Cases"}
    (told,) = would(story, "documents", 1, step)
    renamed = "rename DOC-1 from “scan.pdf” to “CS-1_2026-03-10_scan.pdf”"
    assert told.does == f"{renamed} and move it to “Cases”"
