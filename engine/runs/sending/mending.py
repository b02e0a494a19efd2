"""Messages that failed for want of an address are sent once somebody can be reached."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, exists

from engine.blocks.communication import Communication
from engine.blocks.step import Do
from engine.effects import OutwardEffect
from engine.problems import BadValue
from engine.records.reader import Reader, reached_by
from engine.records.states import RunState
from engine.records.tables import ENTRIES, RUNS, UNSENT
from engine.records.transaction import Transaction
from engine.runs import loading, store
from engine.runs.bindings import Bindings
from engine.runs.failed_runs import WITH_SWITCH, kept_back, switched_on
from engine.runs.run import Run
from engine.schema.modules import Module
from engine.schema.own_modules import GROUPS, USERS
from engine.workflows.library import Library

NOT_FORGOTTEN = timedelta(days=30)
MOST = 500
PEOPLE = ("reference", "owner", "owners")


def mend(tx: Transaction, library: Library, events: Iterable[Row[Any]]) -> int:
    """Go on with runs whose message reaches somebody by these changes whom it did not before.

    They go on at the message, and no earlier step is done again. Returns how many.
    """
    reader = Reader(tx)
    changed = [event for event in events if _leads_elsewhere(tx, event)]
    if not changed:
        return 0
    near = {key for event in changed for key in _around(reader, event.module, event.record)}
    ours = any(event.module in (USERS, GROUPS) for event in changed)
    rows = [row for row in _failed(tx) if ours or not near.isdisjoint(_about(reader, row))]
    corrected = {f"{event.module}/{event.record}" for event in changed if event.kind == "modified"}
    runs = loading.look(reader, rows, lambda *key: library.version(tx, *key), Bindings())
    mended = [
        row
        for run, row in zip(runs, rows, strict=True)
        if switched_on(row, run.live)
        and _reaches(run, corrected)
        and not kept_back(tx, run.live, row)
    ]
    for row in mended:
        store.reopen(tx, row.id, row.step, "", "there is somebody to reach now")
    return len(mended)


def _leads_elsewhere(tx: Transaction, event: Row[Any]) -> bool:
    """Whether a change may decide where messages go: of who is written to, or belongs to whom."""
    module = tx.schema.modules.get(event.module)
    if module is None or event.kind == "deleted":
        return False
    people = {name for name, field in module.by_name.items() if field.type in PEOPLE}
    reached = [*reached_by(module, "email"), *reached_by(module, "sms")]
    return bool(reached) or not people.isdisjoint(event.changes)


def _around(reader: Reader, name: str, id: int) -> Iterator[str]:
    """A record, and those it refers to: a contact belongs to its account."""
    yield f"{name}/{id}"
    module: Module = reader.tx.schema.module(name)
    row = reader.row(module, id) or {}
    for field in module.fields:
        if field.type == "reference" and row.get(field.name) is not None:
            yield f"{field.module}/{row[field.name]}"


def _about(reader: Reader, row: Row[Any]) -> Iterator[str]:
    """The records of a run, and those around them."""
    if row.module in reader.tx.schema.modules:
        for id in row.members or [row.record]:
            yield from _around(reader, row.module, id)


def _failed(tx: Transaction) -> list[Row[Any]]:
    """The newest run of each record, where it failed for want of an address."""
    later = RUNS.alias()
    newer = exists().where(
        later.c.workflow == RUNS.c.workflow,
        later.c.subject == RUNS.c.subject,
        later.c.id > RUNS.c.id,
    )
    recent = (RUNS.c.state == RunState.FAILED, RUNS.c.ended_at >= tx.now - NOT_FORGOTTEN)
    wanted = (UNSENT, ENTRIES.c.cause == "address", *recent, ~newer)
    return list(tx.db.execute(WITH_SWITCH.join(ENTRIES, store.HERE).where(*wanted).limit(MOST)))


def _reaches(run: Run, corrected: set[str]) -> bool:
    """Whether the message at which a run failed goes to somebody now to whom it did not go then.

    One that was refused goes again for an address that was corrected, or if all are others now:
    that there is one more contact is not what it waits for.
    """
    step, entry = run.live.parsed.route[run.step or ""][0], run.entries[run.step or ""]
    if not isinstance(step, Communication) or not run.subjects.present():
        return False
    try:
        now = {each.address.casefold(): each for each in step.reachable(run.context())}
    except BadValue:
        return False
    match entry.move:
        case Do(OutwardEffect() as effect):
            tried = {address.casefold() for address in effect.reaches}
        case _:
            tried = set()
    fresh = {now[address].record for address in now.keys() - tried}
    return bool(fresh) and (now.keys().isdisjoint(tried) or not fresh.isdisjoint(corrected))
