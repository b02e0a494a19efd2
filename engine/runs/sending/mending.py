"""Messages that failed for want of an address are sent when somebody corrects it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, exists, select

from engine.blocks.communication import Communication
from engine.blocks.triggers.schedule import Schedule
from engine.company.message_limits import Channel
from engine.problems import refuse
from engine.records.reader import Reader, reached_by
from engine.records.states import RunState
from engine.records.tables import ENTRIES, RUNS, UNSENT, WORKFLOWS
from engine.records.transaction import Transaction
from engine.runs import store
from engine.schema.modules import Module
from engine.workflows.library import Library, Live

NOT_FORGOTTEN = timedelta(days=30)
MOST = 500
CHANNELS: tuple[Channel, ...] = ("email", "sms")


def mend(tx: Transaction, library: Library, events: Iterable[Row[Any]]) -> int:
    """Go on with runs that failed for want of an address that these changes fill in.

    They go on at the message, and no earlier step is done again. Returns how many.
    """
    corrected: dict[str, set[Channel]] = defaultdict(set)
    reader = Reader(tx)
    for event in events:
        if event.kind != "deleted" and event.module in tx.schema.modules:
            module = tx.schema.module(event.module)
            channels = _filled_in(module, event.changes)
            for key in _keys(reader, module, event.record) if channels else ():
                corrected[key] |= channels
    if not corrected:
        return 0
    failed = [row for row in _failed(tx) if _concerned(tx, library, reader, row, corrected)]
    for row in failed:
        store.reopen(tx, row.id, row.step, "", "an address was corrected")
    return len(failed)


def try_again(tx: Transaction, library: Library, run: int, by: str) -> None:
    """Go on with a run that failed, at the step at which it did. Raises `Invalid`."""
    query = select(RUNS, WORKFLOWS.c.state.label("switched")).join(
        WORKFLOWS, WORKFLOWS.c.id == RUNS.c.workflow
    )
    row = tx.db.execute(query.where(RUNS.c.id == run)).first()
    if row is None or row.state != RunState.FAILED or row.step is None:
        raise refuse("run", f"run R-{run} has not failed at a step.", "Open it to see its state.")
    if not _on(row, library.version(tx, row.workflow, row.version)):
        raise refuse("run", "its workflow is switched off.", "Switch it on first.")
    store.reopen(tx, run, row.step, by, "tried again")


def _filled_in(module: Module, changes: Any) -> set[Channel]:
    """The channels for which a change gives a new address."""
    return {
        channel
        for channel in CHANNELS
        for field in reached_by(module, channel)
        if field.name in changes and changes[field.name][1]
    }


def _keys(reader: Reader, module: Module, id: int) -> Iterator[str]:
    """A record, and those it refers to: a contact belongs to its account."""
    yield f"{module.name}/{id}"
    row = reader.row(module, id) or {}
    for field in module.fields:
        if field.type == "reference" and row.get(field.name) is not None:
            yield f"{field.module}/{row[field.name]}"


def _failed(tx: Transaction) -> list[Row[Any]]:
    """The newest run of each record, where it failed for want of an address."""
    later = RUNS.alias()
    newer = exists().where(
        later.c.workflow == RUNS.c.workflow,
        later.c.subject == RUNS.c.subject,
        later.c.id > RUNS.c.id,
    )
    mine = WORKFLOWS.c.id == RUNS.c.workflow
    query = select(RUNS, WORKFLOWS.c.state.label("switched")).join(ENTRIES, store.HERE)
    recent = (RUNS.c.state == RunState.FAILED, RUNS.c.ended_at >= tx.now - NOT_FORGOTTEN)
    wanted = (UNSENT, ENTRIES.c.cause == "address", *recent, ~newer)
    return list(tx.db.execute(query.join(WORKFLOWS, mine).where(*wanted).limit(MOST)))


def _on(row: Row[Any], live: Live) -> bool:
    """Whether its workflow is on; one for a single day is off as soon as that day has come."""
    trigger = live.parsed.trigger
    done = isinstance(trigger, Schedule) and trigger.every == "once"
    return row.switched == "active" or (done and row.switched == "paused")


def _concerned(
    tx: Transaction,
    library: Library,
    reader: Reader,
    row: Row[Any],
    corrected: dict[str, set[Channel]],
) -> bool:
    """Whether a run writes to somebody whose address was corrected."""
    live = library.version(tx, row.workflow, row.version)
    step = live.parsed.route[row.step][0]
    known = row.module in tx.schema.modules and _on(row, live)
    if not isinstance(step, Communication) or not known:
        return False
    module = tx.schema.module(row.module)
    about = {key for id in row.members or [row.record] for key in _keys(reader, module, id)}
    return any(step.channel in corrected[key] for key in about & corrected.keys())
