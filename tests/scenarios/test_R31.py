"""R31, beside R31.json: a day that passes while the version waits for its reviewer."""

import pytest

from engine.problems import Invalid
from engine.review.decisions import approve
from engine.workflows.library import By, save_draft, submit
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living

ONCE = {
    "name": "Invoices - Once",
    "module": "invoices",
    "trigger": {"type": "schedule", "every": "once", "date": "2026-03-11", "at": "10:00"},
    "conditions": {"field": "number", "op": "equals", "value": "INV-1"},
    "steps": [{"id": "log", "type": "add_note", "text": "Once"}],
}


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_what_was_to_happen_before_it_was_approved_is_refused(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        with story.installation.database.begin() as tx:
            draft = save_draft(tx, ONCE, By("alice"))
            version = submit(
                tx, draft.id, draft.revision, "", By("alice"), story.installation.unsafe, None
            )
        clock.advance(days=2)
        refused = pytest.raises(Invalid, match="on 2026-03-11, and that is past")
        with refused, story.installation.database.begin() as tx:
            approve(tx, story.installation.library, version.id, version.hash, By("admin"), "")
