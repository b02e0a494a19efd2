"""R92, beside R92.json: the entry stands in the calendar of its owner, and in nobody else's."""

import pytest
from fastapi.testclient import TestClient

from engine.people.logins import create_user, open_session
from server.app import create_app
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living

BOOK = {
    "id": "book",
    "type": "create_event",
    "title": "Visit {{ record.name }}",
    "start": "2026-03-11T14:00:00+01:00",
    "end": "2026-03-11T15:00:00+01:00",
    "assign_to": "owner",
}
DOCUMENT = {
    "name": "Opportunities - Book a visit",
    "module": "opportunities",
    "trigger": {"type": "record_saved"},
    "conditions": {"field": "stage", "op": "changed_to", "value": "Proposal"},
    "steps": [BOOK],
}


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_the_entry_is_in_the_calendar_of_its_owner(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        story.approve(DOCUMENT)
        story.tell({"save": "OP-1", "values": {"stage": "Proposal"}})
        with story.installation.database.begin() as tx:
            create_user(tx, "alice", ["author"])
            cookie = open_session(tx, "alice")
        client = TestClient(
            create_app(story.installation), base_url=story.installation.settings.address
        )
        client.cookies.set("sayso_session", cookie)
        with client:
            mine, theirs = (
                client.get(f"/records/events?owner={name}&sort=start").text
                for name in ("alice", "bob")
            )
    assert "Visit New offices" in mine
    assert "Starts at" in mine
    assert "11 Mar 2026, 14:00" in mine
    assert "Visit New offices" not in theirs
