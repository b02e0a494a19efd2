"""How often, asked of one record in memory and of many in SQL, is answered alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from engine.records.database import Database
from engine.records.states import ENDED, GOING_ON, RunState
from engine.records.tables import EPISODES, RUNS
from engine.records.transaction import Transaction
from engine.runs.candidates import subject_of
from engine.runs.enrol import SCHEDULED, Enrolment, enrol, enrol_matching
from engine.runs.manual_start import refusals
from engine.workflows.library import Live
from engine.workflows.recurrence import Recurrence, recurrence
from engine.workflows.workflow import Workflow
from tests.databases import Pair
from tests.stages.conditions.database import holding, opened
from tests.stages.conditions.world import COMPANY, NOW, TODAY, World

HISTORIES = {"sqlite": 500, "postgres": 150}
MINE, OTHER, MARK = 1, 2, "change 77"
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
TRIGGERS = (DAILY, {"type": "manual"}, {"type": "record_saved"})
RECURRENCES = (
    *(kind.example for kind in Recurrence.kinds),
    *({"every_days": 1}, {"every_days": 3}, {"after_finish_days": 0}, {"after_finish_days": 2}),
)
DEALS: list[dict[str, Any]] = [
    {"title": "Desks", "firm": 1, "owner": "ann"},
    {"title": "Chairs", "firm": 1, "owner": "Support"},
    {"title": "Lamps", "firm": 2, "owner": None},
    {"title": "Rugs", "firm": None, "owner": "ann"},
]
WORLD = World.of(deals=DEALS, firms=[{"name": "ACME"}, {"name": "Globex"}], lines=[], partners=[])


def live(trigger: Mapping[str, Any], often: Any, group_by: str | None = None) -> Live:
    document = {
        "name": "Deals - Tell",
        "module": "deals",
        "trigger": trigger,
        "recurrence": often,
        "group_by": group_by,
    }
    return Live(MINE, "Deals - Tell", 1, "", document, Workflow.model_validate(document))


@dataclass(frozen=True)
class Before:
    """A run there was: whose it is, of which subject, how it stands, since when, until when."""

    workflow: int
    subject: int
    state: RunState
    started: datetime
    ended: datetime | None
    own: bool


# Around the midnights of New York, one of them in summer time.
moments = st.builds(
    lambda days, seconds: (
        COMPANY.calendar.at(TODAY - timedelta(days), time.min) + timedelta(seconds=seconds)
    ),
    st.integers(0, 4),
    st.sampled_from([-1, 0, 1, 3600, 7200, 70_000]),
).filter(lambda at: at <= NOW)


@st.composite
def runs(draw: st.DrawFn, subjects: list[int]) -> Before:
    state, started = draw(st.sampled_from([*ENDED, *ENDED, *GOING_ON])), draw(moments)
    ended = max(started, draw(moments)) if state in ENDED else None
    workflow = draw(st.sampled_from([MINE, MINE, MINE, OTHER]))
    return Before(
        workflow, draw(st.sampled_from(subjects)), state, started, ended, draw(st.booleans())
    )


@dataclass(frozen=True)
class Known:
    """An episode there was."""

    subject: int
    number: int
    holds: bool


def episodes(subjects: list[int]) -> st.SearchStrategy[list[Known]]:
    one = st.builds(Known, st.sampled_from(subjects), st.integers(0, 3), st.booleans())
    return st.lists(one, max_size=len(subjects), unique_by=lambda known: known.subject)


def written(often: Recurrence) -> str:
    """Its word, or the key of its figure."""
    return str(next(iter(type(often).model_fields), often.example))


def remember(tx: Transaction, often: Recurrence, before: list[Before], known: list[Known]) -> None:
    """Write the history, each run under the word that it would have been given."""
    taken: set[tuple[int, int, str]] = set()
    count: dict[tuple[int, int], int] = {}
    number = {one.subject: one.number for one in known}
    for place, run in enumerate(sorted(before, key=lambda run: run.started)):
        nth = count[run.workflow, run.subject] = count.get((run.workflow, run.subject), 0) + 1
        own = {
            "once": "",
            "episode": f"episode {min(nth, number.get(run.subject, 0))}",
            "every_days": COMPANY.calendar.today(run.started).isoformat(),
            "after_finish_days": f"round {nth}",
        }.get(written(often), f"change {place}")
        occasion = own if run.own else f"earlier {place}"
        if (run.workflow, run.subject, occasion) in taken:
            occasion = f"earlier {place}"
        taken.add((run.workflow, run.subject, occasion))
        row = {
            "workflow": run.workflow,
            "version": 1,
            "module": "deals",
            "subject": run.subject,
            "record": 1,
            "occasion": occasion,
            "state": run.state,
            "started_at": run.started,
            "ended_at": run.ended,
        }
        tx.db.execute(insert(RUNS).values(**row))
    for one in known:
        row = {"workflow": MINE, "subject": one.subject, "number": one.number, "holds": one.holds}
        tx.db.execute(insert(EPISODES).values(**row))


def in_memory(tx: Transaction, workflow: Live) -> dict[int, str]:
    """The subjects for which a run would start, with the word for its occasion."""
    subjects = {subject_of(tx, workflow.parsed, id) for id in WORLD.rows["deals"]}
    found = {}
    for subject in sorted(subjects):
        enrolment = Enrolment(tx, [(workflow, subject)])
        enrolment.begins(workflow, subject, holds=True)
        if enrolment.refusal(workflow, subject) is None:
            found[subject] = str(enrolment.row(workflow, subject, MARK, SCHEDULED)["occasion"])
    return found


def in_sql(tx: Transaction, workflow: Live) -> dict[int, str]:
    """The same of the runs that were started for all at once."""
    newest = max(tx.db.scalars(select(RUNS.c.id)), default=0)
    enrol_matching(tx, workflow, MARK, NOW)
    rows = tx.db.execute(select(RUNS.c.subject, RUNS.c.occasion).where(RUNS.c.id > newest))
    return {row.subject: row.occasion for row in rows}


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    with opened(pair.database_url) as database:
        yield database


def test_a_run_is_started_for_one_record_exactly_when_it_is_for_many(
    pair: Pair, database: Database
) -> None:
    @settings(
        max_examples=HISTORIES[pair.name],
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(TRIGGERS), st.sampled_from(RECURRENCES), st.data())
    def agree(trigger: Mapping[str, Any], often: Any, data: st.DataObject) -> None:
        groups = [None, "firm", "owner", "all"] if trigger is DAILY else [None]
        workflow = live(trigger, often, data.draw(st.sampled_from(groups)))
        with holding(database, WORLD) as tx:
            ids = list(WORLD.rows["deals"])
            subjects = sorted({subject_of(tx, workflow.parsed, id) for id in ids})
            before = data.draw(st.lists(runs(subjects), max_size=7))
            remember(tx, recurrence(often), before, data.draw(episodes(subjects)))
            expected, refused = in_memory(tx, workflow), refusals(tx, workflow, ids)
            assert in_sql(tx, workflow) == expected
            let = {subject_of(tx, workflow.parsed, id) for id in ids if id not in refused}
            assert let == expected.keys()

    agree()


@pytest.mark.parametrize("often", RECURRENCES)
def test_who_was_started_by_hand_is_not_started_again_for_the_same_occasion(
    database: Database, often: Any
) -> None:
    workflow = live(DAILY, often)
    with holding(database, WORLD) as tx:
        assert enrol(tx, workflow, 1, MARK, SCHEDULED)[1] == ""
        assert 1 not in in_sql(tx, workflow)


def test_what_is_started_by_hand_for_some_ends_no_episode_of_others(database: Database) -> None:
    workflow = live(DAILY, "episode", "firm")
    with holding(database, WORLD) as tx:
        in_sql(tx, workflow)
        enrol_matching(tx, workflow, MARK, NOW, only=[3])
        assert set(tx.db.scalars(select(EPISODES.c.holds))) == {True}


@pytest.mark.parametrize("often", RECURRENCES)
def test_a_recurrence_is_kept_as_it_is_written(often: Any) -> None:
    assert recurrence(often).model_dump() == often
