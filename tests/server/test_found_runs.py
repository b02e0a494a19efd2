"""Runs are found by every record that they are about, and by the customer these belong to."""

import pytest

from server.operations.registry import Missing
from tests.fakes import Clock
from tests.stages.office.reception import Reception

TOGETHER = {
    "trigger": {"type": "schedule", "every": "day", "at": "09:00"},
    "group_by": "account",
    "recurrence": "every",
}


def found(reception: Reception, record: str | int, workflow: int | None = None) -> list[int]:
    """The runs that are listed for a record, of a workflow or of all."""
    given = {"record": record} if workflow is None else {"record": record, "workflow": workflow}
    return [run["run"] for run in reception.ask("alice", "list_runs", **given)["runs"]]


def test_T12_a_run_of_several_is_found_by_each_of_them_and_by_their_customer(
    reception: Reception,
) -> None:
    workflow = reception.approved(**TOGETHER)
    reception.ask("alice", "run_workflow", workflow=workflow, records=["INV-1", "INV-2"])
    for record in ("INV-1", "INV-2", "invoices/2", "ACC-1", "acme", "accounts/1"):
        assert found(reception, record) == [1], record
        assert found(reception, record, workflow) == [1], record
    assert found(reception, "INV-3") == []


def test_T12_by_member_it_is_in_the_record_and_in_explain(reception: Reception) -> None:
    workflow = reception.approved(**TOGETHER)
    reception.ask("alice", "run_workflow", workflow=workflow, records=["INV-1", "INV-2"])
    whole = {"module": "invoices", "record": "INV-2", "include": ["runs"]}
    assert [run["run"] for run in reception.ask("alice", "get_record", **whole)["runs"]] == [1]
    customer = {"module": "accounts", "record": "ACC-1", "include": ["runs"]}
    assert [run["run"] for run in reception.ask("alice", "get_record", **customer)["runs"]] == [1]
    told = reception.ask("alice", "explain", workflow=workflow, record="INV-2")
    assert told["blocked_by"] == ["run R-1 of this workflow is still going on for it"]
    assert [run["run"] for run in told["runs"]] == [1]


def test_T12_one_run_for_each_record_is_found_by_the_customer_too(reception: Reception) -> None:
    workflow = reception.approved()
    reception.ask("alice", "run_workflow", workflow=workflow, records=["INV-1", "INV-2"])
    assert (found(reception, "INV-2"), found(reception, "ACME")) == ([2], [2, 1])
    with pytest.raises(Missing) as unknown:
        found(reception, "Nobody & Sons")
    assert unknown.value.problems[0].message == "`Nobody & Sons` names no record."


def test_T12_a_run_that_the_schedule_starts_is_found_the_same_way(
    reception: Reception, clock: Clock
) -> None:
    reception.approved(**TOGETHER)
    clock.advance(days=1)
    reception.installation.worker.work()
    assert [found(reception, record) for record in ("INV-1", "INV-2", "ACME")] == [[1], [1], [1]]
