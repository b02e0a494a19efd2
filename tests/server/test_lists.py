"""Lists: one search at every door, and links to the list of just those that a number counts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine.installation import Installation
from engine.people import logins
from engine.people.logins import Principal
from engine.people.roles import SCOPES
from engine.records.writer import Author, Records
from server.access.desk import Desk
from server.operations import catalogue
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of, furnish, opened

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists") / "data"
    furnish(folder, Clock(NOW))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(furnished, tmp_path / "data", clock) as installation:
        with installation.database.begin() as tx:
            records = Records(tx, Author("alice"), starts=False)
            records.create("notes", {"text": "Thanked Bo Ray.", "record": "accounts/1"})
            records.create("tickets", {"title": "x", "description": "Please UNLOCK my account"})
        yield installation


def agent(installation: Installation) -> tuple[str, Principal]:
    with installation.database.begin() as tx:
        token = logins.create_token(tx, "admin", "a test", SCOPES)
        found = logins.token_holder(tx, token)
    assert found is not None
    return token, found


def listed(page: str) -> list[str]:
    """The numbers in the first column of a list."""
    return re.findall(r'<td class="nowrap"><a href="/r\w+/[^"]*">([A-Z0-9-]+)</a>', page)


@pytest.mark.parametrize(
    ("module", "words"), [("notes", "Thanked"), ("tickets", "unlock"), ("notes", "bo ray")]
)
def test_T32_long_text_is_found_at_every_door(
    installation: Installation, module: str, words: str
) -> None:
    token, who = agent(installation)
    on_page = listed(
        browser_of(installation, "admin").get(f"/records/{module}", params={"q": words}).text
    )
    tool = catalogue.every()["search_records"].call(
        Desk(installation, who), {"module": module, "text": words}
    )
    rest = browser_of(installation).get(
        f"/api/records/{module}",
        params={"text": words},
        headers={"Authorization": f"Bearer {token}"},
    )
    by_tool = sorted(row["number"] for row in tool["records"])
    by_rest = sorted(row["number"] for row in rest.json()["records"])
    assert by_tool
    assert sorted(on_page) == by_tool == by_rest


def test_T32_words_and_a_condition_go_together(installation: Installation) -> None:
    _, who = agent(installation)
    asked = {"field": "created_by", "op": "equals", "value": "hr"}
    found = catalogue.every()["search_records"].call(
        Desk(installation, who), {"module": "notes", "text": "thanked", "where": asked}
    )
    assert found["records"] == []


def linked(browser: TestClient, page: str, words: str) -> str:
    """Where the link with these words leads."""
    text = browser.get(page).text
    found = re.search(rf'<a[^>]* href="([^"]*)"[^>]*>{words}</a>', text)
    assert found, text
    return unescape(found[1])


def test_T32_the_records_that_fit_a_workflow_are_listed(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    address = linked(browser, "/workflows/1", r"\d+ invoices?")
    page = browser.get(address).text
    count = re.search(r">(\d+) invoices?</a>", browser.get("/workflows/1").text)
    assert count
    assert len(listed(page)) == int(count[1]) > 0
    assert "Only invoices for which the status is" in page
    (review,) = re.findall(r'href="(/reviews/\d+)"', browser.get("/reviews").text)[:1]
    assert browser.get(linked(browser, review, "See them all")).status_code == 200


@pytest.mark.parametrize("where", ["{", '"x"', '{"field": "statsu", "op": "equals", "value": 1}'])
def test_a_condition_in_an_address_that_means_nothing_is_refused(
    installation: Installation, where: str
) -> None:
    answer = browser_of(installation, "admin").get("/records/invoices", params={"where": where})
    assert answer.status_code == 422


def test_T32_a_bar_lists_the_runs_that_it_counts(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    home = browser.get("/").text
    bars = re.findall(r'<a href="(/runs\?day=[^"]*)" aria-label="[^:]*: (\d+) runs?', home)
    assert bars
    for address, count in bars:
        assert len(listed(browser.get(address).text)) == min(int(count), 50)
    assert listed(browser.get("/runs?day=2020-01-01").text) == []
    assert browser.get("/runs?day=someday").status_code == 422
