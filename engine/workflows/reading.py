"""A workflow out of the document that somebody wrote, or all that keeps it from being one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from engine.conditions import ALWAYS, Condition
from engine.problems import Invalid, Problem
from engine.workflows.shape_problems import taught
from engine.workflows.size_limits import too_many_steps, unreadable
from engine.workflows.workflow import Workflow


def read(document: Mapping[str, Any]) -> tuple[Workflow | None, list[Problem]]:
    """The document as a workflow, or what keeps it from being one."""
    if problem := unreadable(document) or too_many_steps(dict(document)):
        return None, [problem]
    try:
        return Workflow.model_validate(document), []
    except ValidationError as invalid:
        found = [taught(error, document) for error in invalid.errors(include_url=False)]
        return None, list(dict.fromkeys(found))


def read_condition(module: str, written: Any, at: str = "where") -> Condition:
    """A condition as somebody wrote it, about records of a module. Raises `Invalid` with all."""
    if not written:
        return ALWAYS
    document = {"name": "search", "module": module, "trigger": {"type": "manual"}}
    parsed, problems = read({**document, "conditions": written})
    if parsed is None:
        moved = (replace(p, path=p.path.replace("conditions", at, 1)) for p in problems)
        raise Invalid(*moved)
    return parsed.conditions
