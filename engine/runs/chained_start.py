"""A run that starts another workflow: no circle, no endless chain, and its own rules count."""

from engine.records.transaction import Transaction
from engine.records.writer import Author
from engine.runs.enrol import Cause
from engine.runs.manual_start import refusals, start
from engine.runs.run import DEEPEST
from engine.workflows.library import Live

INACTIVE = "it is not active"


def begin(
    tx: Transaction, author: Author, live: Live | None, module: str, id: int
) -> tuple[int | None, str]:
    """Start a run of a workflow for a record, as part of the author's chain of causes.

    Returns the run, or None and why there is none.
    """
    if live is None:
        return None, INACTIVE
    if why := _refused(live, author, module, id):
        return None, why
    cause = Cause(author.name, None, author.depth, author.chain)
    begun = start(tx, live, [id], cause, f"run {author.run}")
    if begun.runs:
        return begun.runs[0][0], ""
    return None, dict(begun.refused).get(id, "it has run for this occasion already")


def refusal(tx: Transaction, author: Author, live: Live | None, module: str, id: int) -> str | None:
    """Why no run of a workflow would start for a record now; None if one would."""
    if live is None:
        return INACTIVE
    return _refused(live, author, module, id) or refusals(tx, live, [id]).get(id)


def _refused(live: Live, author: Author, module: str, id: int) -> str | None:
    """Why a workflow must not be started here, as one that was started by a change."""
    record = f"{module}/{id}"
    if live.parsed.module != module:
        return f"it is about {live.parsed.module}"
    if author.workflow == live.workflow or (live.workflow, record) in author.chain:
        return f"it has run for {record} already in this chain of causes"
    if author.depth >= DEEPEST:
        return f"it would be the {author.depth + 1}th workflow in one chain of causes"
    return None
