"""Users who are switched off, and the workflows that still name them."""

from collections.abc import Collection, Iterator

from engine.problems import Problem
from engine.records.alerts import raise_alert
from engine.records.transaction import Transaction
from engine.schema.modules import Schema
from engine.workflows.library import Live, others
from engine.workflows.workflow import Workflow

REMEDY = "Name an active user or a group in it, and submit it for review."


def absent(workflow: Workflow, schema: Schema, gone: Collection[str]) -> Iterator[Problem]:
    """Each step that gives something to a user who is switched off, or tells them something."""
    home = schema.modules.get(workflow.module)
    if home is None or not gone:
        return
    for step, _ in workflow.route.values():
        words = {word.removeprefix("user:").strip() for word in step.reads()}
        words |= {str(write.value) for write in step.writes(home, schema) if write.value}
        for name in sorted(words & set(gone)):
            told = f"the step `{step.id}` names {name}, who is switched off."
            yield Problem(f"steps.{step.id}", told, "Name an active user, or a group.")


def tell(tx: Transaction, username: str) -> list[Live]:
    """Tell people which active workflows still name a user who was switched off."""
    found = []
    for live in others(tx, None):
        problems = list(absent(live.parsed, tx.schema, [username]))
        if problems:
            found.append(live)
            cause = f"“{live.name}”: {problems[0].message}"
            key = f"absent/{live.workflow}/{username}"
            raise_alert(tx, "absent", key, cause, REMEDY, live.workflow)
    return found
