"""Whom a workflow means: who is taken, who is left out, who could not be written to, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select
from typing_extensions import TypedDict

from engine.blocks.communication import Communication
from engine.blocks.step import texts
from engine.problems import BadValue
from engine.records.reader import Reader, RecordFacts, Values, name_of
from engine.records.transaction import Transaction
from engine.runs.belonging import customers_of
from engine.runs.candidates import matching
from engine.runs.judge import brought, judged, not_then, starting
from engine.runs.rehearsal import rehearsed_run
from engine.runs.unreachable import why_nobody
from engine.schema.english import count
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.workflows.history import History, When
from engine.workflows.library import Live
from engine.workflows.workflow import Workflow

MOST_OUT = 20


class NamedRecord(TypedDict):
    """A record, as people call it."""

    id: int
    number: str
    name: str


class LeftOut(TypedDict):
    """A record that is not meant, and why."""

    id: int
    number: str | None
    name: str
    why: str


class Suppressed(TypedDict):
    """A record that is meant and would not be written to, and why."""

    id: int
    why: str


@dataclass(frozen=True)
class Audience:
    """Who would be taken: how many records and runs, and who of them could not be reached.

    `note` says that there is no start on the day that was asked about. `customers` are those that
    the records belong to; None where they belong to none. `mails` are the runs that would write to
    somebody, `unreachable` those that would have nobody to write to, of the records that are shown;
    None where it writes no mail. `made_of` tells what kinds of records they are.
    """

    count: int
    runs: int
    records: list[NamedRecord]
    out: list[LeftOut]
    suppressed: list[Suppressed]
    note: str = ""
    customers: int | None = None
    mails: int | None = None
    unreachable: int = 0
    made_of: str = ""

    def units(self, module: Module) -> str:
        """How many of all that people count: "11 invoices, 8 customers, 6 mails, 2 unreachable"."""
        called = module.singular if self.count == 1 else module.label
        told = [f"{self.count:,} {called.lower()}"]
        if self.customers is not None and module.purpose != Purpose.CUSTOMER:
            told.append(count(self.customers, "customer"))
        if self.mails is not None:
            told.append(count(self.mails, "mail"))
            told += [f"{self.unreachable} unreachable"] if self.unreachable else []
        shown = len(self.records)
        partly = self.mails is not None and shown < self.count
        return ", ".join(told) + (f" (mails of the first {shown})" if partly else "")

    def at_stake(self, module: Module) -> str:
        """What is decided on, in one phrase: "27 mails about 30 invoices of 16 customers"."""
        if not self.count:
            return f"no {module.label.lower()}"
        called = module.singular if self.count == 1 else module.label
        told = f"{self.count:,} {called.lower()}"
        if self.customers is not None and module.purpose != Purpose.CUSTOMER:
            told += f" of {count(self.customers, 'customer')}"
        if self.mails is None or len(self.records) < self.count:
            return told
        return f"{count(self.mails, 'mail')} about {told}"


def audience(
    tx: Transaction,
    workflow: Workflow,
    at: datetime | None = None,
    limit: int = 50,
    number: int = 0,
) -> Audience:
    """Counted by one query; shown are the first that would be taken, and some that would not.

    `number` is that of the workflow, whose runs so far count; 0 is for one that has none.
    """
    moment = (starting(tx, workflow, at) if at else None) or at or tx.now
    live = Live(number, workflow.name, 0, "", {}, workflow)
    fits, inside = matching(tx, workflow, moment).subquery(), taken(tx, live, moment).subquery()
    totals = select(func.count(), func.count(inside.c.subject.distinct()))
    records, runs = tx.db.execute(totals).one()
    first = select(inside.c.record, inside.c.subject).order_by(inside.c.record).limit(limit)
    subjects = {row.record: row.subject for row in tx.db.execute(first)}
    ids = list(subjects)
    reader = Reader(tx, moment)
    rows = _read(reader, workflow, ids)
    module, few = tx.schema.module(workflow.module), min(limit, MOST_OUT)
    kept = _first(tx, fits.c.record, few, fits.c.record.not_in(select(inside.c.record)))
    others = _others(tx, module, select(fits.c.record), few)
    belong = customers_of(tx, module, select(inside.c.record))
    unwritten = {id: why for id in ids if (why := _unwritten(reader, live, id))}
    written = {subjects[id] for id in ids if id not in unwritten}
    writes = any(step.channel == "email" for step in workflow.every_step)
    return Audience(
        records,
        runs,
        [{"id": row["id"], "number": row["number"], "name": name_of(module, row)} for row in rows],
        _left_out(reader, live, [*kept, *others], at),
        [{"id": id, "why": why} for id, why in unwritten.items()],
        (not_then(tx, workflow, at) if at else None) or "",
        None if belong is None else _size(tx, belong),
        len(written) if writes else None,
        len({subjects[id] for id in unwritten} - written),
        _made_of(tx, module, select(inside.c.record)),
    )


def _made_of(tx: Transaction, module: Module, records: Select[Any]) -> str:
    """Which of the module's first choices these records have: "Status: 24 Sent, 6 Paid".

    Nothing where they all have the same.
    """
    field = next((field for field in module.fields if field.type == "picklist"), None)
    if field is None:
        return ""
    table = tx.schema.tables[module.name]
    column = table.c[field.name]
    counted = select(column, func.count()).where(table.c.id.in_(records)).group_by(column)
    rows = tx.db.execute(counted.order_by(func.count().desc(), column)).all()
    told = (f"{number:,} {choice or 'empty'}" for choice, number in rows)
    return f"{field.title}: {', '.join(told)}" if len(rows) > 1 else ""


def taken(tx: Transaction, live: Live, moment: datetime) -> Select[Any]:
    """Each `record` for which it would start then, with the `subject` that runs are counted for."""
    if brought(live.parsed):
        return _let(tx, live, moment, listens=False).where(false())
    return _let(tx, live, moment, listens=bool(live.parsed.trigger.listens()))


def taken_by_hand(tx: Transaction, live: Live, moment: datetime) -> Select[Any]:
    """As `taken`, of those for which it would start if somebody asked for it."""
    return _let(tx, live, moment, listens=False)


def _let(tx: Transaction, live: Live, moment: datetime, *, listens: bool) -> Select[Any]:
    workflow, when = live.parsed, When(moment, tx.company.calendar)
    fits = matching(tx, workflow, moment).subquery()
    history, repeats = History(live.workflow, fits.c.subject), workflow.trigger.repeats
    let = workflow.recurrence.foresees(history, when, repeats=repeats, listens=listens)
    return select(fits.c.record, fits.c.subject).where(let)


def _size(tx: Transaction, found: Select[Any]) -> int:
    return tx.db.scalar(select(func.count()).select_from(found.subquery())) or 0


def _first(
    tx: Transaction, record: ColumnElement[int], limit: int, *where: ColumnElement[bool]
) -> list[int]:
    return list(tx.db.scalars(select(record).where(*where).order_by(record).limit(limit)))


def _others(tx: Transaction, module: Module, fitting: Select[Any], limit: int) -> list[int]:
    """Records that do not match, those first that were changed last."""
    table = tx.schema.tables[module.name]
    others = select(table.c.id).where(table.c.deleted_at.is_(None), table.c.id.not_in(fitting))
    newest = others.order_by(table.c.modified_at.desc(), table.c.id.desc())
    return list(tx.db.scalars(newest.limit(limit)))


def _read(reader: Reader, workflow: Workflow, ids: Sequence[int]) -> list[Values]:
    module = reader.tx.schema.module(workflow.module)
    reader.load(module, ids)
    return [reader.row(module, id) or {} for id in ids]


def _left_out(reader: Reader, live: Live, ids: Sequence[int], at: datetime | None) -> list[LeftOut]:
    rows = _read(reader, live.parsed, ids)
    module = reader.tx.schema.module(live.parsed.module)
    return [
        {
            "id": each.record,
            "number": row.get("number"),
            "name": name_of(module, row),
            "why": each.why,
        }
        for row, each in zip(rows, judged(reader.tx, live, ids, at), strict=True)
    ]


def _unwritten(reader: Reader, live: Live, id: int) -> str | None:
    """Why nobody would be written to about a record that is taken."""
    written = [step for step in live.parsed.every_step if isinstance(step, Communication)]
    mails = [step for step in written if step.channel == "email"]
    if not mails:
        return None
    run = rehearsed_run(reader, live, id, [])
    context = run.context()
    if why := context.paused():
        return why
    for step in mails:
        if withheld := run.withheld(step):
            return withheld.said
        try:
            found = step.reachable(context)
        except BadValue as bad:
            return bad.message
        if not found:
            words = [word for given in step.to for word in texts(context.value(given))]
            home = run.subjects.module
            return why_nobody(RecordFacts(reader, home, reader.row(home, id) or {}), words)
        refused = [context.refuses(person) for person in found]
        if all(refused):
            return refused[0]
    return None
