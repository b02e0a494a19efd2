"""Claimed runs, read from their rows with all that their steps decided before."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Literal

from sqlalchemy import Row, bindparam, select

from engine.records.batch import BatchedTransaction
from engine.records.reader import Reader
from engine.records.states import Phase, Result, RunState
from engine.records.tables import ENTRIES
from engine.runs.bindings import Bindings
from engine.runs.entry import Entry
from engine.runs.run import Run
from engine.runs.subjects import Subjects
from engine.workflows.library import Live

ENTRIES_OF = (
    select(ENTRIES)
    .where(ENTRIES.c.run.in_(bindparam("runs", expanding=True)))
    .order_by(ENTRIES.c.position)
)


def read(
    tx: BatchedTransaction,
    reader: Reader,
    rows: Sequence[Row[Any]],
    version: Callable[[int, int], Live],
    bindings: Bindings,
) -> list[Run]:
    """Runs that were claimed, with their entries. Their records are held: runs change them."""
    runs = look(reader, rows, version, bindings)
    subjects: dict[str, set[int]] = defaultdict(set)
    for run in runs:
        about = run.subjects
        subjects[about.module.name].update([about.record, *about.members])
    for name in sorted(subjects):
        tx.hold(reader, tx.schema.module(name), subjects[name])
    return runs


def look(
    reader: Reader,
    rows: Sequence[Row[Any]],
    version: Callable[[int, int], Live],
    bindings: Bindings,
) -> list[Run]:
    """The same of any runs, to be looked at only: nobody is kept from their records."""
    runs = {
        row.id: _read(row, reader, version(row.workflow, row.version), bindings) for row in rows
    }
    if runs:
        for row in reader.tx.db.execute(ENTRIES_OF, {"runs": list(runs)}):
            runs[row.run].entries[row.step] = _read_entry(row)
    return list(runs.values())


def _read(row: Row[Any], reader: Reader, live: Live, bindings: Bindings) -> Run:
    module = reader.tx.schema.module(live.parsed.module)
    before = {
        name: module.by_name[name].load(value)
        for name, value in (row.before or {}).items()
        if name in module.by_name
    }
    members = sorted(row.members or [])
    subjects = Subjects(live, reader, row.record, members, before, row.started_at, bindings)
    return Run(
        row.id,
        subjects,
        RunState(row.state),
        row.step,
        row.actor,
        row.reason,
        depth=row.depth,
        chain=tuple((link[0], link[1]) for link in row.chain or ()),
        owner=row.owner,
        ended_at=row.ended_at,
        awaits=row.awaits,
    )


def _read_entry(row: Row[Any]) -> Entry:
    result: Result | Literal[""] = Result(row.outcome) if row.outcome else ""
    return Entry(
        row.run,
        row.step,
        row.position,
        row.move,
        Phase(row.phase),
        result,
        row.said,
        row.warned,
        row.result or {},
        row.tries,
        row.at,
        row.ended_at,
        row.cause,
        row.since,
        fresh=False,
        changed=False,
    )
