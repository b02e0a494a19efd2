"""The reference use cases, from the wish to what comes of it, on both pairs of database and queue."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.database import Database
from engine.effects.model import Claude
from engine.egress import Egress, parse_networks
from engine.house import House
from engine.library import Library, examine
from engine.records import Author, Records
from engine.rehearsal import rehearse
from engine.settings import Settings
from engine.tables import RUNS
from engine.world import World
from tests.databases import TemplateDatabase
from tests.fakes import Clock, FakeClaude, text
from tests.servers import web_server
from tests.story import NOW, Story, compared, fill, local, scenarios

Scenario = dict[str, Any]
CASES = dict(scenarios(Path(__file__).parent / "scenarios"))


@contextmanager
def living(case: Scenario, template: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    """A house with the demo's records, a receiver of webhooks and a model, as the use case wants them."""
    pair = template("reference", fill)
    database = Database(pair.database_url, clock.now)
    clock.set(local(case["begins"]) if "begins" in case else NOW)
    fake = FakeClaude([text(words) for words in case.get("model", ())])
    with web_server(*case.get("answers", ())) as receiver, fake.serve() as url:
        world = World(
            clock.now,
            Egress(allow_networks=parse_networks("127.0.0.0/8")),
            model=Claude("test", url, "claude-haiku-5-5"),
            key=b"key of the tests",
            find_secret=case.get("secrets", {}).__getitem__,
        )
        house = House(Settings(database_url=pair.database_url), database, world, Library())
        yield Story(house, clock, receiver)
        database.engine.dispose()


def reachable(document: Any, url: str) -> Any:
    """The document with the receiver of the tests in the place of the one it names."""
    if isinstance(document, dict):
        return {key: reachable(part, url) for key, part in document.items()}
    if isinstance(document, list):
        return [reachable(part, url) for part in document]
    return document.replace("https://acc.test", url) if isinstance(document, str) else document


def named(news: Any, url: str) -> Any:
    """The news with the address that the use case names."""
    if isinstance(news, dict):
        return {key: named(part, url) for key, part in news.items()}
    return news.replace(url, "https://acc.test") if isinstance(news, str) else news


@pytest.mark.parametrize("name", CASES)
def test_a_use_case_goes_as_it_is_told(
    name: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    case = CASES[name]
    with living(case, template_database, clock) as story:
        story.approve(reachable(case["document"], story.receiver.url), case.get("baseline"))
        meant = {at: story.audience(local(at)) for at in case["audience"]}
        assert meant == case["audience"]
        assert story.suppressed() == case["suppressed"]
        for number, part in enumerate(case["story"]):
            if "expect" not in part:
                story.tell(part)
                continue
            news = named(story.news(), story.receiver.url)
            after = f"{name}, part {number}: {case['story'][number - 1]}"
            assert compared(part["expect"], news) == part["expect"], after


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", CASES)
def test_a_use_case_reads_like_plain_english(
    name: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    case = CASES[name]
    with living(case, template_database, clock) as story, story.house.database.read() as tx:
        checked = examine(tx, case["document"], story.house.unsafe)
        assert checked.problems == ()
        assert checked.parsed
        binder = tx.binder(tx.schema.module(checked.parsed.module))
        assert checked.parsed.words(binder) == case["words"]
