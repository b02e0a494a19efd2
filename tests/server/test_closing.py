"""A run that failed is closed: over REST, on its page, and by those who may."""

import pytest

from server.access.rights import Refused
from tests.stages.office.reception import Reception, served


def failed(reception: Reception) -> int:
    """A run that failed for want of an address."""
    values = {"name": "Gamma"}
    account = reception.ask("alice", "write_record", module="accounts", values=values)["id"]
    values = {"account": account, "status": "Sent"}
    invoice = reception.ask("alice", "write_record", module="invoices", values=values)["id"]
    workflow = reception.approved()
    told = reception.ask("alice", "run_workflow", workflow=workflow, records=[invoice])
    reception.installation.worker.work()
    return int(told["started"][0]["run"])


def test_T17_a_failed_run_is_closed_over_rest(reception: Reception) -> None:
    run = failed(reception)
    with served(reception):
        told = reception.client("bob").post(f"/api/runs/R-{run}/close").json()
        assert (told["run"], told["state"]) == (run, "stopped")
        assert told["reason"].startswith("closed by bob: no recipient for INV-4")
        again = reception.client("bob").post(f"/api/runs/{run}/close")
        message = f"run R-{run} has not failed."
        assert (again.status_code, again.json()["problems"][0]["message"]) == (422, message)


def test_T17_only_who_controls_runs_may_close_one(reception: Reception) -> None:
    run = failed(reception)
    with pytest.raises(Refused):
        reception.ask("alice", "close_run", run=run)
    assert len(reception.ask("bob", "list_alerts")["alerts"]) == 1
    assert reception.ask("bob", "close_run", run=run)["state"] == "stopped"
    assert reception.ask("bob", "list_alerts")["alerts"] == []
