"""Upgrading from the command line, and what every door says until it is done."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from engine.installation import Installation
from engine.records.schema_number import NUMBER
from engine.settings import Settings
from server.access.session import COOKIE
from server.app import create_app
from server.cli.commands import main
from tests.databases import Pair, TemplateDatabase
from tests.earlier import facts, restore

RELEASE = "4490af8"
OLDER = (
    f"the database is of an older release (schema 0; this program has {NUMBER}). "
    "Stop all processes of the older one, then run: sayso upgrade"
)


@pytest.fixture
def pair(template_database: TemplateDatabase) -> Pair:
    return template_database(f"release-{RELEASE}", partial(restore, RELEASE))


@pytest.fixture(autouse=True)
def _environment(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_DATABASE_URL", pair.database_url)
    monkeypatch.setenv("SAYSO_QUEUE_URL", pair.queue_url)
    monkeypatch.setenv("SAYSO_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def client(_environment: None) -> Iterator[TestClient]:
    installation = Installation.of(Settings())
    with TestClient(create_app(installation), base_url="http://localhost:8000") as client:
        yield client
    installation.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_command_says_what_to_do_before_it_can_work() -> None:
    for words in (("user", "list"), ("export", "invoices"), ("worker",)):
        told = run(*words)
        assert (told.exit_code, told.output) == (1, f"Error: {OLDER}\n")


def test_the_doctor_tells_that_the_database_is_older() -> None:
    told = run("doctor")
    assert told.exit_code == 1
    assert OLDER in told.output


def test_health_api_and_pages_tell_that_the_database_is_older(
    client: TestClient, pair: Pair
) -> None:
    health = client.get("/health")
    assert health.status_code == 503
    assert health.json()["database"] == {"ok": False, "why": OLDER}
    token = {"Authorization": f"Bearer {facts(RELEASE)['tokens'][pair.name]}"}
    answer = client.get("/api/records/invoices", headers=token)
    assert answer.status_code == 503
    assert answer.json()["problems"][0]["remedy"].endswith("run: sayso upgrade")
    page = client.get("/", headers={"Cookie": f"{COOKIE}=of somebody"})
    assert page.status_code == 503
    assert "run: sayso upgrade" in page.text


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_sqlite_is_copied_and_upgraded_at_once(pair: Pair) -> None:
    told = run("upgrade")
    assert told.exit_code == 0
    lines = told.output.splitlines()
    assert lines[:2] == [
        f"Upgrading the database from schema 0 to {NUMBER}.",
        "  schema 1: what 0.1.0 keeps, from any state before it",
    ]
    assert lines[-2] == f"The database has schema {NUMBER} now."
    assert lines[-1].startswith("How it was before is kept in ")
    assert run("upgrade").output == f"The database is up to date (schema {NUMBER}).\n"
    assert run("user", "list").exit_code == 0


@pytest.mark.parametrize("pairs", ["postgres"], indirect=True)
def test_postgres_is_upgraded_once_somebody_says_that_there_is_a_dump() -> None:
    refused = run("upgrade")
    assert refused.exit_code == 1
    assert "pg_dump --format=custom" in refused.output
    assert "Then run: sayso upgrade --dumped" in refused.output
    assert run("user", "list").exit_code == 1
    told = run("upgrade", "--dumped")
    assert told.exit_code == 0
    assert told.output.splitlines()[-1] == f"The database has schema {NUMBER} now."
    assert run("user", "list").exit_code == 0


def test_where_nothing_is_yet_there_is_nothing_to_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    assert run("upgrade").output == "There is no database yet: `sayso serve` begins it.\n"
