"""What all measurements share: an installation to measure in, ways to fill it, and a stopwatch."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from sqlalchemy import insert

from engine.effects import Effect, Outcome
from engine.outside.world import World
from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.writer import Author, Records
from engine.runs.entry import Entry
from engine.workflows.fingerprint import fingerprint
from engine.workflows.workflow import Workflow
from tests.databases import Pair, PostgresPairs, SqlitePairs
from tests.servers import postgres, redis
from tests.stages.office.office import Office, prepare

Document = dict[str, Any]
CREATED = {"type": "record_created"}
OWES = {"field": "balance", "op": "greater_than", "value": 10}


class Stub(World):
    """A world in which everything succeeds at once."""

    def perform(self, effect: Effect, entry: Entry) -> Outcome:
        return Outcome("done", "done", {"status": 200})


@dataclass(frozen=True)
class Took:
    """How long so many took: processor time and time on the clock, in seconds."""

    count: int
    cpu: float
    wall: float

    @property
    def micros(self) -> float:
        return self.cpu / self.count * 1e6

    @property
    def rate(self) -> float:
        return self.count / self.wall

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s ({self.micros:,.0f} µs)"


def timed(count: int, do: Callable[[], Any]) -> Took:
    wall, cpu = perf_counter(), process_time()
    do()
    return Took(count, process_time() - cpu, perf_counter() - wall)


def best(times: int, measure: Callable[[], Took]) -> Took:
    """The quickest of several: what the others took longer for was somebody else's work."""
    return min((measure() for _ in range(times)), key=lambda took: took.cpu)


def tell(text: str) -> None:
    """Progress, beside the results."""
    print(f"  {text}", file=sys.stderr, flush=True)


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def pairs() -> Iterator[dict[str, Callable[[], Any]]]:
    """Makers of empty installations: on SQLite, and on PostgreSQL with Redis."""
    with (
        tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder,
        postgres() as postgres_url,
        redis() as redis_url,
    ):
        place, served = Path(folder), PostgresPairs(postgres_url, redis_url)
        files = SqlitePairs(place)
        try:
            yield {
                "SQLite": lambda: files.cloned("office", prepare, place),
                "PostgreSQL": lambda: served.cloned("office", prepare, place),
            }
        finally:
            served.close()


@contextmanager
def office(pair: Pair, *, stub: bool = False) -> Iterator[Office]:
    with Office.at(pair.database_url, now) as opened:
        if stub:
            opened.worker.world = Stub(now)
        yield opened


def create(office: Office, count: int, at_once: int, **values: Any) -> None:
    """Save new invoices, so many in one transaction."""
    for start in range(0, count, at_once):
        rows = [{"balance": 50, **values}] * min(at_once, count - start)
        with office.database.begin() as tx:
            Records(tx, Author("alice")).create_all("invoices", rows)


def idle(office: Office, count: int) -> None:
    """Approve so many workflows of other fields and modules than an invoice's memo."""
    with office.database.begin() as tx:
        known = tx.count(WORKFLOWS)
        for start in range(known, known + count, 500):
            some = [
                _idle(tx.schema, number) for number in range(start, min(start + 500, known + count))
            ]
            ids = list(
                tx.db.scalars(
                    insert(WORKFLOWS).returning(WORKFLOWS.c.id, sort_by_parameter_order=True),
                    [each[0] for each in some],
                )
            )
            tx.db.execute(
                insert(VERSIONS),
                [{**each[1], "workflow": id} for id, each in zip(ids, some, strict=True)],
            )
        tx.touch("workflows")


def _idle(schema: Any, number: int) -> tuple[Document, Document]:
    module = "invoices" if number % 2 else "accounts"
    field = "due_date" if number % 2 else "visits"
    document: Document = {
        "name": f"Idle {number}",
        "module": module,
        "trigger": {"type": "record_modified", "fields": [field]},
        "conditions": {"field": "owner", "op": "equals", "value": f"user{number}"},
        "steps": [{"id": "log", "type": "add_note", "text": "never"}],
    }
    shared: Document = {"authors": []}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    workflow = {
        **shared,
        **{"name": document["name"], "module": module, "category": "", "state": "active"},
        **{"revision": 1, "active_version": 1, "activated_at": moment, "created_by": "bench"},
        **{"created_at": moment, "changed_at": moment},
    }
    hash = fingerprint(document, Workflow.model_validate(document), schema)
    version = {
        **shared,
        **{"version": 1, "state": "approved", "document": document, "hash": hash},
        **{"by_agent": False, "note": "", "submitted_by": "bench", "submitted_at": moment},
    }
    return workflow, version
