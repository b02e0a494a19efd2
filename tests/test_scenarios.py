"""The reference use cases, from the wish to what comes of it, on both kinds of database."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.records.tables import RUNS
from engine.records.writer import Author, Records
from engine.runs.judge import brought
from engine.runs.rehearsal import rehearse
from engine.workflows.library import examine
from tests.databases import TemplateDatabase, everything
from tests.fakes import Clock
from tests.stages.demo.story import living, play, reachable, scenarios
from tests.stages.office.office import PLENTY

Scenario = dict[str, Any]
CASES = dict(scenarios(Path(__file__).parent / "scenarios", "U*.json"))


@pytest.mark.parametrize("name", CASES)
def test_a_use_case_goes_as_it_is_told(
    name: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    case = CASES[name]
    with living(case, template_database, clock) as story:
        play(story, case, name)


def test_marking_250_invoices_overdue_skips_none_though_the_set_shrinks(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    case = CASES["U19"]
    plenty = {"email_caps": PLENTY.model_dump()}
    with living({**case, "company": plenty}, template_database, clock) as story:
        invoice = {"account": "ACME", "status": "Sent", "due_date": "2026-02-01", "balance": 10}
        with story.installation.database.begin() as tx:
            Records(tx, Author("alice")).create_all("invoices", [invoice] * 250)
        story.approve(case["document"])
        story.tell({"at": "2026-03-10T09:00"})
        with story.installation.database.read() as tx:
            invoices = tx.schema.tables["invoices"]
            overdue = tx.count(invoices, invoices.c.status == "Overdue", invoices.c.balance == 10)
            mails = tx.count(tx.schema.tables["emails"])
            states = tx.db.execute(select(RUNS.c.state, func.count()).group_by(RUNS.c.state)).all()
            runs = {state: count for state, count in states}
    assert (overdue, mails, runs) == (250, 251, {"done": 252})


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_the_address_of_the_cloud_is_refused_when_the_workflow_is_checked(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    case = CASES["U11"]
    address = "http://169.254.169.254/hook"
    (step,) = case["document"]["steps"]
    document = {**case["document"], "steps": [{**step, "url": address}]}
    with living(case, template_database, clock) as story, story.installation.database.read() as tx:
        (problem,) = examine(tx, document, story.installation.unsafe).problems
    assert problem.path == "steps.0.url"
    assert "169.254.169.254" in problem.message


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", CASES)
def test_a_rehearsal_of_a_use_case_touches_nothing(
    name: str, template_database: TemplateDatabase, clock: Clock
) -> None:
    case = CASES[name]
    with living(case, template_database, clock) as story:
        story.approve(reachable(case["document"], story.receiver.url))
        before = everything(story.installation.database)
        with story.installation.database.read() as tx:
            live = story.installation.library.live(tx)[story.workflow]
            table = tx.schema.tables[live.parsed.module]
            rehearsed = rehearse(tx, live.parsed, tx.db.scalars(select(table.c.id)).all())
        matching = {one.number for one in rehearsed if one.matches}
        # What a change has to bring nobody has by standing still.
        meant = set() if brought(live.parsed) else matching
        assert set(story.audience(clock.now())) == meant
        assert everything(story.installation.database) == before
        assert story.receiver.requests == []
