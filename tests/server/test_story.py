"""`sayso explain`: a run and its steps, or why there is none, told at the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli.commands import main
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.reception import Reception, furnish, opened


@pytest.fixture
def reception(
    template_database: TemplateDatabase,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Reception]:
    pair = template_database("reception", furnish)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_DATABASE_URL", pair.database_url)
    monkeypatch.setenv("SAYSO_QUEUE_URL", pair.queue_url)
    monkeypatch.setenv("SAYSO_DATA_DIR", str(tmp_path / "data"))
    with opened(pair, clock, tmp_path) as found:
        workflow = found.approved()
        found.ask("alice", "run_workflow", workflow=workflow, records=["INV-1"])
        found.installation.worker.work()
        yield found


def explain(*words: str) -> list[str]:
    told = CliRunner().invoke(main, ["explain", *words])
    assert told.exit_code == 0, told.output
    return told.stdout.splitlines()


def test_a_run_is_told_step_by_step(reception: Reception) -> None:
    heading, started, polite, *_, stands = explain("R-1")
    assert heading == "R-1: “Invoices - Remind” (workflow 1, v1), INV-1"
    assert "started by alice, after no change of a record" in started
    assert "polite: done; " in polite
    assert stands.startswith("It is waiting at a_week until 2026-03-17T")
    assert explain("1") == explain("R-1")


def test_why_there_is_no_run_is_told_too(reception: Reception) -> None:
    (told,) = explain("INV-3", "--workflow", "1")
    assert told.startswith("Workflow 1 would not run for INV-3: ")
    assert explain("INV-1", "--workflow", "1")[-1] == "There is R-1: waiting"


@pytest.mark.parametrize("words", [["R-99"], ["nonsense"], ["INV-1", "--workflow", "7"]])
def test_what_is_not_there_is_said_in_words(reception: Reception, words: list[str]) -> None:
    told = CliRunner().invoke(main, ["explain", *words])
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("Error: ")
