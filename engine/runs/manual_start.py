"""Start a workflow because somebody asks for it: its conditions and its recurrence still count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from engine.conditions import bind
from engine.conditions.readings import holds
from engine.conditions.words import reasons
from engine.records.reader import Reader, RecordFacts
from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from engine.runs.candidates import candidates, subject_of
from engine.runs.enrol import Cause, Enrolment, enrol, enrol_matching
from engine.workflows.fingerprint import standing
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
    refused = dict(_unfit(tx, live, ids))
    subjects = {id: subject_of(tx, live.parsed, id) for id in ids if id not in refused}
    enrolment = Enrolment(tx, [(live, subject) for subject in subjects.values()])
    for id, subject in subjects.items():
        enrolment.begins(live, subject, holds=True)
        if why := enrolment.refusal(live, subject):
            refused[id] = why
    return {id: refused[id] for id in ids if id in refused}


def _unfit(tx: Transaction, live: Live, ids: Sequence[int]) -> Iterable[tuple[int, str]]:
    """The records of which the conditions do not hold, with what they really have."""
    reader = Reader(tx)
    module = tx.schema.module(live.parsed.module)
    asked = standing(live.parsed.entry)
    binder = reader.binder(module)
    condition = bind(asked, binder)
    reader.load(module, ids)
    for id in ids:
        values = reader.row(module, id)
        if values is None:
            yield id, "there is no such record any more"
            continue
        facts = RecordFacts(reader, module, values)
        if not holds(condition, facts):
            yield id, reasons(asked, binder, facts).said


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
