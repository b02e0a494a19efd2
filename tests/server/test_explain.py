"""Explain, preview and a start by hand are one answer: now, on another day, and in the past."""

from typing import Any

import pytest

from engine.problems import Invalid
from server.operations.registry import Answer
from tests.fakes import Clock
from tests.stages.office.reception import REMIND, Reception

RAN = "it ran less than 7 days ago"
OVERDUE = {"field": "status", "op": "becomes", "value": "Overdue"}
MONDAYS = {"type": "schedule", "every": "week", "weekdays": ["mon"], "at": "09:00"}


def explain(reception: Reception, **given: Any) -> Answer:
    return reception.ask("alice", "explain", **given)


def preview(reception: Reception, **given: Any) -> tuple[list[str], dict[str, str]]:
    """The numbers of those who are meant, and of those who are not, with why."""
    told = reception.ask("alice", "preview_audience", **given)
    assert (told["count"], len(told["records"])) == (len(told["records"]), told["count"])
    return (
        [row["number"] for row in told["records"]],
        {row["number"]: row["why"] for row in told["out"]},
    )


def ended(reception: Reception, workflow: int, *records: str) -> None:
    """Run it for these records, and end the runs."""
    reception.ask("alice", "run_workflow", workflow=workflow, records=list(records))
    given: dict[str, Any] = {"workflow": workflow, "active": False, "running": "stop"}
    reception.ask("alice", "toggle_workflow", **given)
    reception.ask("alice", "toggle_workflow", workflow=workflow, active=True)


def save(reception: Reception, module: str, record: int, **values: Any) -> None:
    given = {"module": module, "record": record, "values": values}
    reception.ask("alice", "write_record", **given)


# --- T11: the recurrence is asked by all, for the day that is asked about ---


def test_T11_whom_the_recurrence_keeps_back_is_not_in_the_preview(reception: Reception) -> None:
    workflow = reception.approved()
    ended(reception, workflow, "INV-1")
    draft = "status “Draft” is not equal to “Sent”"
    assert preview(reception, workflow=workflow) == (["INV-2"], {"INV-1": RAN, "INV-3": draft})
    assert preview(reception, workflow=workflow, as_of="today+7d")[0] == ["INV-1", "INV-2"]
    assert preview(reception, document=REMIND)[0] == ["INV-1", "INV-2"]  # it never ran


def test_T11_of_a_customer_no_record_of_whom_would_start_nothing_is_shown(
    reception: Reception,
) -> None:
    workflow = reception.approved()

    def customers(**given: Any) -> int:
        told = reception.ask("alice", "preview_audience", workflow=workflow, **given)
        return int(told["shown"]["count"])

    ended(reception, workflow, "INV-1", "INV-2")
    assert customers(show="accounts") == 0
    assert customers(show="accounts", as_of="today+7d") == 1


def test_T11_a_group_is_kept_back_as_one(reception: Reception) -> None:
    together = {"trigger": {"type": "schedule", "every": "day", "at": "09:00"}}
    workflow = reception.approved(**together, group_by="account")
    ended(reception, workflow, "INV-1", "INV-2")
    assert preview(reception, workflow=workflow)[1]["INV-2"] == RAN
    given = {"workflow": workflow, "records": ["INV-2"]}
    for dry in (True, False):
        told = reception.ask("alice", "run_workflow", dry=dry, **given)
        assert [one["why"] for one in told["not_started"]] == [RAN]
    assert explain(reception, workflow=workflow, record="INV-2")["blocked_by"] == [RAN]


@pytest.mark.parametrize(
    ("recurrence", "why"),
    [
        ("once", "it has run for it already, and runs once for each record"),
        ({"after_finish_days": 2}, "its last run ended less than 2 days ago"),
        ("every", ""),
    ],
)
def test_T11_every_recurrence_says_the_same_in_preview_and_explain(
    recurrence: Any, why: str, reception: Reception
) -> None:
    workflow = reception.approved(recurrence=recurrence)
    save(reception, "invoices", 3, status="Sent")
    ended(reception, workflow, "INV-3")
    inside, out = preview(reception, workflow=workflow)
    assert (out.get("INV-3", ""), "INV-3" in inside) == (why, not why)
    told = explain(reception, workflow=workflow, record="INV-3")
    assert told["blocked_by"] == ([why] if why else [])


# --- T13: what would keep its messages back ---


def test_T13_explain_says_that_chasing_is_paused_and_who_refuses_mail(
    reception: Reception,
) -> None:
    workflow = reception.approved()
    told = explain(reception, workflow=workflow, record="INV-1")
    assert (told["would_run"], told["not_sent"]) == (True, [])
    save(reception, "invoices", 1, chasing_paused=True)
    told = explain(reception, workflow=workflow, record="INV-1")
    why = "chasing is paused for INV-1"
    assert (told["would_run"], told["not_sent"]) == (True, [f"polite: not sent now: {why}"])
    assert reception.ask("alice", "preview_audience", workflow=workflow)["suppressed"] == [
        {"id": 1, "why": why}
    ]
    save(reception, "accounts", 1, email_opt_out=True)
    (said,) = explain(reception, workflow=workflow, record="INV-2")["not_sent"]
    assert said == "polite: not sent: ap@acme.test has opted out of e-mail"


# --- T36: changes, and days on which there is no start ---


def test_T36_what_became_overdue_before_is_not_meant_by_becomes(reception: Reception) -> None:
    workflow = reception.approved(
        trigger={"type": "record_saved"}, conditions=OVERDUE, recurrence="every"
    )
    save(reception, "invoices", 2, status="Overdue")
    reception.installation.worker.work()
    already = "status is “Overdue” already: it starts when it becomes that"
    going = "run R-1 of this workflow is still going on for it"
    assert preview(reception, workflow=workflow) == (
        [],
        {
            "INV-2": f"{going}; {already}",
            "INV-1": "status “Sent” is not equal to “Overdue”",
            "INV-3": "status “Draft” is not equal to “Overdue”",
        },
    )
    told = explain(reception, workflow=workflow, record="INV-2")
    assert (told["would_run"], told["blocked_by"]) == (False, [going, already])
    save(reception, "invoices", 1, status="Overdue")  # as it says, so it happens
    reception.installation.worker.work()
    assert reception.ask("alice", "list_runs", record="INV-1")["total"] == 1


def test_T36_of_a_new_record_becomes_means_what_it_has(reception: Reception) -> None:
    sent = {**OVERDUE, "value": "Sent"}
    document = {**REMIND, "trigger": {"type": "record_created"}, "conditions": sent}
    assert preview(reception, document=document)[0] == ["INV-1", "INV-2"]


def test_T36_a_day_on_which_the_schedule_does_not_start_is_said(reception: Reception) -> None:
    workflow = reception.approved(trigger=MONDAYS)
    given = {"workflow": workflow, "record": "INV-1"}
    told = explain(reception, as_of="2026-03-11", **given)
    never = "its schedule does not start on Wednesday 2026-03-11, but on Monday 2026-03-16"
    assert (told["would_run"], told["blocked_by"]) == (False, [never])
    assert explain(reception, as_of="2026-03-16", **given)["would_run"] is True
    said = reception.ask("alice", "preview_audience", workflow=workflow, as_of="2026-03-11")
    assert said["note"].startswith(never)
    there = reception.ask("alice", "preview_audience", workflow=workflow, as_of="2026-03-16")
    assert "note" not in there
    tried = reception.ask("alice", "test_workflow", workflow=workflow, as_of="2026-03-11")
    assert tried["next"].endswith(f"Mind that {never}.")


def test_T36_a_day_means_the_moment_at_which_the_schedule_starts(reception: Reception) -> None:
    soon = {"field": "created_at", "op": "at_most", "value": "now-1h"}
    daily = {"type": "schedule", "every": "day", "at": "09:00"}
    workflow = reception.approved(trigger=daily, conditions=soon)
    values = {"account": "ACME", "status": "Sent"}
    reception.ask("alice", "write_record", module="invoices", values=values)  # at 09:00
    given = {"workflow": workflow, "record": "INV-4"}
    assert explain(reception, as_of="2026-03-10", **given)["would_run"] is False
    assert explain(reception, as_of="2026-03-11", **given)["would_run"] is True


# --- of all workflows, of customers, of the past ---


def verdicts(told: Answer) -> list[tuple[str, str, bool, str]]:
    return [
        (each["name"], each["record"]["number"], each["would_run"], each["why"])
        for each in told["verdicts"]
    ]


def test_without_a_workflow_all_of_the_module_are_explained(reception: Reception) -> None:
    reception.approved(name="A")
    paused = reception.approved(name="B")
    reception.ask("alice", "toggle_workflow", workflow=paused, active=False)
    reception.drafted(name="C")
    told = explain(reception, record="INV-1")
    assert verdicts(told) == [
        ("A", "INV-1", True, "status “Sent” is equal to “Sent”"),
        ("B", "INV-1", False, "the workflow is switched off, not active"),
        ("C", "INV-1", False, "the workflow is a draft, not active"),
    ]
    assert (told["would_run"], told["why"]) == (True, "“A” would")
    assert explain(reception, record="ACC-1")["record"]["name"] == "ACME"


def test_a_customer_is_explained_by_its_records(reception: Reception) -> None:
    workflow = reception.approved(name="A")
    ended(reception, workflow, "INV-1")
    for given in ({"record": "acme"}, {"record": "ACC-1", "workflow": workflow}):
        told = explain(reception, **given)
        assert verdicts(told) == [
            ("A", "INV-3", False, "status “Draft” is not equal to “Sent”"),
            ("A", "INV-2", True, "status “Sent” is equal to “Sent”"),
            ("A", "INV-1", False, RAN),
        ]
        assert [run["run"] for run in told["runs"]] == [1]


def test_a_record_of_another_module_means_those_of_its_customer(reception: Reception) -> None:
    accounts = {"module": "accounts", "conditions": {"field": "name", "op": "is_not_empty"}}
    workflow = reception.approved(**accounts, steps=[{"id": "n", "type": "add_note", "text": "x"}])
    told = explain(reception, workflow=workflow, record="INV-1")
    assert [each["record"]["number"] for each in told["verdicts"]] == ["ACC-1"]
    other = reception.approved(name="B")
    with pytest.raises(Invalid) as refused:
        explain(reception, workflow=other, record="users/1")
    assert refused.value.problems[0].path == "record"


def test_a_past_moment_is_explained_by_the_values_of_then(
    reception: Reception, clock: Clock
) -> None:
    workflow = reception.approved()
    clock.advance(days=1)
    save(reception, "invoices", 1, status="Paid")
    clock.advance(days=1)
    reception.ask("alice", "run_workflow", workflow=workflow, records=["INV-2"])
    given = {"workflow": workflow, "record": "INV-1"}
    assert explain(reception, **given)["why"] == "status “Paid” is not equal to “Sent”"
    before = explain(reception, as_of="2026-03-10T12:00", **given)
    assert (before["would_run"], before["effects"]) == (True, [])
    other = {"workflow": workflow, "record": "INV-2"}
    assert explain(reception, **other)["would_run"] is False
    assert explain(reception, as_of="2026-03-10T12:00", **other)["would_run"] is True
    long_ago = explain(reception, as_of="2025-01-01", **given)
    assert long_ago["why"] == "there was no such record then"
