"""Runs counted by day, for bars."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from engine.records.transaction import Transaction
from server.operations.queries import runs
from server.operations.queries.runs import Days
from server.pages.frame.field_values import size
from server.pages.frame.views import Chart

DAYS = 30


def first_moment(tx: Transaction, days: int = DAYS) -> datetime:
    """The beginning of the first of these days, the last of which is today."""
    return tx.company.calendar.at(_days(tx, days)[0], time(0))


def chart_of_all(tx: Transaction) -> Chart:
    """The runs of all workflows, a bar a day."""
    days, total = _days(tx, DAYS), Days()
    for counts in runs.by_day(tx, days).values():
        for place, (count, bad) in counts.items():
            so_far = total.get(place, (0, 0))
            total[place] = (so_far[0] + count, so_far[1] + bad)
    return _chart(total, days, "/runs?")


def charts(tx: Transaction, workflows: Iterable[int]) -> dict[int, Chart]:
    """The runs of each of these workflows, a bar a day."""
    days = _days(tx, DAYS)
    wanted = list(workflows)
    counted = runs.by_day(tx, days, wanted)
    return {id: _chart(counted.get(id, {}), days, f"/runs?workflow={id}&") for id in wanted}


def _days(tx: Transaction, days: int) -> list[date]:
    today = tx.company.calendar.today(tx.now)
    return [today - timedelta(days=back) for back in range(days - 1, -1, -1)]


def _chart(counts: Days, days: list[date], there: str) -> Chart:
    """The bars, each leading to the runs that it counts: `there` is where they are listed."""
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
                "href": f"{there}day={day}" if place in counts else "",
                "count": counts.get(place, (0, 0))[0],
                "bad": counts.get(place, (0, 0))[1],
            }
            for place, (day, name) in enumerate(zip(days, names, strict=True))
        ],
    }
