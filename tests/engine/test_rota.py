"""Whose turn it is: nobody is left out or asked twice, however many ask at once."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.records import rota
from engine.records.writer import Author, Records
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        yield story


def take(story: Story, group: str = "Sales") -> str | None:
    with story.installation.database.begin() as tx:
        return rota.take(tx, group)


def test_many_who_ask_at_once_are_spread_evenly(story: Story) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(story), range(24)))
    assert Counter(taken) == {"alice": 8, "bob": 8, "mgr": 8}


def test_the_place_is_kept_and_who_is_switched_off_is_passed_over(story: Story) -> None:
    assert [take(story), take(story)] == ["alice", "bob"]
    with story.installation.database.begin() as tx:
        assert rota.expected(tx, "Sales") == "mgr"
        Records(tx, Author("admin")).update("users", 3, {"active": False})
    assert [take(story), take(story)] == ["alice", "bob"]


def test_what_is_rolled_back_used_up_no_turn(story: Story) -> None:
    with story.installation.database.begin() as tx:
        savepoint = tx.db.begin_nested()
        assert rota.take(tx, "Sales") == "alice"
        savepoint.rollback()
    assert take(story) == "alice"


def test_a_group_without_anybody_has_nobody_next(story: Story) -> None:
    assert take(story, "Night shift") is None
