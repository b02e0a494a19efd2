"""Runs from their first change to their end, on both databases, with real mail and web servers."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import func, select, update

from engine.records.tables import EVENTS, RUNS
from engine.runs import store
from engine.runs.performing import Performer
from engine.runs.run import Run
from engine.runs.switching import switch_off
from engine.runs.worker import Worker
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import Answer, MailServer, Request, WebServer, http_server, web_server
from tests.stages.office.office import Office, prepare

NOTE = {"id": "log", "type": "add_note", "text": "Seen {{ record.number }}"}
SAVED = {"type": "record_saved"}
CREATED = {"type": "record_created"}
DAILY = {"type": "schedule", "every": "day", "at": "09:00"}
OWES = {"field": "balance", "op": "greater_than", "value": 0}
SENT = {"field": "status", "op": "equals", "value": "Sent"}
VISIT = {
    "id": "visit",
    "type": "update_fields",
    "record": "account",
    "values": {"visits": "{{ record.account.visits|default(0) + 1 }}"},
}
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database("office", prepare).database_url


@pytest.fixture
def office(url: str, clock: Clock, mailbox: MailServer) -> Iterator[Office]:
    with Office.at(url, clock.now, mailbox.url) as office:
        yield office


def work(office: Office) -> None:
    office.worker.work()


# --- how often ---


def test_every_change_starts_a_run_of_its_own(office: Office) -> None:
    office.activate(trigger=SAVED, conditions=SENT, steps=[NOTE])
    id = office.create("invoices", status="Sent")
    office.update("invoices", id, memo="a")
    office.update("invoices", id, memo="b")
    work(office)
    assert office.runs() == ["done: finished"] * 3


def test_a_change_starts_nothing_while_the_run_of_an_earlier_one_waits(office: Office) -> None:
    office.activate(trigger=SAVED, steps=[{"id": "rest", "type": "wait", "days": 1}, NOTE])
    id = office.create("invoices")
    work(office)
    office.update("invoices", id, memo="a")
    work(office)
    assert office.runs() == ["waiting"]


def test_a_save_that_changes_nothing_starts_nothing(office: Office) -> None:
    office.activate(trigger=SAVED, steps=[NOTE])
    id = office.create("invoices", memo="a")
    office.update("invoices", id, memo="a")
    work(office)
    assert office.runs() == ["done: finished"]


def test_once_is_once_for_ever(office: Office, clock: Clock) -> None:
    office.activate(trigger=SAVED, recurrence="once", steps=[NOTE])
    id = office.create("invoices")
    for memo in "abc":
        work(office)
        clock.advance(days=40)
        office.update("invoices", id, memo=memo)
    work(office)
    assert office.runs() == ["done: finished"]


def test_an_episode_begins_when_the_conditions_become_true(office: Office) -> None:
    office.activate(trigger=SAVED, conditions=SENT, recurrence="episode", steps=[NOTE])
    id = office.create("invoices")
    for status in ("Sent", "Sent", "Overdue", "Paid", "Sent"):
        office.update("invoices", id, status=status, memo=status)
        office.update("invoices", id, memo=f"{status} again")
    work(office)
    assert office.runs() == ["done: finished"] * 2


def test_an_episode_ends_and_begins_within_one_batch_as_it_does_in_several(office: Office) -> None:
    office.activate(trigger=SAVED, conditions=SENT, recurrence="episode", steps=[NOTE])
    one, two = office.create("invoices"), office.create("invoices")
    for status in ("Sent", "Paid", "Sent", "Paid"):
        office.update("invoices", one, status=status)
    work(office)
    for status in ("Sent", "Paid", "Sent", "Paid"):
        office.update("invoices", two, status=status)
        work(office)
    with office.database.read() as tx:
        query = select(RUNS.c.occasion).order_by(RUNS.c.record, RUNS.c.id)
        assert list(tx.db.scalars(query)) == ["episode 1", "episode 2"] * 2


def test_every_seven_days_is_at_most_once_in_seven_days(office: Office, clock: Clock) -> None:
    office.activate(trigger=SAVED, recurrence={"every_days": 7}, steps=[NOTE])
    id = office.create("invoices")
    started = []
    for day in range(15):
        before = len(office.runs())
        office.update("invoices", id, memo=f"day {day}")
        work(office)
        started += [day] * (len(office.runs()) - before)
        clock.advance(days=1)
    assert started == [0, 7, 14]


def test_after_finish_counts_from_the_end_of_the_last_run(office: Office, clock: Clock) -> None:
    rest = {"id": "rest", "type": "wait", "days": 2}
    office.activate(trigger=SAVED, recurrence={"after_finish_days": 4}, steps=[rest, NOTE])
    id = office.create("invoices")
    started = []
    for day in range(14):
        before = len(office.runs())
        office.update("invoices", id, memo=f"day {day}")
        work(office)
        started += [day] * (len(office.runs()) - before)
        clock.advance(days=1)
    assert started == [0, 6, 12]


DAYS_STARTED: list[tuple[Any, list[int]]] = [
    ("every", [0, 1, 2, 5, 6, 7, 8]),
    ("once", [0]),
    ("episode", [0, 5]),
    ({"every_days": 3}, [0, 5, 8]),
    ({"after_finish_days": 2}, [0, 2, 5, 7]),
]


@pytest.mark.parametrize(("recurrence", "days"), DAYS_STARTED)
def test_a_schedule_starts_records_as_often_as_the_recurrence_says(
    office: Office, clock: Clock, recurrence: Any, days: list[int]
) -> None:
    id = office.create("invoices", status="Sent")
    office.activate(trigger=DAILY, conditions=SENT, recurrence=recurrence, steps=[NOTE])
    started = []
    for day in range(9):
        office.update("invoices", id, status="Paid" if day in (3, 4) else "Sent")
        before = len(office.runs())
        clock.advance(days=1)
        work(office)
        started += [day] * (len(office.runs()) - before)
    assert started == days


def test_a_schedule_can_take_the_records_of_an_account_together(
    office: Office, clock: Clock
) -> None:
    globex = office.create("accounts", name="Globex", email="pay@globex.test")
    for account in (1, 1, globex, None):
        office.create("invoices", account=account, status="Sent")
    text = "{% for invoice in records %}{{ invoice.number }} {% endfor %}"
    note = {**NOTE, "text": text}
    office.activate(trigger=DAILY, conditions=SENT, group_by="account", steps=[note])
    clock.advance(days=1)
    work(office)
    assert sorted(office.rows("notes", "text")) == [("INV-1 INV-2",), ("INV-3",), ("INV-4",)]


# --- when ---


def test_a_schedule_fires_each_occasion_once(office: Office, clock: Clock) -> None:
    office.create("invoices", status="Sent")
    office.activate(trigger=DAILY, steps=[NOTE])
    for _ in range(48):
        clock.advance(hours=1)
        work(office)
        work(office)
    assert office.runs() == ["done: finished"] * 2


def test_an_occasion_that_was_slept_through_is_made_up_for_within_six_hours(
    office: Office, clock: Clock
) -> None:
    office.create("invoices", status="Sent")
    office.activate(trigger=DAILY, steps=[NOTE])
    clock.advance(days=1, hours=5)
    work(office)
    assert (office.runs(), office.alerts()) == (["done: finished"], [])


def test_an_occasion_long_past_is_told_and_not_made_up_for(office: Office, clock: Clock) -> None:
    office.create("invoices", status="Sent")
    office.activate(trigger=DAILY, steps=[NOTE])
    clock.advance(days=1, hours=7)
    work(office)
    assert (office.runs(), office.alerts()) == ([], ["missed"])
    clock.advance(hours=17)
    work(office)
    assert office.runs() == ["done: finished"]


@pytest.mark.parametrize(
    ("before", "due"),
    [
        (datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
    ids=["skipped", "doubled"],
)
def test_a_time_that_the_clocks_skip_or_repeat_comes_once(
    office: Office, clock: Clock, before: datetime, due: datetime
) -> None:
    clock.set(before)
    office.create("invoices", status="Sent")
    office.activate(trigger={**DAILY, "at": "02:30"}, steps=[NOTE])
    fired: list[datetime] = []
    while clock.now() < before + timedelta(hours=20):
        clock.advance(minutes=30)
        work(office)
        fired += [clock.now()] * (len(office.runs()) - len(fired))
    assert fired == [due]


def test_a_schedule_that_cannot_be_asked_holds_up_no_other(office: Office, clock: Clock) -> None:
    office.activate(trigger=DAILY, name="Broken", conditions=SENT, steps=[NOTE])
    office.activate(trigger=DAILY, steps=[NOTE])
    office.create("invoices", status="Draft")
    _take_away_the_choice_sent(office)
    clock.advance(days=1)
    work(office)
    assert (office.runs(), office.alerts()) == (["done: finished"], ["failed"])


def _take_away_the_choice_sent(office: Office) -> None:
    """It is no type, so the workflows that name it are not stale, but can no longer be asked."""
    with office.database.begin() as tx:
        module = tx.schema.module("invoices")
        fields = [
            field.model_copy(update={"options": ("Draft",)}) if field.options else field
            for field in module.fields
        ]
        office.database.save_module(tx, module.model_copy(update={"fields": tuple(fields)}))


def test_a_wait_outlives_the_process_and_keeps_the_time_of_day(
    office: Office, clock: Clock, url: str
) -> None:
    clock.set(datetime(2026, 3, 27, 9, tzinfo=UTC))  # the clocks change on the 29th
    office.activate(trigger=CREATED, steps=[{"id": "rest", "type": "wait", "days": 3}, NOTE])
    office.create("invoices")
    work(office)
    with Office.at(url, clock.now) as other:
        clock.set(datetime(2026, 3, 30, 7, 59, tzinfo=UTC))
        work(other)
        assert (other.runs(), other.worker.next_due()) == (
            ["waiting"],
            datetime(2026, 3, 30, 8, tzinfo=UTC),
        )
        clock.advance(minutes=1)
        work(other)
        assert other.runs() == ["done: finished"]


def test_a_wait_of_working_days_leaves_out_the_weekend(office: Office, clock: Clock) -> None:
    clock.set(datetime(2026, 3, 12, 9, tzinfo=UTC))  # a Thursday
    rest = {"id": "rest", "type": "wait", "days": 2, "working_days": True}
    office.activate(trigger=CREATED, steps=[rest, NOTE])
    office.create("invoices")
    work(office)
    assert office.worker.next_due() == datetime(2026, 3, 16, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "story"),
    [({}, ["rest: skipped"]), ({"when_empty": "go_on"}, ["rest: skipped", "log: done"])],
    ids=["stops", "goes on"],
)
def test_a_wait_for_a_date_that_is_empty_is_skipped(
    office: Office, more: dict[str, str], story: list[str]
) -> None:
    rest = {"id": "rest", "type": "wait", "until": "due_date", **more}
    office.activate(trigger=CREATED, steps=[rest, NOTE])
    office.create("invoices")
    work(office)
    assert office.story() == story


# --- when it is over ---


def test_what_was_paid_meanwhile_is_not_chased(office: Office, clock: Clock) -> None:
    rest = {"id": "rest", "type": "wait", "days": 5}
    office.activate(trigger=CREATED, conditions=OWES, steps=[rest, NOTE])
    id = office.create("invoices", balance=100)
    work(office)
    office.update("invoices", id, balance=0)
    clock.advance(days=5)
    work(office)
    (said,) = office.runs()
    assert said.startswith("stopped: no longer applies: ")
    assert "balance" in said
    assert office.story() == ["rest: done"]


def test_what_was_paid_while_a_call_failed_is_not_called_again(
    office: Office, clock: Clock
) -> None:
    with web_server(500) as receiver:
        hook = {"id": "hook", "type": "webhook", "url": receiver.url}
        office.activate(trigger=CREATED, conditions=OWES, steps=[hook])
        id = office.create("invoices", balance=100)
        work(office)
        office.update("invoices", id, balance=0)
        clock.advance(seconds=5)
        work(office)
        assert len(receiver.requests) == 1
    assert office.runs()[0].startswith("stopped: no longer applies: ")


def test_a_stop_condition_ends_the_run_before_its_next_step(office: Office, clock: Clock) -> None:
    rest = {"id": "rest", "type": "wait", "days": 5}
    paid = {"field": "status", "op": "equals", "value": "Paid"}
    office.activate(trigger=CREATED, stop_when=paid, steps=[NOTE, rest, {**NOTE, "id": "again"}])
    id = office.create("invoices", balance=100)
    work(office)
    office.update("invoices", id, status="Paid")
    clock.advance(days=5)
    work(office)
    assert office.runs()[0].startswith("stopped: stopped because ")
    assert office.story() == ["log: done", "rest: done"]


def test_a_record_deleted_meanwhile_ends_its_run(office: Office, clock: Clock) -> None:
    office.activate(trigger=CREATED, steps=[{"id": "rest", "type": "wait", "days": 5}, NOTE])
    id = office.create("invoices")
    work(office)
    office.delete("invoices", id)
    clock.advance(days=5)
    work(office)
    assert office.runs() == ["stopped: no longer applies: the record was deleted"]


# --- the world outside ---


def test_a_webhook_is_tried_again_under_the_same_id(office: Office, clock: Clock) -> None:
    with web_server(500, 503, 200) as receiver:
        office.activate(
            trigger=CREATED, steps=[{"id": "hook", "type": "webhook", "url": receiver.url}, NOTE]
        )
        office.create("invoices")
        for seconds in (0, 5, 300):
            clock.advance(seconds=seconds)
            work(office)
        asked = [(r.headers["webhook-id"], r.json()["id"]) for r in receiver.requests]
    assert asked == [("run-1-hook", 1)] * 3
    assert (office.runs(), office.story()) == (["done: finished"], ["hook: done", "log: done"])


def test_a_call_that_is_refused_for_good_fails_the_run(office: Office) -> None:
    with web_server(404) as receiver:
        hook = {"id": "hook", "type": "webhook", "url": receiver.url}
        office.activate(trigger=CREATED, steps=[hook, NOTE])
        office.create("invoices")
        work(office)
    assert office.runs()[0].startswith("failed: POST ")
    assert (office.story(), office.alerts()) == (["hook: failed"], ["failed"])


def test_a_failed_step_may_be_passed_over(office: Office) -> None:
    with web_server(404) as receiver:
        hook = {"id": "hook", "type": "webhook", "url": receiver.url, "on_error": "continue"}
        office.activate(trigger=CREATED, steps=[hook, NOTE])
        office.create("invoices")
        work(office)
    assert (office.runs(), office.story()) == (["done: finished"], ["hook: failed", "log: done"])


def test_a_mail_is_sent_once(office: Office, clock: Clock, mailbox: MailServer) -> None:
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    for _ in range(3):
        work(office)
        clock.advance(hours=1)
    assert [mail.recipients for mail in mailbox.received] == [("ap@acme.test",)]
    assert office.rows("emails", "status", "record", "run", "step") == [
        ("sent", "invoices/1", 1, "mail")
    ]


def test_a_mail_that_is_put_off_is_tried_again_half_an_hour_later(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    answers = iter(["451 later, please"])
    mailbox.answers = lambda command, _: next(answers, None) if command == "RCPT" else None
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    work(office)
    assert (office.runs(), office.story()) == (["waiting"], ["mail: retry"])
    clock.advance(minutes=30)
    work(office)
    assert (office.runs(), len(mailbox.received)) == (["done: finished"], 1)


def test_a_mail_that_is_refused_leaves_a_task_and_a_pinned_note(
    office: Office, mailbox: MailServer
) -> None:
    mailbox.answers = lambda command, _: "550 no such person" if command == "RCPT" else None
    office.activate(trigger=CREATED, name="Remind", steps=[MAIL])
    office.create("invoices", account="ACME", owner="alice")
    work(office)
    assert office.runs()[0].startswith("failed: the mail could not be sent")
    title = "E-mail in the workflow “Remind” could not be sent"
    assert office.rows("tasks", "title", "owner", "record") == [(title, "alice", "invoices/1")]
    assert office.rows("notes", "pinned", "record") == [(True, "invoices/1")]
    assert office.rows("emails", "status") == [("failed",)]


def test_a_mail_whose_answer_was_lost_waits_for_a_person_and_is_never_sent_again(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    mailbox.loses_answers = True
    office.activate(trigger=CREATED, steps=[MAIL, NOTE])
    office.create("invoices", account="ACME")
    for _ in range(5):
        work(office)
        clock.advance(days=1)
    assert len(mailbox.received) == 1
    assert office.runs()[0].startswith("paused: ")
    assert (office.story(), office.alerts()) == (["mail: unknown"], ["unknown"])
    assert office.rows("emails", "status") == [("unknown",)]


def test_switching_on_resumes_what_was_held_and_nothing_that_asks_a_person(
    office: Office, mailbox: MailServer
) -> None:
    rest = {"id": "rest", "type": "wait", "days": 1}
    later = {"field": "memo", "op": "is_not_empty"}
    choose = {"id": "choose", "type": "if", "conditions": later, "then": [rest]}
    workflow = office.activate(trigger=CREATED, steps=[choose, MAIL])
    mailbox.loses_answers = True
    office.create("invoices", account="ACME")
    office.create("invoices", account="ACME", memo="later")
    work(office)
    with office.database.begin() as tx:
        switch_off(tx, workflow)
    assert office.runs()[1] == "paused: held: the workflow was switched off"
    with office.database.begin() as tx:
        store.resume(tx, workflow, "alice")
    assert [run.partition(":")[0] for run in office.runs()] == ["paused", "waiting"]


def test_a_copy_of_a_mail_that_cannot_be_kept_is_told_of(
    office: Office, mailbox: MailServer
) -> None:
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME", owner="alice")
    office.delete("users", 1)
    work(office)
    assert (len(mailbox.received), office.runs()) == (1, ["done: finished"])
    assert (office.rows("emails", "id"), office.alerts()) == ([], ["failed"])


def test_a_mail_to_nobody_fails_and_leaves_a_task(office: Office, mailbox: MailServer) -> None:
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices")
    work(office)
    assert office.runs()[0].startswith("failed: no recipient")
    assert (len(office.rows("tasks", "id")), mailbox.received) == (1, [])


def test_a_reminder_is_held_while_chasing_is_paused_and_then_goes_on(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    office.activate(trigger=CREATED, steps=[MAIL])
    office.update("accounts", 1, chasing_paused=True)
    office.create("invoices", account="ACME")
    for _ in range(3):
        work(office)
        clock.advance(hours=1)
    assert (office.runs(), office.story(), mailbox.received) == (["waiting"], ["mail: held"], [])
    office.update("accounts", 1, chasing_paused=False)
    work(office)
    assert (office.runs(), len(mailbox.received)) == (["done: finished"], 1)


def test_who_has_opted_out_is_passed_over(office: Office, mailbox: MailServer) -> None:
    office.activate(trigger=CREATED, steps=[MAIL, NOTE])
    office.update("accounts", 1, email_opt_out=True)
    office.create("invoices", account="ACME")
    work(office)
    assert (office.story(), mailbox.received) == (["mail: skipped", "log: done"], [])


# --- loops ---


def test_a_workflow_is_not_started_by_its_own_change(office: Office) -> None:
    count = {"id": "add", "type": "update_fields", "values": {"count": "{{ record.count + 1 }}"}}
    office.activate_unchecked(trigger=SAVED, steps=[count])
    office.create("invoices")
    work(office)
    assert (office.rows("invoices", "count"), office.alerts()) == ([(1,)], ["loop"])


def test_two_workflows_that_start_each_other_stop_after_one_turn(office: Office) -> None:
    for name, mine, other in (("One", "Sent", "Overdue"), ("Two", "Overdue", "Sent")):
        asked = {"field": "status", "op": "equals", "value": mine}
        flip = {"id": "flip", "type": "update_fields", "values": {"status": other}}
        office.activate_unchecked(name=name, trigger=SAVED, conditions=asked, steps=[flip])
    office.create("invoices", status="Sent")
    work(office)
    assert office.rows("invoices", "status") == [("Sent",)]
    assert (office.runs(), office.alerts()) == (["done: finished"] * 2, ["loop"])


def test_a_chain_of_causes_ends_at_the_fifth_workflow(office: Office) -> None:
    for number in range(8):
        asked = {"field": "count", "op": "equals", "value": number}
        step = {"id": "next", "type": "update_fields", "values": {"count": number + 1}}
        office.activate_unchecked(
            name=f"Step {number}", trigger=SAVED, conditions=asked, steps=[step]
        )
    office.create("invoices")
    work(office)
    assert (office.rows("invoices", "count"), office.alerts()) == ([(5,)], ["loop"])


# --- many at a time ---


def test_a_run_that_breaks_fails_alone(office: Office) -> None:
    record = {"number": "{{ record.memo }}", "text": "x"}
    step = {"id": "make", "type": "create_record", "module": "notes", "values": record}
    office.activate(trigger=CREATED, steps=[step])
    office.create("notes", number="TAKEN", text="x")
    for memo in ("N-A", "TAKEN", "N-B"):
        office.create("invoices", memo=memo)
    work(office)
    runs = office.runs()
    assert (runs[0], runs[2]) == ("done: finished", "done: finished")
    assert runs[1].startswith("failed: ")
    assert office.rows("notes", "number") == [("TAKEN",), ("N-A",), ("N-B",)]


def test_runs_of_one_record_in_a_batch_see_each_others_changes(office: Office) -> None:
    office.activate(trigger=CREATED, steps=[VISIT])
    for _ in range(20):
        office.create("invoices", account="ACME")
    work(office)
    assert office.rows("accounts", "visits") == [(20,)]


def test_changes_written_together_are_told_as_each_was(office: Office) -> None:
    steps = [
        {"id": "one", "type": "update_fields", "values": {"memo": "one"}},
        {"id": "two", "type": "update_fields", "values": {"memo": "two", "count": 2}},
        {"id": "tag", "type": "add_tags", "tags": ["seen"]},
    ]
    office.activate(trigger=CREATED, steps=steps)
    office.create("invoices")
    work(office)
    with office.database.read() as tx:
        told = tx.db.scalars(
            select(EVENTS.c.changes).where(EVENTS.c.run == 1).order_by(EVENTS.c.id)
        )
        assert list(told) == [
            {"memo": [None, "one"]},
            {"memo": ["one", "two"], "count": [0, 2]},
            {"tags": [None, ["seen"]]},
        ]
        invoices = tx.schema.tables["invoices"]
        assert tx.db.scalar(select(invoices.c.revision)) == 4


def test_two_workers_at_the_same_time_do_nothing_twice(url: str, clock: Clock) -> None:
    with Office.at(url, clock.now) as one, Office.at(url, clock.now) as two, web_server() as web:
        hook = {"id": "hook", "type": "webhook", "url": web.url}
        one.activate(trigger=CREATED, steps=[NOTE, VISIT, hook, {**NOTE, "id": "after"}])
        for _ in range(60):
            one.create("invoices", account="ACME")
        start = Barrier(2)

        def both(office: Office) -> None:
            start.wait()
            work(office)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(both, (one, two)))
        work(one)
        assert one.runs() == ["done: finished"] * 60
        asked = [request.headers["webhook-id"] for request in web.requests]
        assert sorted(asked) == sorted(f"run-{run}-hook" for run in range(1, 61))
        assert len(one.rows("notes", "id")) == 120
        assert one.rows("accounts", "visits") == [(60,)]


def test_a_slow_server_holds_up_nothing_else(office: Office) -> None:
    seen = Event()

    def slow(request: Request) -> Answer:
        return Answer(200 if seen.wait(20) else 500)

    with http_server(slow) as address:
        office.activate(
            name="Slow",
            trigger={"type": "record_created"},
            conditions=SENT,
            steps=[{"id": "hook", "type": "webhook", "url": address}],
        )
        office.activate(trigger=CREATED, conditions=OWES, steps=[NOTE])
        office.create("invoices", status="Sent")
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(office.worker.work)
            office.create("invoices", balance=1)
            while not office.rows("notes", "id"):
                assert not working.done()
            seen.set()
            working.result()
    assert office.runs() == ["done: finished"] * 2


def test_a_person_may_pause_a_run_while_its_effect_is_being_performed(office: Office) -> None:
    asked, told = Event(), Event()

    def slow(request: Request) -> Answer:
        asked.set()
        return Answer(200 if told.wait(20) else 500)

    with http_server(slow) as address:
        hook = {"id": "hook", "type": "webhook", "url": address}
        office.activate(trigger=CREATED, steps=[hook, NOTE])
        office.create("invoices")
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(office.worker.work)
            assert asked.wait(20)
            _set_runs(office, state="paused", reason="held: by hand")
            told.set()
            working.result()
        assert (office.runs(), office.story()) == (["paused: held: by hand"], ["hook: done"])
        assert office.alerts() == []
        _set_runs(office, state="waiting", reason="")
        work(office)
    assert (office.runs(), office.story()) == (["done: finished"], ["hook: done", "log: done"])


def _set_runs(office: Office, **values: Any) -> None:
    with office.database.begin() as tx:
        tx.db.execute(update(RUNS).values(**values))


# --- workers that die ---


class Doomed(Performer):
    """Of a process that dies between the commit and the effect."""

    def start(self, runs: Iterable[Run]) -> None:
        pass


@pytest.fixture
def doomed(office: Office) -> Office:
    worker = Worker(office.database, office.worker.world)
    worker.performer = Doomed(worker.database, worker.world, worker.lease, 1)
    return Office(office.database, worker)


def test_what_a_dead_worker_held_is_taken_over_when_its_lease_ends(
    office: Office, clock: Clock
) -> None:
    office.activate(trigger=CREATED, steps=[NOTE])
    office.create("invoices")
    office.worker.match()
    with office.database.begin() as tx:
        assert len(store.claim(tx, 10, timedelta(seconds=60), outward=False)) == 1
    work(office)
    assert (office.runs(), office.rows("notes", "id")) == (["running"], [])
    clock.advance(seconds=60)
    work(office)
    assert (office.runs(), len(office.rows("notes", "id"))) == (["done: finished"], 1)


def test_a_call_that_was_under_way_is_made_again(
    office: Office, doomed: Office, clock: Clock, receiver: WebServer
) -> None:
    office.activate(trigger=CREATED, steps=[{"id": "hook", "type": "webhook", "url": receiver.url}])
    office.create("invoices")
    work(doomed)
    assert receiver.requests == []
    clock.advance(seconds=60)
    work(office)
    assert ([r.headers["webhook-id"] for r in receiver.requests], office.runs()) == (
        ["run-1-hook"],
        ["done: finished"],
    )


def test_a_mail_that_was_under_way_is_not_sent_but_shown_to_a_person(
    office: Office, doomed: Office, clock: Clock, mailbox: MailServer
) -> None:
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    work(doomed)
    clock.advance(seconds=60)
    work(office)
    assert (office.story(), office.alerts(), mailbox.received) == (
        ["mail: unknown"],
        ["unknown"],
        [],
    )
    assert office.rows("emails", "status") == [("unknown",)]


def test_an_outcome_that_comes_after_the_run_was_taken_over_is_not_written(
    office: Office, clock: Clock
) -> None:
    asked, told = Event(), Event()

    def slow(request: Request) -> Answer:
        asked.set()
        return Answer(200 if told.wait(20) else 500)

    with http_server(slow) as address:
        hook = {"id": "hook", "type": "webhook", "url": address}
        office.activate(trigger=CREATED, steps=[hook, NOTE])
        office.create("invoices")
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(office.worker.work)
            assert asked.wait(20)
            _set_runs(office, owner="somebody else")
            told.set()
            working.result()
    assert (office.runs(), office.story()) == (["running"], ["hook: performing"])
    clock.advance(minutes=2)


def test_no_run_is_ours_twice(office: Office) -> None:
    office.activate(trigger=CREATED, steps=[NOTE])
    for _ in range(10):
        office.create("invoices")
    office.worker.match()
    lease = timedelta(seconds=60)
    with office.database.begin() as tx:
        first = store.claim(tx, 6, lease, outward=False)
    with office.database.begin() as tx:
        second = store.claim(tx, 6, lease, outward=False)
    assert sorted(row.id for row in [*first, *second]) == list(range(1, 11))
    assert len({row.owner for row in [*first, *second]}) == 2
    with office.database.read() as tx:
        assert tx.db.scalar(select(func.count()).where(RUNS.c.owner.is_(None))) == 0
