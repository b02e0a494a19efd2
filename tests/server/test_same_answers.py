"""A list is the same at every door: what pages show, REST and tools answer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine.people.logins import open_session
from server.app import create_app
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.reception import Reception, furnish, opened


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    """Alice's workflow ran three times for the first invoice, and once for the second."""
    with opened(template_database("reception", furnish), clock, tmp_path) as reception:
        workflow = reception.approved(recurrence="every", trigger={"type": "record_modified"})
        for record in (1, 2, 1, 1):
            reception.ask("alice", "run_workflow", workflow=workflow, records=[record])
            reception.installation.worker.work()
            clock.advance(days=8)
            reception.installation.worker.work()
        yield reception


@pytest.fixture
def browser(reception: Reception) -> Iterator[TestClient]:
    """Alice's browser."""
    with reception.installation.database.begin() as tx:
        cookie = open_session(tx, "alice")
    app = create_app(reception.installation)
    with TestClient(app, base_url=reception.installation.settings.address) as browser:
        browser.cookies.set("sayso_session", cookie)
        yield browser


def runs_on(page: str) -> set[int]:
    """The runs that a page leads to."""
    return {int(run) for run in re.findall(r'href="/runs/(\d+)"', page)}


def test_runs_of_a_record_are_the_same_set_at_every_door(
    reception: Reception, browser: TestClient
) -> None:
    doors = {
        "number": reception.ask("alice", "list_runs", record="INV-1")["runs"],
        "key": reception.ask("alice", "list_runs", record="invoices/1")["runs"],
        "record": reception.ask(
            "alice", "get_record", module="invoices", record=1, include=["runs"]
        )["runs"],
        "explained": reception.ask("alice", "explain", workflow=1, record="INV-1")["runs"],
    }
    found = {door: {line["run"] for line in lines} for door, lines in doors.items()}
    pages = {
        page: runs_on(browser.get(page).text)
        for page in ("/records/invoices/1", "/runs?q=INV-1", "/runs?q=inv-1")
    }
    assert {frozenset(runs) for runs in (*found.values(), *pages.values())} == {
        frozenset({1, 3, 4})
    }, (found, pages)


def test_counts_of_runs_are_the_same_on_a_page_and_at_the_other_doors(
    reception: Reception, browser: TestClient
) -> None:
    (line,) = reception.ask("alice", "list_workflows")["workflows"]
    total = reception.ask("alice", "list_runs", workflow=1)["total"]
    steps = reception.ask("alice", "list_runs", workflow=1)["steps"]
    page = browser.get("/workflows/1?tab=runs").text
    tabs = dict(re.findall(r'tab=(\w+)"[^>]*>[^<]*<span[^>]*>([\d,]+)<', page))
    assert (sum(line["runs"].values()), total) == (4, 4)
    assert tabs["runs"] == "4"
    assert int(tabs["inside"]) == sum(steps.values())


@pytest.mark.parametrize("named", ["R-99", "nonsense"])
def test_a_run_that_is_not_there_is_missing_at_every_door(
    reception: Reception, browser: TestClient, named: str
) -> None:
    with pytest.raises(Exception, match="there is no run"):
        reception.ask("alice", "get_run", run=named)
    assert browser.get(f"/runs/{named}").status_code == 404
