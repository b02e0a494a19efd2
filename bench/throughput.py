"""How many runs a second, beside the bare driver; and what idle workflows cost a save."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from bench import floor
from bench.ground import CREATED, OWES, Took, best, create, idle, office, tell, timed
from engine.records.tables import ENTRIES, RUNS
from engine.records.writer import Author, Records
from tests.stages.office.office import Office

RECORD_STEPS = [
    {"id": "a", "type": "update_fields", "values": {"status": "Sent"}},
    {"id": "b", "type": "add_tags", "tags": ["seen"]},
    {"id": "c", "type": "add_note", "text": "Saw {{ record.number }}"},
]
OUTWARD_STEPS = [
    {
        "id": step,
        "type": "webhook",
        "url": "https://example.com/hook",
        "body": "{{ record.number }}",
    }
    for step in "abc"
]
IDLE = (0, 10, 1_000, 10_000)
Row = tuple[str, list[str]]


def runs(make: Callable[[], Any], count: int, *, outward: bool) -> tuple[Took, Took]:
    """Runs from events that wait to their end, and the floor."""
    with make() as pair, office(pair, stub=outward) as opened:
        steps = OUTWARD_STEPS if outward else RECORD_STEPS
        opened.activate(trigger=CREATED, conditions=OWES, steps=steps)
        create(opened, 64, 64)
        opened.worker.work()

        def ours() -> Took:
            create(opened, count, 64)
            return timed(count, opened.worker.work)

        took = best(3, ours)
        with opened.database.begin() as tx:
            ids = list(tx.db.scalars(select(RUNS.c.id).order_by(RUNS.c.id.desc()).limit(count)))
            tx.db.execute(ENTRIES.delete())
        hands = opened.worker.hands
        bare = floor.outward_steps(pair, ids, hands) if outward else floor.record_steps(pair, ids)
        return took, bare


def saves(make: Callable[[], Any], count: int) -> list[Took]:
    """Changes of one field, each in a transaction, beside more and more idle workflows."""
    with make() as pair, office(pair) as opened:
        create(opened, 100, 100)
        opened.worker.work()
        found = []
        for wanted, known in zip(IDLE, (0, *IDLE), strict=False):
            tell(f"{wanted:,} idle workflows")
            idle(opened, wanted - known)
            opened.worker.work()
            found.append(best(3, lambda: timed(count, lambda: _save(opened, count))))
        return found


def _save(opened: Office, count: int) -> None:
    for number in range(count):
        with opened.database.begin() as tx:
            change = {"memo": f"{number} {tx.now.isoformat()}"}
            Records(tx, Author("alice")).update("invoices", number % 100 + 1, change)
    opened.worker.work()


def rows(makers: dict[str, Callable[[], Any]], count: int) -> list[Row]:
    """The table, a column for each database."""
    found: list[Row] = []
    for title, outward in (("3 record steps", False), ("3 steps outside", True)):
        tell(title)
        each = [runs(make, count, outward=outward) for make in makers.values()]
        found.append((f"record saved → {title}, runs", [str(took) for took, _ in each]))
        found.append(("the same rows through the bare driver", [str(bare) for _, bare in each]))
        found.append(("ratio of processor time", [f"{t.cpu / b.cpu:.1f}" for t, b in each]))
    tell("saves")
    beside = [saves(make, count // 4) for make in makers.values()]
    for place, number in enumerate(IDLE):
        shown = [f"{of[place]}, x{of[place].cpu / of[0].cpu:.2f}" for of in beside]
        found.append((f"a save and its match, {number:,} idle workflows", shown))
    return found
