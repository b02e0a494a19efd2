"""A run that starts another workflow: no circle, no endless chain, and its own rules count."""

from engine.records.transaction import Transaction
from engine.records.writer import Author
from engine.runs.enrol import Cause
from engine.runs.manual_start import start
from engine.runs.run import DEEPEST
from engine.workflows.library import Live


def begin(
    tx: Transaction, author: Author, live: Live | None, module: str, id: int
) -> tuple[int | None, str]:
    """Start a run of a workflow for a record, as part of the author's chain of causes.

    Returns the run, or None and why there is none.
    """
    if live is None:
        return None, "it is not active"
    if live.parsed.module != module:
        return None, f"it is about {live.parsed.module}"
    if why := _refused(live, author, f"{module}/{id}"):
        return None, why
    cause = Cause(author.name, None, author.depth, author.chain)
    begun = start(tx, live, [id], cause, f"run {author.run}")
    if begun.runs:
        return begun.runs[0][0], ""
    return None, dict(begun.refused).get(id, "it has run for this occasion already")


def _refused(live: Live, author: Author, record: str) -> str | None:
    """Why a workflow must not be started here, as one that was started by a change."""
    if author.workflow == live.workflow or (live.workflow, record) in author.chain:
        return f"it has run for {record} already in this chain of causes"
    if author.depth >= DEEPEST:
        return f"it would be the {author.depth + 1}th workflow in one chain of causes"
    return None
