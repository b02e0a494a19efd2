"""R10: twenty users ask for several records at once, and each gets the runs that are theirs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select

from engine.records.tables import RUNS
from engine.records.writer import Author, Records
from engine.runs.enrol import Cause
from engine.runs.manual_start import Started, start
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

USERS = [f"user-{number}" for number in range(20)]
STEP = {"id": "tell", "type": "notify", "to": ["mgr"], "text": "{{ record.number }}"}
REST = {"id": "rest", "type": "wait", "days": 1}
DOCUMENT: dict[str, Any] = {
    "name": "Leads - By hand",
    "module": "leads",
    "trigger": {"type": "manual"},
    "conditions": {"field": "score", "op": "at_least", "value": 1},
    "steps": [REST, STEP],
}


def make_leads(story: Story) -> list[list[int]]:
    """Three leads for each user, of which the last does not fit."""
    with story.installation.database.begin() as tx:
        records = Records(tx, Author("alice"))
        return [
            [
                records.create("leads", {"name": f"{user} {place}", "score": 2 - place}).id
                for place in range(3)
            ]
            for user in USERS
        ]


def ask(story: Story, ids: list[int], user: str) -> Started:
    with story.installation.database.begin() as tx:
        live = story.installation.library.live(tx)[story.workflow]
        return start(tx, live, ids, Cause(user))


def test_each_gets_a_run_for_each_record_that_fits(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        leads = make_leads(story)
        story.approve(DOCUMENT)
        with ThreadPoolExecutor(len(USERS)) as pool:
            told = list(pool.map(lambda each: ask(story, *each), zip(leads, USERS, strict=True)))
        with story.installation.database.read() as tx:
            rows = tx.db.execute(select(RUNS.c.record, RUNS.c.actor)).all()
    assert sorted((row.record, row.actor) for row in rows) == sorted(
        (id, user) for ids, user in zip(leads, USERS, strict=True) for id in ids[:2]
    )
    assert [dict(each.refused) for each in told] == [
        {ids[2]: "score 0 is not at least 1"} for ids in leads
    ]


def test_of_all_who_ask_for_the_same_record_one_gets_it(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    with living({}, template_database, clock) as story:
        ((first, *_), *_) = make_leads(story)
        story.approve(DOCUMENT)
        with ThreadPoolExecutor(len(USERS)) as pool:
            told = list(pool.map(lambda user: ask(story, [first], user), USERS))
        with story.installation.database.read() as tx:
            rows = tx.db.execute(select(RUNS.c.record)).all()
    assert [row.record for row in rows] == [first]
    assert [len(each.runs) + len(each.refused) for each in told] == [1] * len(USERS)
    assert sum(len(each.runs) for each in told) == 1
