"""What workflows did so far for the records they are asked about, read for all of them at once."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, case, exists, func, or_, select

from engine.records.states import GOING_ON, RunState
from engine.records.tables import EPISODES, RUNS
from engine.records.transaction import Transaction
from engine.workflows.history import SubjectHistory
from engine.workflows.library import Live
from engine.workflows.recurrence import episode_named

Histories = dict[tuple[int, int], SubjectHistory]

GOES_ON = RUNS.c.state.in_(GOING_ON)
OF_SUBJECTS = select(RUNS.c.id, RUNS.c.workflow, RUNS.c.subject, RUNS.c.state).where(
    RUNS.c.workflow.in_(bindparam("workflows", expanding=True)),
    RUNS.c.subject.in_(bindparam("subjects", expanding=True)),
)
GOING = OF_SUBJECTS.where(GOES_ON)
OF_EPISODE = exists(
    select(RUNS.c.id).where(
        RUNS.c.workflow == EPISODES.c.workflow,
        RUNS.c.subject == EPISODES.c.subject,
        RUNS.c.occasion == episode_named(EPISODES.c.number),
    )
).label("ran")


def histories(
    tx: Transaction, pairs: Iterable[tuple[Live, int]], then: datetime | None = None
) -> Histories:
    """By workflow and subject, as far as the recurrence of each asks; empty where nothing was.

    With `then` as of a moment that is past. Of episodes it is known how they stand now alone.
    """
    asked = list(pairs)
    found: Histories = defaultdict(SubjectHistory)
    recurrences = {live.workflow: live.parsed.recurrence for live, _ in asked}
    subjects = {subject for _, subject in asked}
    if asked:
        _add_going(tx, found, list(recurrences), subjects, then)
    if of_runs := [id for id, recurrence in recurrences.items() if recurrence.of_runs]:
        _add_runs(tx, found, of_runs, subjects, then)
    if baselines := [id for id, recurrence in recurrences.items() if recurrence.takes_baseline]:
        _add_episodes(tx, found, baselines, subjects)
    return found


def _add_going(
    tx: Transaction,
    found: Histories,
    workflows: list[int],
    subjects: set[int],
    then: datetime | None,
) -> None:
    asked = {"workflows": workflows, "subjects": sorted(subjects)}
    query = GOING
    if then:
        went_on = or_(GOES_ON, RUNS.c.ended_at > then)
        query = OF_SUBJECTS.where(RUNS.c.started_at <= then, went_on)
    for row in tx.db.execute(query, asked):
        past = found[row.workflow, row.subject]
        if row.state in (RunState.WAITING, RunState.PAUSED):
            past.resting = row.id
        else:
            past.running = row.id


def _add_runs(
    tx: Transaction,
    found: Histories,
    workflows: list[int],
    subjects: set[int],
    then: datetime | None,
) -> None:
    mine: list[ColumnElement[bool]] = [
        RUNS.c.workflow.in_(workflows),
        RUNS.c.subject.in_(subjects),
    ]
    ended: ColumnElement[Any] = RUNS.c.ended_at
    if then:
        mine.append(RUNS.c.started_at <= then)
        ended = case((RUNS.c.ended_at <= then, RUNS.c.ended_at))
    newest = (func.max(RUNS.c.started_at), func.max(ended))
    query = select(RUNS.c.workflow, RUNS.c.subject, func.count(), *newest).where(*mine)
    for row in tx.db.execute(query.group_by(RUNS.c.workflow, RUNS.c.subject)):
        past = found[row.workflow, row.subject]
        past.count, past.started, past.ended = row[2:]


def _add_episodes(
    tx: Transaction, found: Histories, workflows: list[int], subjects: set[int]
) -> None:
    mine = (EPISODES.c.workflow.in_(workflows), EPISODES.c.subject.in_(subjects))
    for row in tx.db.execute(select(EPISODES, OF_EPISODE).where(*mine)):
        past = found[row.workflow, row.subject]
        past.episode, past.holds, past.ran = row.number, row.holds, bool(row.ran)


def beside(tx: Transaction, live: Live, run: Row[Any]) -> SubjectHistory:
    """What the workflow did for the subject of a run that failed, in its other runs.

    Those that failed too did nothing yet; the others count from when they last did something.
    """
    mine = (RUNS.c.workflow == run.workflow, RUNS.c.subject == run.subject)
    others = (*mine, RUNS.c.id != run.id, RUNS.c.state != RunState.FAILED)
    past = SubjectHistory()
    for row in tx.db.execute(select(RUNS.c.id, RUNS.c.state).where(*others, GOES_ON)):
        if row.state == RunState.RUNNING:
            past.running = row.id
        else:
            past.resting = row.id
    newest = (func.max(RUNS.c.started_at), func.max(RUNS.c.ended_at))
    past.count, started, past.ended = tx.db.execute(
        select(func.count(), *newest).where(*others)
    ).one()
    past.started = max((at for at in (started, past.ended) if at), default=None)
    if live.parsed.recurrence.of_episodes:
        same = or_(RUNS.c.occasion == run.occasion, RUNS.c.ended_at >= run.started_at)
        past.episode, past.ran = 1, tx.count(RUNS, *others, same) > 0
    return past
