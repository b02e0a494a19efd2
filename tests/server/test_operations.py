"""What operations answer and refuse, on both databases, whatever the door."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typing_extensions import TypedDict

from engine.people import audit
from engine.problems import Invalid
from engine.review import decisions
from engine.runs.match import stale
from engine.workflows.library import By, save_draft, submit
from server.access.desk import Desk
from server.access.rights import Refused
from server.operations import people, registry, reviews, runs
from server.operations.registry import OPERATIONS, Answer, Missing
from tests.answers import checked
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.office.reception import REMIND, Reception, furnish, opened


def faults(reception: Reception, operation: str, /, **given: Any) -> list[tuple[str, str]]:
    """Path and remedy of all problems that alice's token hears of."""
    with pytest.raises(Invalid) as refused:
        reception.ask("alice", operation, **given)
    return [(problem.path, problem.remedy) for problem in refused.value.problems]


# --- modules and blocks ---


def test_every_operation_has_words_and_says_what_its_answer_holds() -> None:
    silent = [name for name, it in OPERATIONS.items() if not (it.words and it.answer.__doc__)]
    assert silent == []


def test_an_operation_that_does_not_say_what_it_answers_is_none() -> None:
    def get_rumour(desk: Desk) -> Answer:
        """Tell what people say."""
        raise AssertionError

    with pytest.raises(TypeError, match="get_rumour returns no TypedDict"):
        registry.operation("GET /rumour", scope="records:read")(get_rumour)
    assert "get_rumour" not in OPERATIONS


class Rumour(TypedDict):
    """What people say, and how many of them."""

    said: str
    people: int


@pytest.mark.parametrize(
    "answer", [{"said": "so"}, {"said": "so", "people": "2"}, {"said": "so", "people": 2, "of": 3}]
)
def test_a_type_that_lies_fails_the_tests(answer: Any) -> None:
    def get_rumour(desk: Desk) -> Rumour:
        """Tell what people say."""
        told: Rumour = answer
        return told

    registry.operation("GET /rumour", scope="records:read")(get_rumour)
    asked = checked(OPERATIONS.pop("get_rumour"))
    with pytest.raises(ValidationError):
        asked(None)


def test_no_operation_decides_a_review() -> None:
    words = ("approve", "reject", "decide", "token", "user")
    assert [name for name in OPERATIONS if any(word in name for word in words)] == []


def test_a_module_is_described_with_its_fields_choices_and_links(reception: Reception) -> None:
    (told,) = reception.ask("alice", "describe_modules", modules=["invoices"])["modules"]
    assert told["count"] == 3
    assert told["fields"][0] == {
        "name": "account",
        "type": "reference",
        "kind": "reference",
        "label": "Account",
        "module": "accounts",
    }
    assert told["fields"][2]["options"] == ["Draft", "Sent", "Overdue", "Paid"]


def test_each_named_block_is_described_with_settings_and_an_example(reception: Reception) -> None:
    (told,) = reception.ask("alice", "describe_blocks", types=["wait"])["blocks"]
    assert told["example"] == {"id": "a_week", "type": "wait", "days": 5, "working_days": True}
    assert {"name": "days", "takes": "number", "words": told["settings"][2]["words"]} in told[
        "settings"
    ]
    assert faults(reception, "describe_blocks", types=["wai"]) == [
        ("types", "Did you mean `wait`?")
    ]


# --- records ---


def test_pages_follow_each_other_without_gap_or_repeat_also_over_empty_values(
    reception: Reception,
) -> None:
    for balance in (250.5, None, 7, None):
        values = {"account": "ACME", "balance": balance}
        reception.ask("alice", "write_record", module="invoices", values=values)
    for order, numbers in {
        "balance": [3, 6, 1, 2, 4, 5, 7],
        "-balance": [2, 4, 1, 6, 3, 5, 7],
        "-number": [7, 6, 5, 4, 3, 2, 1],
        "account.name": [1, 2, 3, 4, 5, 6, 7],
    }.items():
        found: list[int] = []
        cursor: str | None = None
        while True:
            given = {"order_by": order, "limit": 2, "cursor": cursor, "fields": ["balance"]}
            page = reception.ask("alice", "search_records", module="invoices", **given)
            assert page["total"] == 7
            found += [row["id"] for row in page["records"]]
            if (cursor := page["cursor"]) is None:
                break
        assert found == numbers, order


def test_a_cursor_of_another_search_is_refused(reception: Reception) -> None:
    page = reception.ask("alice", "search_records", module="invoices", limit=1)
    told = [("cursor", "Leave it out to begin with the first page.")]
    given = {"module": "invoices", "order_by": "balance"}
    assert faults(reception, "search_records", cursor=page["cursor"], **given) == told
    for cursor in ("x", "bnVsbA", "WzFd"):
        assert faults(reception, "search_records", cursor=cursor, module="invoices") == told


def test_records_are_found_by_condition_with_fields_along_references(reception: Reception) -> None:
    where = {"any": [{"field": "balance", "op": "greater_than", "value": 200}]}
    fields = ["status", "account", "account.email"]
    answer = reception.ask("alice", "search_records", module="invoices", where=where, fields=fields)
    assert answer == {
        "records": [
            {
                "id": 2,
                "number": "INV-2",
                "values": {"status": "Sent", "account": 1, "account.email": "ap@acme.test"},
                "names": {"account": "ACME"},
            }
        ],
        "total": 1,
        "cursor": None,
    }


def test_a_search_with_faults_names_each_of_them(reception: Reception) -> None:
    where = {
        "all": [
            {"field": "balanse", "op": "equals", "value": 1},
            {"field": "status", "op": "less_than", "value": "Sent"},
        ]
    }
    found = faults(reception, "search_records", module="invoices", where=where)
    assert [path for path, _ in found] == ["where.all.0.field", "where.all.1.op"]
    assert found[0][1] == "Did you mean `balance`?"
    assert (
        faults(reception, "search_records", module="invoices", where={"feld": "x"})[0][0] == "where"
    )
    assert (
        faults(reception, "search_records", module="invoices", order_by="tags")[0][0] == "order_by"
    )


def test_a_write_tells_what_it_starts_and_the_worker_starts_just_that(reception: Reception) -> None:
    trigger = {"type": "record_modified", "fields": ["status"]}
    asked = {"field": "status", "op": "changed_to", "value": "Paid"}
    workflow = reception.approved(trigger=trigger, conditions=asked, recurrence="once")

    def change(**values: Any) -> Any:
        given = {"module": "invoices", "record": "INV-1", "values": values}
        return reception.ask("alice", "write_record", **given)["started"]

    starts = [{"workflow": workflow, "name": "Invoices - Remind"}]
    assert [change(balance=5), change(status="Paid")] == [[], starts]
    reception.installation.worker.work()
    assert [change(status="Sent"), change(status="Paid")] == [[], []]
    reception.installation.worker.work()
    assert reception.ask("alice", "list_runs")["total"] == 1


def test_a_write_that_changes_nothing_starts_nothing_unless_its_event_is_forced(
    reception: Reception,
) -> None:
    noting = {"trigger": {"type": "record_saved"}, "steps": [REMIND["steps"][2]]}
    workflow = reception.approved(**noting, recurrence="every")

    def same(**more: Any) -> Any:
        given = {"module": "invoices", "record": "INV-1", "values": {"status": "Sent"}, **more}
        return reception.ask("alice", "write_record", **given)["started"]

    assert same() == []
    assert same(force_event=True) == [{"workflow": workflow, "name": "Invoices - Remind"}]
    reception.installation.worker.work()
    assert reception.ask("alice", "list_runs")["total"] == 1


def test_a_token_changes_no_users_and_sees_nothing_of_sensitive_modules(
    reception: Reception,
) -> None:
    with pytest.raises(Refused, match="No token may change users"):
        reception.ask("root", "write_record", module="users", values={"username": "x"})
    for operation in ("search_records", "get_record", "write_record", "describe_modules"):
        given: dict[str, Any] = {"module": "employees", "record": 1, "values": {}}
        known = OPERATIONS[operation].names
        given = {key: value for key, value in given.items() if key in known}
        with pytest.raises(Missing, match="no module `employees`"):
            reception.ask("alice", operation, **given or {"modules": ["employees"]})
    assert reception.ask("root", "get_record", module="employees", record=1)["number"] == "EMP-1"
    document = {**REMIND, "module": "employees", "conditions": {"all": []}}
    assert [path for path, _ in faults(reception, "draft_workflow", document=document)] == [
        "module"
    ]


# --- drafts ---


def test_a_draft_is_saved_with_its_problems_and_each_names_its_step(reception: Reception) -> None:
    broken = [{**REMIND["steps"][0], "subject": "{{ record.numbr }}"}, {"id": "x", "type": "wayt"}]
    drafted = reception.drafted(steps=broken)
    assert (drafted["workflow"], drafted["revision"], drafted["state"]) == (1, 1, "draft")
    assert drafted["problems"] == [
        {
            "path": "steps.1.type",
            "message": "there is no type `wayt`.",
            "remedy": "Did you mean `wait`?",
            "step": "x",
        }
    ]
    assert drafted["next"] == (
        "Correct the problems with edit_workflow (revision 1), "
        "or send all anew with draft_workflow (workflow 1)."
    )
    edits = [{"op": "remove", "step": "x"}]
    edited = reception.ask("alice", "edit_workflow", workflow=1, revision=1, edits=edits)
    assert [(p["path"], p["remedy"], p["step"]) for p in edited["problems"]] == [
        ("steps.0.subject", "Did you mean `number`?", "polite")
    ]
    assert edited["audience"] is None


def test_a_sound_draft_tells_whom_it_means_and_what_comes_next(reception: Reception) -> None:
    drafted = reception.drafted()
    meant = {"count": 2, "runs": 2, "suppressed": 0, "first": ["INV-1", "INV-2"]}
    audience = {"units": "2 invoices, 1 customer, 2 mails", **meant}
    assert (drafted["problems"], drafted["audience"]) == ([], audience)
    assert drafted["next"] == (
        "See what it would do with test_workflow, then submit_workflow (revision 1): "
        "a person has to approve it."
    )


def test_a_document_may_come_as_text(reception: Reception) -> None:
    text = '{"name": "x", "module": "invoices"}'
    assert reception.ask("alice", "draft_workflow", document=text)["workflow"] == 1
    told = faults(reception, "draft_workflow", document='{"name": ')
    assert [path for path, _ in told] == ["document"]


@pytest.mark.parametrize(
    "odd", ["a\x00b", "half \ud800", float("nan"), float("inf"), 10**30, {"in": ["a\x00"]}]
)
def test_what_no_database_can_keep_is_refused(reception: Reception, odd: Any) -> None:
    with pytest.raises(Invalid, match=r"kept|finite"):
        reception.drafted(description=odd)


def test_what_is_nested_too_deeply_is_refused(reception: Reception) -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"not": deep}
    with pytest.raises(Invalid, match="nested too deeply"):
        reception.drafted(conditions=deep)


def test_who_edits_an_old_revision_is_told_to_read_again(reception: Reception) -> None:
    reception.drafted()
    edits = [{"op": "set", "key": "name", "value": "Other"}]
    reception.ask("alice", "edit_workflow", workflow=1, revision=1, edits=edits)
    told = [("revision", "Read it with get_workflow, then edit what is there.")]
    assert faults(reception, "edit_workflow", workflow=1, revision=1, edits=edits) == told


# --- approval ---


def test_a_submitted_version_waits_for_a_person_and_nothing_switches_it_on(
    reception: Reception,
) -> None:
    reception.drafted()
    on = {"workflow": 1, "active": True}
    unsubmitted = reception.ask("alice", "toggle_workflow", **on)
    submitted = reception.ask("alice", "submit_workflow", workflow=1, revision=1, note="Please.")
    assert submitted == {
        "workflow": 1,
        "version": 1,
        "state": "in_review",
        "link": "http://127.0.0.1:8000/reviews/1",
        "next": "Give the link to a person who may approve; no tool can. It runs once approved.",
    }
    waiting = reception.ask("alice", "toggle_workflow", **on)
    assert (unsubmitted["state"], unsubmitted["link"][-12:]) == ("pending_approval", "/workflows/1")
    assert (waiting["state"], waiting["link"]) == ("pending_approval", submitted["link"])
    with pytest.raises(Invalid, match="in review, so it starts nothing"):
        reception.ask("alice", "run_workflow", workflow=1, records=[1])


def test_only_a_person_with_the_role_decides_and_not_on_their_own_work(
    reception: Reception,
) -> None:
    reception.drafted()
    reception.ask("alice", "submit_workflow", workflow=1, revision=1)
    hash = reception.proposal("bob", 1).row.hash
    everything = reception.agents_desk("bob")
    forged = Desk(
        reception.installation,
        reception.desk("bob").who.__class__(
            "bob", everything.who.roles, frozenset({"reviews:decide"})
        ),
    )
    for desk in (everything, forged, reception.desk("alice"), reception.desk("root")):
        with pytest.raises(Refused):
            reviews.approve(desk, 1, hash)
        with pytest.raises(Refused):
            reviews.reject(desk, 1, hash, "no")
    assert reception.proposal("alice", 1).obstacle == "role"
    assert reception.proposal("bob", 1).obstacle == ""
    with pytest.raises(Invalid, match="changed since you opened it"):
        reviews.approve(reception.desk("bob"), 1, "0" * 64)
    assert reviews.approve(reception.desk("bob"), 1, hash)["state"] == "approved"


def test_a_rejected_version_goes_back_with_the_reason(reception: Reception) -> None:
    reception.drafted()
    reception.ask("alice", "submit_workflow", workflow=1, revision=1)
    bob = reception.desk("bob")
    hash = reception.proposal("bob", 1).row.hash
    with pytest.raises(Invalid, match="needs a reason"):
        reviews.reject(bob, 1, hash, " ")
    reviews.reject(bob, 1, hash, "Too many mails.")
    told = reception.ask("alice", "get_workflow", workflow=1)
    assert (told["state"], told["versions"][0]["comment"]) == ("draft", "Too many mails.")


def test_the_difference_to_an_approved_version_is_told_in_words(reception: Reception) -> None:
    workflow = reception.approved()
    edits = [
        {"op": "set", "step": "polite", "key": "subject", "value": "Pay!"},
        {"op": "remove", "step": "note"},
    ]
    revision = reception.ask("alice", "get_workflow", workflow=workflow)["revision"]
    given = {"workflow": workflow, "revision": revision, "edits": edits}
    edited = reception.ask("alice", "edit_workflow", **given)
    assert edited["next"].endswith("Version 1 runs until then.")
    told = reception.ask("alice", "get_workflow", workflow=workflow, compare_to=1)
    assert [(each["sign"], each["step"]) for each in told["diff"]] == [
        ("changed", "polite"),
        ("removed", "note"),
    ]
    with pytest.raises(Missing):
        reception.ask("alice", "get_workflow", workflow=workflow, compare_to=9)


def test_a_workflow_goes_off_at_once_and_on_again_as_it_was_approved(reception: Reception) -> None:
    workflow = reception.approved()
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1])
    reception.installation.worker.work()

    def toggled(active: bool) -> tuple[str, str]:
        state = reception.ask("alice", "toggle_workflow", workflow=workflow, active=active)["state"]
        (run,) = reception.ask("alice", "list_runs", workflow=workflow)["runs"]
        return state, run["state"]

    assert [toggled(False), toggled(False), toggled(True), toggled(True)] == [
        ("paused", "paused"),
        ("paused", "paused"),
        ("active", "waiting"),
        ("active", "waiting"),
    ]


def test_an_approver_may_switch_off_but_not_draft_and_a_viewer_neither(
    reception: Reception,
) -> None:
    workflow = reception.approved()
    off = {"workflow": workflow, "active": False}
    with pytest.raises(Refused):
        reception.ask("vera", "toggle_workflow", **off)
    with pytest.raises(Refused):
        reception.ask("bob", "draft_workflow", document=REMIND)
    assert reception.ask("bob", "toggle_workflow", **off)["state"] == "paused"


def test_what_was_archived_stays_away(reception: Reception) -> None:
    workflow = reception.approved()
    reception.ask("alice", "archive_workflow", workflow=workflow)
    assert reception.ask("alice", "list_workflows")["workflows"] == []
    assert faults(reception, "toggle_workflow", workflow=workflow, active=True) == [
        ("workflow", "Draft a new workflow instead.")
    ]


# --- trials ---


def test_a_dry_run_tells_each_mail_in_full_and_does_nothing(reception: Reception) -> None:
    told = reception.ask("alice", "test_workflow", document=REMIND, records=["INV-1", 3])
    first, second = told["records"]
    assert (first["matches"], second["matches"]) == (True, False)
    assert second["why"] == "status “Draft” is not equal to “Sent”"
    mail = first["effects"][0]
    assert mail["effect"]["to"] == ["ap@acme.test"]
    assert (mail["effect"]["subject"], mail["effect"]["text"]) == (
        "Invoice INV-1",
        "Please pay 100.00.",
    )
    assert reception.ask("alice", "search_records", module="emails")["total"] == 0
    assert reception.ask("alice", "list_runs")["total"] == 0


def test_a_trial_of_a_faulty_document_tells_its_faults(reception: Reception) -> None:
    given = {"document": {**REMIND, "group_by": "acount"}}
    for operation in ("test_workflow", "preview_audience"):
        assert faults(reception, operation, **given)[0][0] == "document.group_by"
        assert faults(reception, operation) == [("workflow", "One of them, not both.")]


def test_the_audience_is_who_is_in_who_is_out_and_who_is_suppressed(reception: Reception) -> None:
    values = {"name": "Silent", "email": "s@silent.test", "email_opt_out": True}
    reception.ask("alice", "write_record", module="accounts", values=values)
    invoice = {"account": "Silent", "status": "Sent"}
    reception.ask("alice", "write_record", module="invoices", values=invoice)
    told = reception.ask("alice", "preview_audience", document=REMIND)
    assert [row["number"] for row in told["records"]] == ["INV-1", "INV-2", "INV-4"]
    assert [(row["number"], row["why"]) for row in told["out"]] == [
        ("INV-3", "status “Draft” is not equal to “Sent”")
    ]
    assert [row["id"] for row in told["suppressed"]] == [4]
    assert told["count"] == 3


def test_explain_goes_condition_by_condition_and_tells_what_else_keeps_it(
    reception: Reception,
) -> None:
    workflow = reception.approved()

    def why(record: str) -> tuple[bool, str]:
        told = reception.ask("alice", "explain", workflow=workflow, record=record)
        return told["would_run"], told["why"]

    assert why("INV-3") == (False, "status “Draft” is not equal to “Sent”")
    assert why("INV-1") == (True, "status “Sent” is equal to “Sent”")
    reception.ask("alice", "run_workflow", workflow=workflow, records=["INV-1"])
    assert why("INV-1") == (False, "run R-1 of this workflow is still going on for it")
    reception.ask("alice", "toggle_workflow", workflow=workflow, active=False, running="stop")
    assert why("INV-1") == (
        False,
        "the workflow is switched off, not active; it ran less than 7 days ago",
    )


# --- runs ---


def test_by_hand_only_what_fits_starts_and_the_rest_says_why(reception: Reception) -> None:
    workflow = reception.approved()
    given = {"workflow": workflow, "records": ["INV-1", "INV-3"]}
    dry = reception.ask("alice", "run_workflow", dry=True, **given)
    assert [one["number"] for one in dry["would_start"]] == ["INV-1"]
    assert reception.ask("alice", "list_runs")["total"] == 0
    told = reception.ask("alice", "run_workflow", **given)
    out = {"id": 3, "number": "INV-3", "why": "status “Draft” is not equal to “Sent”"}
    assert told["started"] == [{"run": 1, "id": 1, "number": "INV-1"}]
    assert told["not_started"] == [out]
    everything = {"field": "id", "op": "greater_than", "value": 0}
    again = reception.ask("alice", "run_workflow", workflow=workflow, where=everything)
    assert [one["number"] for one in again["started"]] == ["INV-2"]
    assert {one["number"]: one["why"] for one in again["not_started"]} == {
        "INV-1": "run R-1 of this workflow is still going on for it",
        "INV-3": out["why"],
    }


def test_T11_a_dry_run_by_hand_tells_what_the_recurrence_refuses_as_the_real_one_does(
    reception: Reception,
) -> None:
    workflow = reception.approved()
    given = {"workflow": workflow, "records": ["INV-1", "INV-3"]}
    reception.ask("alice", "run_workflow", **given)
    reception.ask("alice", "toggle_workflow", workflow=workflow, active=False, running="stop")
    reception.ask("alice", "toggle_workflow", workflow=workflow, active=True)
    dry = reception.ask("alice", "run_workflow", dry=True, **given)
    real = reception.ask("alice", "run_workflow", **given)
    assert (dry["would_start"], dry["not_started"]) == (real["started"], real["not_started"])
    assert {one["number"]: one["why"] for one in dry["not_started"]} == {
        "INV-1": "it ran less than 7 days ago",
        "INV-3": "status “Draft” is not equal to “Sent”",
    }


def test_T11_explain_asks_the_recurrence_for_the_day_that_is_asked_about(
    reception: Reception,
) -> None:
    workflow = reception.approved()
    reception.ask("alice", "run_workflow", workflow=workflow, records=["INV-1"])
    reception.ask("alice", "toggle_workflow", workflow=workflow, active=False, running="stop")
    reception.ask("alice", "toggle_workflow", workflow=workflow, active=True)
    given = {"workflow": workflow, "record": "INV-1"}
    assert reception.ask("alice", "explain", **given)["would_run"] is False
    later = reception.ask("alice", "explain", as_of="today+1y", **given)
    assert (later["blocked_by"], later["would_run"]) == ([], True)


def test_a_run_by_hand_takes_groups_together_and_names_the_person(reception: Reception) -> None:
    trigger = {"type": "schedule", "every": "day", "at": "09:00"}
    workflow = reception.approved(trigger=trigger, group_by="account", recurrence="every")
    told = reception.ask("alice", "run_workflow", workflow=workflow, records=[1, 2])
    assert [one["run"] for one in told["started"]] == [1]
    story = reception.ask("alice", "get_run", run="R-1")
    assert (story["record"]["members"], story["actor"]) == ([1, 2], "alice")
    again = reception.ask("alice", "run_workflow", workflow=workflow, records=[1, 2])
    assert (again["started"], [one["id"] for one in again["not_started"]]) == ([], [1, 2])


def test_runs_are_listed_with_where_they_stand_and_told_step_by_step(reception: Reception) -> None:
    workflow = reception.approved()
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1, 2])
    reception.installation.worker.work()
    listed = reception.ask("alice", "list_runs", workflow=workflow)
    assert listed["steps"] == {"a_week": 2}
    assert listed["runs"][1] == {
        "run": 1,
        "workflow": workflow,
        "name": "Invoices - Remind",
        "version": 1,
        "record": {"module": "invoices", "id": 1, "number": "INV-1", "name": "INV-1"},
        "state": "waiting",
        "standing": "waiting",
        "step": "a_week",
        "does": "Wait 7 days",
        "since": "2026-03-10T08:00:00+00:00",
        "next_at": "2026-03-17T08:00:00+00:00",
        "started_at": "2026-03-10T08:00:00+00:00",
        "ended_at": None,
        "reason": "",
    }
    story = reception.ask("alice", "get_run", run=1)["story"]
    assert [(entry["step"], entry["outcome"]) for entry in story] == [
        ("polite", "done"),
        ("a_week", "sleeping"),
    ]
    assert story[0]["effect"]["subject"] == "Invoice INV-1"
    found = {
        "record": reception.ask("alice", "list_runs", record="INV-2")["total"],
        "step": reception.ask("alice", "list_runs", step="polite")["total"],
        "state": reception.ask("alice", "list_runs", state="waiting")["total"],
        "since": reception.ask("alice", "list_runs", since="tomorrow")["total"],
    }
    assert found == {"record": 1, "step": 0, "state": 2, "since": 0}
    with pytest.raises(Missing):
        reception.ask("alice", "get_run", run="R-99")


@pytest.mark.parametrize("arrived", [True, False])
def test_a_mail_of_which_nobody_knows_is_decided_by_a_person(
    template_database: TemplateDatabase,
    clock: Clock,
    tmp_path: Path,
    mailbox: MailServer,
    arrived: bool,
) -> None:
    pair = template_database("reception", furnish)
    with opened(pair, clock, tmp_path, smtp_url=mailbox.url) as reception:
        workflow = reception.approved()
        mailbox.loses_answers = True
        reception.ask("alice", "run_workflow", workflow=workflow, records=[1])
        reception.installation.worker.work()
        mailbox.loses_answers = False
        waiting = reception.ask("alice", "get_run", run=1)
        assert (waiting["standing"], waiting["story"][0]["outcome"]) == ("unknown", "unknown")
        with pytest.raises(Refused):
            runs.decide_run(reception.desk("alice"), 1, arrived)
        runs.decide_run(reception.desk("bob"), 1, arrived)
        reception.installation.worker.work()
        decided = reception.ask("alice", "get_run", run=1)
        told = [(entry["outcome"], entry.get("by", "")) for entry in decided["story"]]
        said = [("arrived", "bob")] if arrived else [("repeated", "bob"), ("done", "")]
        assert told == [("unknown", ""), *said, ("sleeping", "")]
        assert len(mailbox.received) == (1 if arrived else 2)
        assert reception.ask("alice", "list_alerts")["alerts"] == []
        with pytest.raises(Invalid, match="does not wait for anybody"):
            runs.decide_run(reception.desk("bob"), 1, arrived)


# --- the rest ---


def test_alerts_come_with_cause_remedy_and_the_health_of_the_house(reception: Reception) -> None:
    told = reception.ask("alice", "list_alerts")
    assert told["alerts"] == []
    assert told["health"]["status"] == "failing"
    assert told["health"]["worker"]["why"].startswith("no worker has given a sign of life")
    assert told["health"]["mail"]["mode"] == "captured"


def test_what_is_done_is_noted_with_person_and_token(reception: Reception) -> None:
    reception.approved()
    with reception.installation.database.read() as tx:
        noted = [(row.actor, row.token, row.verb, row.object) for row in audit.listed(tx)]
    assert noted == [
        ("bob", None, "approve", "workflow/1"),
        ("alice", "a test", "submit workflow", "workflow/1"),
        ("alice", "a test", "draft workflow", "workflow/1"),
    ]


def test_tokens_are_made_by_people_for_themselves(reception: Reception) -> None:
    alice = reception.desk("alice")
    made = people.make_token(alice, "My client", ["records:read", "audit:read"])
    assert made["beyond"] == ["audit:read"]
    with pytest.raises(Invalid, match="cannot make tokens"):
        people.make_token(reception.agents_desk("alice"), "More", ["records:read"])
    (token,) = [one for one in people.list_tokens(alice)["tokens"] if one["label"] == "My client"]
    with pytest.raises(Missing):
        people.end_token(reception.desk("vera"), token["token"])
    people.end_token(alice, token["token"])
    assert {one["label"]: one["live"] for one in people.list_tokens(alice)["tokens"]} == {
        "My client": False,
        "a test": True,
    }


def test_every_unknown_or_malformed_parameter_is_told_at_once(reception: Reception) -> None:
    given = {"modul": "x", "limit": "many", "fields": 3}
    assert faults(reception, "search_records", **given) == [
        (
            "module",
            "Parameters: `module`, `where`, `fields`, `order_by`, `limit`, `cursor`, `text`.",
        ),
        ("fields.0", "It is 3 now."),
        ("limit", "It is 'many' now."),
        ("modul", "Did you mean `module`?"),
    ]


def test_an_admin_makes_modules_and_fields_that_work_at_once(reception: Reception) -> None:
    fields = [
        {"name": "name", "type": "text"},
        {"name": "size", "type": "picklist", "options": ["S"]},
    ]
    made = reception.ask("root", "create_module", definition={"name": "gadgets", "fields": fields})
    assert made["module"]["numbering"] == "GAD-{n}"
    reception.ask("root", "add_field", module="gadgets", field={"name": "price", "type": "money"})
    options = {"options": ["S", "M"]}
    reception.ask("root", "change_field", module="gadgets", field="size", changes=options)
    values = {"name": "Lamp", "price": 9.5, "size": "M"}
    written = reception.ask("alice", "write_record", module="gadgets", values=values)
    assert {key: written["values"][key] for key in values} == values
    with pytest.raises(Refused):
        reception.ask("alice", "create_module", definition={"name": "more"})


def test_faults_of_a_module_definition_are_told(reception: Reception) -> None:
    def told(operation: str, **given: Any) -> list[str]:
        with pytest.raises(Invalid) as refused:
            reception.ask("root", operation, **given)
        return [problem.path for problem in refused.value.problems]

    assert told("create_module", definition={"name": "Bad Name"}) == ["name"]
    assert told("create_module", definition={"name": "x", "colour": "red"}) == ["colour"]
    assert told("create_module", definition={"name": "invoices"}) == ["name"]
    bad = {"name": "n", "type": "int", "default": "many"}
    assert told("add_field", module="invoices", field=bad) == ["default"]
    assert told("add_field", module="invoices", field={"name": "status", "type": "text"})
    assert told("change_module", module="invoices", changes={"fields": []}) == ["fields"]
    none: dict[str, Any] = {"options": [], "default": None}
    assert told("change_field", module="invoices", field="status", changes=none) == ["options"]
    few = {"options": ["Sent"]}
    assert told("change_field", module="invoices", field="status", changes=few) == ["default"]


def test_T3_the_words_of_a_draft_are_the_engines_alone(reception: Reception) -> None:
    lie = "Sends nothing: safe to approve."
    labelled = [{**step, "label": lie} for step in REMIND["steps"]]
    plain = reception.drafted(name="Plain")
    lied = reception.drafted(name="Lied", description=lie, category=lie, steps=labelled)
    assert lied["words"] == plain["words"]
    assert lied["may"] == plain["may"]
    read = reception.ask("alice", "get_workflow", workflow=lied["workflow"])
    tried = reception.ask("alice", "test_workflow", workflow=lied["workflow"])
    assert lie not in str((read["words"], read["may"], tried))


def test_T1_what_it_may_do_is_told_with_a_draft_and_a_workflow(reception: Reception) -> None:
    told = ["mail its account", "mail boss@x.test"]
    mail = {"id": "mail", "type": "send_email", "subject": "Late", "body": "Pay."}
    to = ["{{ record.account.email|default('boss@x.test') }}"]
    drafted = reception.drafted(steps=[{**mail, "to": to}])
    assert [each for each in drafted["may"] if each.startswith("mail ")] == told
    read = reception.ask("alice", "get_workflow", workflow=drafted["workflow"])
    assert read["may"] == drafted["may"]
    computed = reception.drafted(
        steps=[{**mail, "to": ["{{ record.account.email|replace_text('@', '@evil.') }}"]}]
    )
    assert [problem["path"] for problem in computed["problems"]] == ["steps.0.to.0"]
    assert computed["may"][0].endswith(", as computed")


def test_what_a_started_workflow_does_with_hidden_modules_counts_whoever_submits(
    reception: Reception,
) -> None:
    about = {"name": "Second", "module": "invoices", "trigger": {"type": "manual"}}
    eve = {"module": "employees", "where": {"field": "name", "op": "equals", "value": "Eve"}}
    pay = {"id": "pay", "type": "update_fields", "find": eve, "values": {"salary": 6000}}
    by_hand = {**about, "steps": [pay]}
    with reception.installation.database.begin() as tx:
        row = save_draft(tx, by_hand, By("alice"))
        version = submit(tx, row.id, 1, "", By("alice"), reception.installation.unsafe, None)
        library = reception.installation.library
        decisions.approve(tx, library, version.id, version.hash, By("bob"), "")
    go = {"id": "go", "type": "run_workflow", "workflow": "Second"}
    first = reception.approved(steps=[go])
    with reception.installation.database.begin() as tx:
        assert not stale(tx, library.live(tx)[first])
