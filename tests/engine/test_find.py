"""What a step looked for in vain is said with the values it looked for."""

from typing import Any

import pytest

from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import living

NAMED = {"field": "name", "op": "equals", "value": "{{ record.subject }}"}
OF_ACCOUNT = {"field": "account", "op": "equals", "value": "{{ record.account }}"}
TITLED = {"field": "title", "op": "equals", "value": "{{ record.subject }}"}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            {"type": "update_fields", "find": {"module": "accounts", "where": NAMED}},
            "no account was found for which the name is “Zebra”.",
        ),
        (
            {"type": "update_fields", "find": {"module": "opportunities", "where": OF_ACCOUNT}},
            "no opportunity was found for which the account is “GAMMA”.",
        ),
        (
            {"type": "update_related", "related": "tasks", "via": "record", "where": TITLED},
            "INV-6 has no tasks for which the title is “Zebra”",
        ),
    ],
)
def test_T27_the_value_looked_for_is_named(
    template_database: TemplateDatabase, clock: Clock, step: dict[str, Any], said: str
) -> None:
    values = {"priority": "High"} if "related" in step else {"next_step": "Call"}
    values = {"ref": "X"} if "accounts" in str(step) else values
    document = {
        "schema": 1,
        "name": "Looks for a record",
        "description": "For a test.",
        "module": "invoices",
        "trigger": {"type": "record_modified"},
        "conditions": {"field": "subject", "op": "changed_to", "value": "Zebra"},
        "steps": [{"id": "look", "values": values, **step}],
    }
    with living({}, template_database, clock) as story:
        story.approve(document)
        story.tell({"save": "INV-6", "values": {"subject": "Zebra"}})
        assert story.news()["said"] == {"INV-6": said}
