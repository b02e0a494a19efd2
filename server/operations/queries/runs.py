"""Runs: the same ones, by the same rules, in every list, count and story."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, case, false, func, or_, select, union_all

from engine.records.customers import belonging
from engine.records.states import GOING_ON, RunState
from engine.records.tables import ENTRIES, EVENTS, MEMBERS, RUNS
from engine.records.transaction import Transaction
from engine.records.visibility import seen_runs
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.schema.sql_types import Fold
from server.access.rights import kept_from
from server.operations.queries import Stored
from server.operations.registry import missing


@dataclass(frozen=True)
class Wanted:
    """Which runs are meant; what is left out means all.

    `record` is a module's name and an id: runs about it, alone or with others, and about what
    belongs to it if it is a customer; `since` the moment they started at the earliest, `ended`
    the same of their end; `words` a run's number, a record's, or a part of what went wrong.
    """

    workflows: Collection[int] = ()
    version: int | None = None
    record: tuple[str, int] | None = None
    states: Collection[str] = ()
    step: str | None = None
    since: datetime | None = None
    ended: datetime | None = None
    words: str = ""


ALL = Wanted()


def newest(
    tx: Transaction, wanted: Wanted, limit: int, offset: int = 0, before: int | None = None
) -> Sequence[Stored]:
    """Runs, the newest first; with `before` those older than that run."""
    older = [RUNS.c.id < before] if before is not None else []
    query = select(RUNS).where(*_meant(tx, wanted), *older).order_by(RUNS.c.id.desc())
    return tx.db.execute(query.limit(limit).offset(offset)).all()


def next_due(tx: Transaction, wanted: Wanted, limit: int, offset: int = 0) -> Sequence[Stored]:
    """Runs, those first that go on first."""
    query = select(RUNS).where(*_meant(tx, wanted)).order_by(RUNS.c.due, RUNS.c.id)
    return tx.db.execute(query.limit(limit).offset(offset)).all()


def count(tx: Transaction, wanted: Wanted = ALL) -> int:
    return tx.count(RUNS, *_meant(tx, wanted))


def by_state(tx: Transaction, wanted: Wanted = ALL) -> dict[int, Counter[str]]:
    """How many runs of each workflow stand how."""
    query = select(RUNS.c.workflow, RUNS.c.state, func.count()).where(*_meant(tx, wanted))
    counted: dict[int, Counter[str]] = {}
    for workflow, state, many in tx.db.execute(query.group_by(RUNS.c.workflow, RUNS.c.state)):
        counted.setdefault(workflow, Counter())[state] = many
    return counted


def at_steps(tx: Transaction, wanted: Wanted) -> dict[tuple[int, str], int]:
    """How many of these runs that have not ended stand at each step of each workflow."""
    going = (RUNS.c.state.in_(GOING_ON), RUNS.c.step.is_not(None))
    query = select(RUNS.c.workflow, RUNS.c.step, func.count()).where(*_meant(tx, wanted), *going)
    rows = tx.db.execute(query.group_by(RUNS.c.workflow, RUNS.c.step))
    return {(workflow, step): many for workflow, step, many in rows}


# All and failed runs by the place of their day.
Days = dict[int, tuple[int, int]]


def by_day(
    tx: Transaction, days: Sequence[date], workflows: Collection[int] = ()
) -> dict[int, Days]:
    """All and failed runs of each workflow by day, in one pass. Days are the company's."""
    starts = [tx.company.calendar.at(day, time(0)) for day in days]
    newest_first = [(RUNS.c.started_at >= start, place) for place, start in enumerate(starts)][::-1]
    day = case(*newest_first, else_=-1).label("day")
    bad = func.sum(case((RUNS.c.state == RunState.FAILED, 1), else_=0))
    query = select(RUNS.c.workflow, day, func.count(), bad)
    meant = _meant(tx, Wanted(workflows, since=starts[0]))
    rows = tx.db.execute(query.where(*meant).group_by(RUNS.c.workflow, day))
    found: dict[int, Days] = {}
    for workflow, place, many, failed in rows:
        found.setdefault(workflow, {})[place] = (many, int(failed))
    return found


def one(tx: Transaction, named: int | str) -> Stored:
    """The run that is named `R-12` or `12`. Raises `Missing`."""
    id = run_id(str(named))
    mine = (RUNS.c.id == id, *_visible(tx))
    row = tx.db.execute(select(RUNS).where(*mine)).first() if id else None
    if row is None:
        raise missing("run", f"there is no run `{named}`.", "See the list of runs.")
    return row


def origin(tx: Transaction, run: int) -> tuple[int, int] | None:
    """The workflow and the version of it that a run goes by; None if it is gone."""
    query = select(RUNS.c.workflow, RUNS.c.version).where(RUNS.c.id == run)
    row = tx.db.execute(query).first()
    return (row.workflow, row.version) if row else None


def known(tx: Transaction, run: int) -> bool:
    """Whether whoever asks may know of this run."""
    return tx.count(RUNS, RUNS.c.id == run, *_visible(tx)) > 0


def entries(tx: Transaction, run: int) -> Sequence[Stored]:
    """The steps that a run has taken, in order."""
    query = select(ENTRIES).where(ENTRIES.c.run == run).order_by(ENTRIES.c.position)
    return tx.db.execute(query).all()


def changes_by(tx: Transaction, run: int, limit: int = 100) -> Sequence[Stored]:
    """The changes of records that a run made, in order."""
    query = select(EVENTS).where(EVENTS.c.run == run).order_by(EVENTS.c.id)
    return tx.db.execute(query.limit(limit)).all()


def run_id(text: str) -> int | None:
    """The run that somebody means by "R-12" or "12"."""
    found = re.fullmatch(r"(?:R-)?(\d{1,18})", text.strip(), re.IGNORECASE)
    return int(found[1]) if found else None


def numbered(tx: Transaction, text: str) -> Iterator[tuple[Module, int]]:
    """The records with this number, whatever their module; deleted ones too, as runs have them."""
    number = text.strip().casefold()
    for module in tx.schema:
        start, _, end = module.numbering.casefold().partition("{n}")
        if number.startswith(start) and number.endswith(end) and (start or number.isdecimal()):
            table = tx.schema.tables[module.name]
            query = select(table.c.id).where(Fold(table.c.number) == number)
            yield from ((module, id) for id in tx.db.scalars(query))


def _visible(tx: Transaction) -> Iterator[ColumnElement[bool]]:
    """What is true of the runs that whoever asks may know of."""
    if kept := kept_from(tx.schema):
        yield RUNS.c.module.not_in(kept)
    yield from seen_runs(tx.schema)


def _meant(tx: Transaction, wanted: Wanted) -> Iterator[Any]:
    yield from _visible(tx)
    if wanted.workflows:
        yield RUNS.c.workflow.in_(list(wanted.workflows))
    if wanted.version is not None:
        yield RUNS.c.version == wanted.version
    if wanted.record:
        yield _about(tx, *wanted.record)
    if wanted.states:
        yield RUNS.c.state.in_(list(wanted.states))
    if wanted.step:
        yield RUNS.c.step == wanted.step
    if wanted.since:
        yield RUNS.c.started_at >= wanted.since
    if wanted.ended:
        yield RUNS.c.ended_at >= wanted.ended
    if wanted.words:
        yield _found(tx, wanted.words)


def _found(tx: Transaction, words: str) -> ColumnElement[bool]:
    said = Fold(RUNS.c.reason).contains(words.casefold(), autoescape=True)
    id = run_id(words)
    about = (_about(tx, module.name, record) for module, record in numbered(tx, words))
    return or_(said, RUNS.c.id == id if id else false(), *about)


# --- what runs are about ---


def _about(tx: Transaction, module: str, record: int) -> ColumnElement[bool]:
    """Runs about a record, alone or with others; of a customer those about what belongs to it."""
    queries = _runs_of(module, record)
    home = tx.schema.modules.get(module)
    if home and home.purpose == Purpose.CUSTOMER:
        for name, ids in belonging(tx.schema, record):
            queries += _runs_of(name, ids)
    return RUNS.c.id.in_(union_all(*queries))


def _runs_of(module: str, record: int | Select[tuple[int]]) -> list[Select[tuple[int]]]:
    """The runs about one record of a module, or about those that a query gives."""

    def meant(column: ColumnElement[int]) -> ColumnElement[bool]:
        return column == record if isinstance(record, int) else column.in_(record)

    alone = select(RUNS.c.id).where(RUNS.c.module == module, meant(RUNS.c.record))
    together = select(MEMBERS.c.run).where(MEMBERS.c.module == module, meant(MEMBERS.c.record))
    return [alone, together]
