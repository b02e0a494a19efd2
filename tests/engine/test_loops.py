"""Loops: named before anything is activated, and no alert where nothing would go on."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.problems import Problem
from engine.workflows.advice import advice
from engine.workflows.library import examine
from tests.databases import Pair, TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.office import Office, prepare

SAVED = {"type": "record_saved"}
CREATED = {"type": "record_created"}


@pytest.fixture
def office(template_database: TemplateDatabase, clock: Clock) -> Iterator[Office]:
    pair: Pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now) as office:
        yield office


def work(office: Office) -> None:
    while office.worker.work():
        pass


def setting(**values: Any) -> dict[str, Any]:
    return {"id": "set", "type": "update_fields", "values": values}


def flip(name: str, before: str, after: str) -> dict[str, Any]:
    asked = {"field": "status", "op": "equals", "value": before}
    modified = {"type": "record_modified", "fields": ["status"]}
    steps = [setting(status=after)]
    return {"name": name, "trigger": modified, "conditions": asked, "steps": steps}


def found(office: Office, **document: Any) -> tuple[Problem, ...]:
    whole = {"name": "New", "module": "invoices", **document}
    with office.database.read() as tx:
        return examine(tx, whole, lambda url: None).problems


def advised(office: Office, **document: Any) -> list[str]:
    whole = {"name": "New", "module": "invoices", "description": "For a test", **document}
    with office.database.read() as tx:
        parsed = examine(tx, whole, lambda url: None).parsed
        assert parsed
        return [problem.message for problem in advice(parsed, tx.schema, None)]


# --- its own changes ---


@pytest.mark.parametrize(
    "values",
    [
        {"status": "Sent"},
        {"memo": "seen"},
        {"due_date": "today+3d"},
        {"memo": "{{ record.number }} is seen"},
    ],
)
def test_T28_an_own_change_that_would_not_go_on_raises_no_alert(
    office: Office, values: dict[str, Any]
) -> None:
    office.activate(trigger=SAVED, steps=[setting(**values)])
    record = office.create("invoices", account="ACME")
    work(office)
    office.update("invoices", record, balance=5)
    work(office)
    assert office.runs() == ["done: finished"] * 2
    assert office.alerts() == []
    assert advised(office, trigger=SAVED, steps=[setting(**values)]) == []


@pytest.mark.parametrize(
    "step",
    [
        setting(count="{{ record.count + 1 }}"),
        setting(memo="{{ record.memo|default('') }}x"),
        setting(count="{{ record.balance }}", balance="{{ record.count|add(1) }}"),
    ],
)
def test_T28_an_own_change_that_would_go_on_is_told_before_and_raises_the_alert(
    office: Office, step: dict[str, Any]
) -> None:
    (told, *_) = advised(office, trigger=SAVED, steps=[step])
    assert told.startswith("it goes on changing ")
    office.activate(trigger=SAVED, steps=[step])
    office.create("invoices", account="ACME", balance=2)
    work(office)
    assert (office.runs(), office.alerts()) == (["done: finished"], ["loop"])


def test_T30_a_workflow_that_creates_its_own_kind_is_told_so(office: Office) -> None:
    make = {"id": "make", "type": "create_record", "module": "invoices", "values": {"memo": "b"}}
    (told,) = advised(office, trigger=CREATED, steps=[make])
    assert told.startswith("it creates invoices and starts when that happens")
    task = {"id": "make", "type": "create_task", "title": "Call"}
    assert advised(office, trigger=CREATED, steps=[task]) == []


# --- rings ---


def test_T30_two_workflows_that_write_back_and_forth_are_refused(office: Office) -> None:
    office.activate(**flip("There", "Sent", "Overdue"))
    (problem,) = found(office, **flip("Back", "Overdue", "Sent"))
    assert problem.path == "steps.0"
    assert problem.message == (
        "it would start “There”, which changes status of invoices and so would start this one "
        "again."
    )
    assert found(office, **flip("Away", "Overdue", "Paid")) == ()


def test_T30_a_ring_of_three_is_refused_with_its_way(office: Office) -> None:
    office.activate(**flip("First", "Sent", "Overdue"))
    office.activate(**flip("Second", "Overdue", "Paid"))
    (problem,) = found(office, **flip("Third", "Paid", "Sent"))
    assert problem.message == (
        "it would start “First”, which starts “Second”, which changes status of invoices and so "
        "would start this one again."
    )


def test_T30_a_ring_through_a_started_workflow_is_refused(office: Office) -> None:
    start = {"id": "go", "type": "run_workflow", "workflow": "Escalate"}
    manual = {"type": "manual"}
    office.activate(name="Escalate", trigger=manual, steps=[setting(status="Overdue")])
    (problem,) = found(office, **{**flip("Overdue", "Overdue", "Paid"), "steps": [start]})
    assert problem.message == (
        "it would start “Escalate”, which changes status of invoices and so would start this one "
        "again."
    )
