"""Start a workflow because somebody asks for it: its conditions and its recurrence still count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from engine.runs.candidates import candidates
from engine.runs.enrol import Cause, enrol, enrol_matching
from engine.runs.judge import judged
from engine.workflows.library import Live


@dataclass(frozen=True)
class Started:
    """Runs that began, as (run, record), and for the records without one, why: (record, why)."""

    runs: tuple[tuple[int, int], ...]
    refused: tuple[tuple[int, str], ...]


def start(
    tx: Transaction, live: Live, records: Iterable[int], cause: Cause, mark: str = ""
) -> Started:
    """Start runs for these records, each at most once on the occasion that `mark` names."""
    wanted = list(dict.fromkeys(records))
    mark = mark or f"hand {tx.now.isoformat()}"
    refused = refusals(tx, live, wanted)
    fit = [id for id in wanted if id not in refused]
    if live.parsed.group_by:
        return _together(tx, live, fit, mark, cause, refused)
    runs: list[tuple[int, int]] = []
    for id in fit:
        run, why = enrol(tx, live, id, mark, cause)
        if run is None:
            refused[id] = why
        else:
            runs.append((run, id))
    return Started(tuple(runs), tuple(refused.items()))


def refusals(tx: Transaction, live: Live, ids: Sequence[int]) -> dict[int, str]:
    """The records for which no run would start now, with why, in the order of `ids`."""
    return {each.record: why for each in judged(tx, live, ids) if (why := each.refusal)}


def _together(
    tx: Transaction, live: Live, ids: list[int], mark: str, cause: Cause, refused: dict[int, str]
) -> Started:
    """One run for all records that share a reference, as the schedule would start it."""
    newest = tx.db.scalar(select(func.max(RUNS.c.id)).where(RUNS.c.workflow == live.workflow)) or 0
    chosen = candidates(tx, live.parsed, tx.now, ids).subquery()
    asked = {row.subject: row.members for row in tx.db.execute(select(chosen))}
    enrol_matching(tx, live, mark, tx.now, ids, cause)
    fresh = (RUNS.c.workflow == live.workflow, RUNS.c.id > newest)
    rows = tx.db.execute(select(RUNS.c.id, RUNS.c.record, RUNS.c.subject).where(*fresh)).all()
    begun = {row.subject for row in rows}
    late = "it has run for this occasion already"
    left = {
        id: late for subject, members in asked.items() if subject not in begun for id in members
    }
    return Started(tuple((row.id, row.record) for row in rows), tuple({**refused, **left}.items()))
