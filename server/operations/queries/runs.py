"""Runs: the same ones, by the same rules, in every list, count and story."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    union_all,
)

from engine.records.customers import belonging
from engine.records.states import DRIVEN, GOING_ON, Result, RunState
from engine.records.tables import ALERTS, COUNTED, ENTRIES, EVENTS, MEMBERS, RUNS, STORY
from engine.records.transaction import Transaction
from engine.records.visibility import seen_runs
from engine.runs.alarms import concerned, stands_at
from engine.runs.store import HERE, IN_HAND
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.schema.sql_types import Fold
from server.access.rights import kept_from
from server.operations.queries import Stored
from server.operations.registry import missing

HELD, UNKNOWN = Result.HELD, Result.UNKNOWN
# How runs stand: some of those that wait are held, of some that are paused the outcome is unknown.
STANDINGS: tuple[str, ...] = (*RunState, HELD, UNKNOWN)


@dataclass(frozen=True)
class Wanted:
    """Which runs are meant; what is left out means all.

    `record` is a module's name and an id: runs about it, alone or with others, and about what
    belongs to it if it is a customer; `states` are words of `STANDINGS`; `since` is the moment
    they started at the earliest, `ended` the same of their end; `day` is one on which they began
    or failed; `words` a run's number, a record's, or a part of what went wrong; `alert` an alert
    that is about them.
    """

    workflows: Collection[int] = ()
    version: int | None = None
    record: tuple[str, int] | None = None
    states: Collection[str] = ()
    step: str | None = None
    since: datetime | None = None
    day: date | None = None
    ended: datetime | None = None
    words: str = ""
    alert: int | None = None


ALL = Wanted()
SKIPPED = (
    select(func.count())
    .where(COUNTED, STORY.c.run == RUNS.c.id, STORY.c.what == Result.SKIPPED)
    .scalar_subquery()
)
FAILED = and_(COUNTED, STORY.c.run == RUNS.c.id, STORY.c.state == RunState.FAILED)
# Each run with how the step at which it stands came out so far, what that says, and how many
# steps were skipped.
LISTED = select(
    RUNS, ENTRIES.c.outcome, ENTRIES.c.said, ENTRIES.c.tries, SKIPPED.label("skipped")
).join(ENTRIES, HERE, isouter=True)


def standing(run: Stored) -> str:
    """How a listed run stands: one of `STANDINGS`."""
    if run.state in DRIVEN and run.outcome == HELD:
        return HELD
    if run.state == RunState.RUNNING and run.outcome == Result.RETRY:
        return RunState.WAITING
    if run.state == RunState.PAUSED and run.outcome == UNKNOWN:
        return UNKNOWN
    return str(run.state)


def reason(run: Stored) -> str:
    """Why a listed run stands as it does, or how it ended; "" where there is nothing to say."""
    kept = run.outcome in (HELD, Result.RETRY) and run.state in DRIVEN
    return str(run.said) if kept else str(run.reason)


def newest(
    tx: Transaction, wanted: Wanted, limit: int, offset: int = 0, before: int | None = None
) -> Sequence[Stored]:
    """Runs, the newest first; with `before` those older than that run."""
    older = [RUNS.c.id < before] if before is not None else []
    query = LISTED.where(*_meant(tx, wanted), *older).order_by(RUNS.c.id.desc())
    return tx.db.execute(query.limit(limit).offset(offset)).all()


def next_due(tx: Transaction, wanted: Wanted, limit: int, offset: int = 0) -> Sequence[Stored]:
    """Runs, those first that go on first."""
    query = LISTED.where(*_meant(tx, wanted)).order_by(RUNS.c.due, RUNS.c.id)
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


# How many runs began, and how many failed, by the place of the day.
Days = dict[int, tuple[int, int]]


def by_day(
    tx: Transaction, days: Sequence[date], workflows: Collection[int] = ()
) -> dict[int, Days]:
    """The runs of each workflow by the day they began, and by each day they failed.

    Days are the company's, and those that are over do not change any more.
    """
    starts = [tx.company.calendar.at(day, time(0)) for day in days]
    found: dict[int, Days] = defaultdict(dict)
    began = select(RUNS.c.workflow, _day(RUNS.c.started_at, starts), func.count())
    for workflow, place, many in _by_day(tx, began, workflows):
        found[workflow][place] = (many, 0)
    often = func.count(RUNS.c.id.distinct())
    failed = select(RUNS.c.workflow, _day(STORY.c.at, starts), often).join(STORY, FAILED)
    for workflow, place, many in _by_day(tx, failed, workflows):
        found[workflow][place] = (found[workflow].get(place, (0, 0))[0], many)
    return found


def _day(moment: ColumnElement[datetime], starts: Sequence[datetime]) -> ColumnElement[int]:
    """The place of the day that a moment is in; NULL before the first."""
    newest_first = [(moment >= start, place) for place, start in enumerate(starts)][::-1]
    return case(*newest_first).label("day")


def _by_day(
    tx: Transaction, query: Select[Any], workflows: Collection[int]
) -> Iterator[tuple[int, int, int]]:
    workflow, day = list(query.selected_columns)[:2]
    meant = (*_meant(tx, Wanted(workflows)), day.is_not(None))
    for row in tx.db.execute(query.where(*meant).group_by(workflow, day)).all():
        yield row[0], row[1], row[2]


def _on(tx: Transaction, day: date) -> ColumnElement[bool]:
    """The runs that the bar of this day counts."""
    start, end = (tx.company.calendar.at(each, time(0)) for each in (day, day + timedelta(days=1)))
    began = and_(RUNS.c.started_at >= start, RUNS.c.started_at < end)
    return or_(began, exists().where(FAILED, STORY.c.at >= start, STORY.c.at < end))


def failures(tx: Transaction, since: datetime, workflows: Collection[int] = ()) -> Counter[int]:
    """How many runs of each workflow have failed since then, whatever became of them after."""
    query = select(RUNS.c.workflow, func.count(RUNS.c.id.distinct())).join(STORY, FAILED)
    meant = (*_meant(tx, Wanted(workflows)), STORY.c.at >= since)
    rows = tx.db.execute(query.where(*meant).group_by(RUNS.c.workflow))
    return Counter({workflow: many for workflow, many in rows})


def one(tx: Transaction, named: int | str) -> Stored:
    """The run that is named `R-12` or `12`. Raises `Missing`."""
    id = run_id(str(named))
    mine = (RUNS.c.id == id, *_visible(tx))
    row = tx.db.execute(LISTED.where(*mine)).first() if id else None
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
        yield or_(RUNS.c.state.in_(wanted.states), *_stuck(wanted.states))
    if wanted.step:
        yield RUNS.c.step == wanted.step
    if wanted.since:
        yield RUNS.c.started_at >= wanted.since
    if wanted.day:
        yield _on(tx, wanted.day)
    if wanted.ended:
        yield RUNS.c.ended_at >= wanted.ended
    if wanted.words:
        yield _found(tx, wanted.words)
    if wanted.alert is not None:
        yield _told_of(tx, wanted.alert)


def _told_of(tx: Transaction, alert: int) -> ColumnElement[bool]:
    row = tx.db.execute(select(ALERTS).where(ALERTS.c.id == alert)).first()
    about = concerned(row) if row is not None else None
    return false() if about is None else about


def _stuck(states: Collection[str]) -> Iterator[ColumnElement[bool]]:
    for outcome, among in ((HELD, IN_HAND), (UNKNOWN, RUNS.c.state == RunState.PAUSED)):
        if outcome in states:
            yield and_(among, stands_at(ENTRIES.c.outcome == outcome))


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
