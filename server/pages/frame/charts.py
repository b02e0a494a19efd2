"""Runs counted by day, for bars."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from sqlalchemy import case, func, select

from engine.records.states import RunState
from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from server.pages.frame.field_values import size
from server.pages.frame.views import Chart

DAYS = 30
Counts = dict[int, tuple[int, int]]


def first_moment(tx: Transaction, days: int = DAYS) -> datetime:
    """The beginning of the first of these days, the last of which is today."""
    return _starts(tx, _days(tx, days))[0]


def chart_of_all(tx: Transaction) -> Chart:
    """The runs of all workflows, a bar a day."""
    days, total = _days(tx, DAYS), Counts()
    for counts in _counted(tx, days).values():
        for place, (count, bad) in counts.items():
            so_far = total.get(place, (0, 0))
            total[place] = (so_far[0] + count, so_far[1] + bad)
    return _chart(total, days)


def charts(tx: Transaction, workflows: Iterable[int]) -> dict[int, Chart]:
    """The runs of each of these workflows, a bar a day."""
    days = _days(tx, DAYS)
    wanted = list(workflows)
    counted = _counted(tx, days, wanted)
    return {id: _chart(counted.get(id, {}), days) for id in wanted}


def _counted(tx: Transaction, days: list[date], only: list[int] | None = None) -> dict[int, Counts]:
    """All and failed runs by workflow and day, in one pass. Days are the company's."""
    starts = _starts(tx, days)
    newest_first = [(RUNS.c.started_at >= start, place) for place, start in enumerate(starts)][::-1]
    day = case(*newest_first, else_=-1).label("day")
    bad = func.sum(case((RUNS.c.state == RunState.FAILED, 1), else_=0))
    query = (
        select(RUNS.c.workflow, day, func.count(), bad)
        .where(RUNS.c.started_at >= starts[0])
        .group_by(RUNS.c.workflow, day)
    )
    found: dict[int, Counts] = {}
    for workflow, place, count, failed in tx.db.execute(
        query.where(RUNS.c.workflow.in_(only)) if only is not None else query
    ):
        found.setdefault(workflow, {})[place] = (count, int(failed))
    return found


def _days(tx: Transaction, days: int) -> list[date]:
    today = tx.company.calendar.today(tx.now)
    return [today - timedelta(days=back) for back in range(days - 1, -1, -1)]


def _starts(tx: Transaction, days: list[date]) -> list[datetime]:
    return [tx.company.calendar.at(day, time(0)) for day in days]


def _chart(counts: Counts, days: list[date]) -> Chart:
    total = sum(count for count, _ in counts.values())
    failed = sum(bad for _, bad in counts.values())
    told = f"A bar a day: {size(total, 'run')} in {len(days)} days, {failed:,} failed"
    names = [f"{day.day} {day:%b}" for day in days]
    return {
        "text": told if total else f"No run in {len(days)} days",
        "bars": [
            {
                "label": name,
                "tick": name if place % 5 == 0 else "",
                "count": counts.get(place, (0, 0))[0],
                "bad": counts.get(place, (0, 0))[1],
            }
            for place, name in enumerate(names)
        ],
    }
