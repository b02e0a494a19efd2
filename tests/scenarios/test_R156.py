"""R156: templates are set up in one place; one that an active workflow uses cannot be deleted."""

from typing import Any

import pytest

from engine.problems import Invalid
from engine.records.writer import Author, Records
from engine.workflows.library import examine
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

REMINDER = {
    "name": "second_reminder",
    "subject": "Invoice {{ record.number }}",
    "body": "Please pay {{ record.balance }}.",
}
DOCUMENT: dict[str, Any] = {
    "name": "Invoices - Second reminder",
    "module": "invoices",
    "trigger": {"type": "record_modified", "fields": ["subject"]},
    "steps": [
        {"id": "mail", "type": "send_email", "to": ["account"], "template": REMINDER["name"]}
    ],
}


def write(story: Story, values: dict[str, Any], id: int | None = None) -> int:
    """Make or change a template, and let the workers see it."""
    with story.installation.database.begin() as tx:
        records = Records(tx, Author("bob"))
        saved = (
            records.update("templates", id, values) if id else records.create("templates", values)
        )
    story.installation.worker.work()
    return saved.id


def delete(story: Story, id: int) -> None:
    with story.installation.database.begin() as tx:
        Records(tx, Author("bob")).delete("templates", id)


def test_a_template_in_use_cannot_go_and_the_error_names_the_workflow(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        used, unused = write(story, REMINDER), write(story, {**REMINDER, "name": "other"})
        french = write(story, {**REMINDER, "language": "fr", "subject": "Facture"})
        story.approve(DOCUMENT)
        delete(story, unused)
        delete(story, french)  # another wording of that name is left
        with pytest.raises(Invalid, match="used by “Invoices - Second reminder”"):
            delete(story, used)
        with pytest.raises(Invalid, match="used by “Invoices - Second reminder”"):
            write(story, {"name": "renamed"}, used)


def test_a_template_must_be_sound_and_alone_in_its_language(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        write(story, REMINDER)
        with pytest.raises(
            Invalid, match="there is a template “second_reminder” for all languages"
        ):
            write(story, REMINDER)
        with pytest.raises(Invalid, match="never closed"):
            write(story, {**REMINDER, "name": "broken", "body": "{{ record.number"})


def test_a_workflow_cannot_use_a_template_that_is_not_there_or_does_not_fit(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        write(story, {**REMINDER, "name": "second_reminders", "body": "{{ record.stage }}"})
        with pytest.raises(Invalid, match=r"no template `second_reminder`.*second_reminders"):
            story.approve(DOCUMENT)
        write(story, {**REMINDER, "body": "{{ record.stage }}"})
        with pytest.raises(Invalid, match="“second_reminder”: there is no field `stage`"):
            story.approve(DOCUMENT)


def test_a_template_that_says_nothing_in_some_language_cannot_be_used(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    steps = {
        "send_email": {"to": ["account"]},
        "send_sms": {"to": ["account"]},
        "generate_pdf": {},
    }
    with living({}, template_database, clock) as story:
        write(story, {**REMINDER, "html": "<p>Pay.</p>"})
        write(story, {**REMINDER, "language": "fr", "subject": None, "body": None})
        told = []
        with story.installation.database.read() as tx:
            for type, given in steps.items():
                step = {"id": "it", "type": type, "template": REMINDER["name"], **given}
                problems = examine(
                    tx, {**DOCUMENT, "steps": [step]}, story.installation.unsafe
                ).problems
                told += [problem.message for problem in problems]
    assert told == [
        "the mail has no subject, as the template “second_reminder” has none in fr.",
        "the mail has no text, as the template “second_reminder” has none in fr.",
        "the template “second_reminder” has no text in fr.",
        "the template “second_reminder” has no HTML in fr.",
    ]
