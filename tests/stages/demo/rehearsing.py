"""Rehearsals of workflows that are written for one test, each made sure to leave nothing behind."""

from typing import Any

from engine.runs.rehearsal import Rehearsed, rehearse
from engine.workflows.workflow import Workflow
from tests.databases import everything
from tests.stages.demo.story import Story


def tried(
    story: Story,
    module: str,
    trigger: str | dict[str, Any],
    *steps: dict[str, Any],
    records: tuple[str, ...] = (),
    conditions: Any = None,
    group_by: str | None = None,
    **given: Any,
) -> list[Rehearsed]:
    """What would come of it; and it is made sure that nothing did."""
    document = {
        "name": "Supposed",
        "module": module,
        "trigger": {"type": trigger} if isinstance(trigger, str) else trigger,
        "conditions": conditions or {"all": []},
        "group_by": group_by,
        "steps": list(steps),
    }
    before = everything(story.installation.database)
    with story.installation.database.read() as tx:
        home = tx.schema.module(module)
        ids = [tx.find(home, number) or 0 for number in records]
        found = rehearse(tx, Workflow.model_validate(document), ids, **given)
    assert everything(story.installation.database) == before
    return found
