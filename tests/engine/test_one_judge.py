"""Explain, preview, a dry run and what really starts agree: of random workflows, days and pasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.runs.enrol import Cause, enrol_matching
from engine.runs.manual_start import start
from engine.workflows.library import Live
from server.operations.manual_runs import fitting_now
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import approve
from tests.stages.office.reception import Reception, furnish, opened

BEGIN = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
ACCOUNTS = ("ACME", None)
STATUSES = ("Sent", "Overdue", "Paid")
NOTE = {"id": "note", "type": "add_note", "text": "Done."}
REST = {"id": "rest", "type": "wait", "days": 3}
TRIGGERS: dict[str, dict[str, Any]] = {
    "manual": {"type": "manual"},
    "schedule": {"type": "schedule", "every": "day", "at": "12:00"},
    "saved": {"type": "record_saved"},
}
tags = count(1)


def compare(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


simple = st.one_of(
    st.sampled_from(STATUSES).map(lambda status: compare("status", "equals", status)),
    st.sampled_from([0, 50, 100]).map(lambda sum: compare("balance", "greater_than", sum)),
    st.sampled_from([0, 2, 5]).map(lambda days: compare("due_date", "at_most", f"today-{days}d")),
)
conditions = st.one_of(
    simple,
    simple.map(lambda part: {"not": part}),
    st.tuples(simple, simple).map(lambda parts: {"any": list(parts)}),
)
recurrences = st.one_of(
    st.sampled_from(["every", "once", "episode"]),
    st.sampled_from([1, 3, 7]).map(lambda days: {"every_days": days}),
    st.sampled_from([0, 2, 6]).map(lambda days: {"after_finish_days": days}),
)


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """A document without its name, and without the condition that picks its records."""
    trigger = draw(st.sampled_from(sorted(TRIGGERS)))
    asked = draw(conditions)
    if trigger == "saved" and draw(st.booleans()):
        asked = compare("status", "becomes", draw(st.sampled_from(STATUSES)))
    grouped = trigger == "schedule" and draw(st.booleans())
    group = {"group_by": draw(st.sampled_from(["account", "all"]))} if grouped else {}
    return {
        "module": "invoices",
        "trigger": TRIGGERS[trigger],
        "conditions": asked,
        "recurrence": draw(recurrences),
        "steps": draw(st.sampled_from([[NOTE], [REST, NOTE]])),
        **group,
    }


records = st.fixed_dictionaries(
    {
        "account": st.sampled_from(ACCOUNTS),
        "status": st.sampled_from(STATUSES),
        "balance": st.sampled_from([0, 60, 120]),
        "due_date": st.sampled_from(["2026-03-05", "2026-03-10", "2026-03-14"]),
    }
)
# A day on which something happens: how many days later, which record, what it is given; or a start.
happenings = st.tuples(
    st.integers(0, 4),
    st.integers(0, 3),
    st.one_of(
        st.none(),
        st.sampled_from(STATUSES).map(lambda status: {"status": status}),
        st.sampled_from([0, 60]).map(lambda sum: {"balance": sum}),
    ),
)


@dataclass
class Past:
    """A workflow with its records, after all that happened to them."""

    reception: Reception
    live: Live
    ids: list[int]

    def explained(self) -> dict[int, tuple[bool, str]]:
        """Of each record whether it would start, and why, as explain says."""
        told = {id: self._ask("explain", record=id) for id in self.ids}
        return {id: (each["would_run"], each["why"]) for id, each in told.items()}

    def previewed(self, **given: Any) -> tuple[set[int], dict[int, str]]:
        """The records that are meant, and of the others why not."""
        told = self._ask("preview_audience", limit=100, **given)
        assert told["count"] == len(told["records"])
        out = {row["id"]: row["why"] for row in told["out"] if row["id"] in self.ids}
        return {row["id"] for row in told["records"]}, out

    def dry(self) -> set[int]:
        """Those for which it would start by hand."""
        told = self._ask("run_workflow", records=self.ids, dry=True)
        return {one["id"] for one in told["would_start"]}

    def offered(self) -> set[int]:
        """Those that the page offers to start it for."""
        with self.reception.installation.database.read() as tx:
            return set(fitting_now(tx, self.live.workflow, self.live.parsed, 500))

    def _ask(self, operation: str, **given: Any) -> Any:
        return self.reception.ask("alice", operation, workflow=self.live.workflow, **given)

    # --- what really happens, and is undone ---

    def by_hand(self) -> set[int]:
        with self._undone() as tx:
            start(tx, self.live, self.ids, Cause("alice"))
            return self._started(tx)

    def by_itself(self) -> set[int]:
        """Those for which its trigger starts it: the schedule, or a change of each."""
        with self._undone() as tx:
            if self.live.parsed.trigger.repeats:
                enrol_matching(tx, self.live, "now", tx.now)
            else:
                for id in self.ids:
                    Records(tx, Author("alice")).update("invoices", id, {"count": 7})
                self.reception.installation.worker.matcher.take(tx)
            return self._started(tx)

    @contextmanager
    def _undone(self) -> Iterator[Transaction]:
        with self.reception.installation.database.begin() as tx:
            self._before = set(tx.db.scalars(select(RUNS.c.id)))
            point = tx.db.begin_nested()
            yield tx
            point.rollback()

    def _started(self, tx: Transaction) -> set[int]:
        mine = (RUNS.c.workflow == self.live.workflow, RUNS.c.id.not_in(self._before))
        rows = tx.db.execute(select(RUNS.c.record, RUNS.c.members).where(*mine)).all()
        return {id for row in rows for id in row.members or [row.record]}


def lived(
    reception: Reception,
    document: dict[str, Any],
    values: list[dict[str, Any]],
    later: list[dict[str, Any]],
    days: list[tuple[int, int, dict[str, Any] | None]],
) -> Past:
    """Records, a workflow that is approved when some of them are there, and what happens then."""
    installation, clock = reception.installation, reception.clock
    clock.set(BEGIN)
    tag = f"tag {next(tags)}"
    picks = {"all": [compare("memo", "equals", tag), document["conditions"]]}
    ids: list[int] = []

    def create(these: list[dict[str, Any]]) -> None:
        with installation.database.begin() as tx:
            for each in these:
                ids.append(
                    Records(tx, Author("alice")).create("invoices", {**each, "memo": tag}).id
                )
        installation.worker.work()

    create(values)
    with installation.database.begin() as tx:
        named = {**document, "name": tag, "conditions": picks}
        workflow = approve(tx, installation.worker, named)
    create(later)
    for passed, which, change in days:
        clock.advance(days=passed, minutes=1)
        installation.worker.work()
        with installation.database.begin() as tx:
            live = installation.library.live(tx)[workflow]
            if change:
                id = ids[which % len(ids)]
                Records(tx, Author("alice")).update("invoices", id, change)
            elif document["trigger"]["type"] != "schedule":
                start(tx, live, ids[: which + 1], Cause("alice"))
        installation.worker.work()
    clock.advance(minutes=1)
    return Past(reception, live, ids)


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with opened(template_database("reception", furnish), clock, tmp_path) as found:
        yield found


few = st.lists(records, min_size=1, max_size=2)
stories = st.tuples(workflows(), few, few, st.lists(happenings, min_size=1, max_size=4))


def bounded(reception: Reception) -> settings:
    """Fewer examples where a database is slower."""
    sqlite = reception.installation.database.engine.dialect.name == "sqlite"
    harmless = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    phases = [Phase.explicit, Phase.generate]  # a story is short enough as it is
    most = 30 if sqlite else 10
    return settings(max_examples=most, phases=phases, suppress_health_check=harmless)


def test_explain_preview_dry_run_and_what_really_starts_are_one_answer(
    reception: Reception,
) -> None:
    @bounded(reception)
    @given(stories)
    def agree(story: tuple[Any, Any, Any, Any]) -> None:
        past = lived(reception, *story)
        explained, (inside, out) = past.explained(), past.previewed()
        assert inside == {id for id, (would, _) in explained.items() if would}
        assert out == {id: explained[id][1] for id in out}  # of all who are out these are told
        assert past.dry() == past.by_hand() == past.offered()
        if past.live.parsed.trigger.kind != "manual":
            assert past.by_itself() == inside
        if not past.live.parsed.trigger.listens():
            assert past.dry() == inside

    agree()


def test_what_is_asked_of_another_day_is_what_is_answered_on_it(
    reception: Reception, clock: Clock
) -> None:
    @bounded(reception)
    @given(st.integers(1, 9), stories)
    def foresees(ahead: int, story: tuple[Any, Any, Any, Any]) -> None:
        past = lived(reception, *story)
        then = clock.now() + timedelta(days=ahead)
        foreseen = past.previewed(as_of=then.isoformat())
        clock.set(then)
        assert foreseen == past.previewed()

    foresees()
