"""Each try, hold and act of a person is a line of its run, and what was counted stays counted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from engine.company.company import PLACEHOLDER
from server.operations import runs, sending
from server.pages.frame.charts import chart_of_all
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.office.office import PLENTY
from tests.stages.office.reception import Reception, furnish, opened

MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path, mailbox: MailServer
) -> Iterator[Reception]:
    pair = template_database("reception", furnish)
    with opened(pair, clock, tmp_path, smtp_url=mailbox.url) as reception:
        yield reception


def refuse(mailbox: MailServer, times: int, answer: str = "550 not today") -> None:
    """The mail server refuses the next recipients."""
    answers = iter([answer] * times)
    mailbox.answers = lambda command, _: next(answers, None) if command == "RCPT" else None


def started(reception: Reception, **changes: object) -> int:
    """A workflow that sends a mail, run for the first invoice. Gives its id."""
    workflow = reception.approved(steps=[MAIL], **changes)
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1])
    reception.installation.worker.work()
    return workflow


def tasks(reception: Reception) -> list[str]:
    """How each task stands."""
    found = reception.ask("alice", "search_records", module="tasks", fields=["status"])["records"]
    return [each["values"]["status"] for each in found]


def told(reception: Reception, run: int = 1) -> list[tuple[str, str, str]]:
    """Each line of a run: what, by whom, on which day."""
    story = reception.ask("alice", "get_run", run=run)["story"]
    return [(line["outcome"], line.get("by", ""), line["at"][:10]) for line in story]


def test_T15_each_try_is_a_line_with_its_day_and_who_pressed(
    reception: Reception, mailbox: MailServer, clock: Clock
) -> None:
    refuse(mailbox, 2)
    started(reception)
    for _ in range(2):
        clock.advance(days=1)
        with reception.browser("bob") as bob:
            assert bob.post("/runs/1/again", follow_redirects=False).status_code == 303
        reception.installation.worker.work()
    assert told(reception) == [
        ("failed", "", "2026-03-10"),
        ("again", "bob", "2026-03-11"),
        ("failed", "", "2026-03-11"),
        ("again", "bob", "2026-03-12"),
        ("done", "", "2026-03-12"),
    ]
    run = reception.ask("alice", "get_run", run=1)
    assert (run["state"], run["reason"]) == ("done", "finished")
    with reception.browser("bob") as bob:
        page = bob.get("/runs/1").text
    assert page.count("by Bob") == 2
    assert page.count("could not be sent: ") >= 2


def test_T15_bars_and_figures_stay_when_what_failed_is_mended(
    reception: Reception, mailbox: MailServer, clock: Clock
) -> None:
    refuse(mailbox, 1)
    workflow = started(reception)
    clock.advance(days=1)
    before = _bad(reception)
    runs.try_run_again(reception.desk("bob"), 1)
    reception.installation.worker.work()
    assert reception.ask("alice", "get_run", run=1)["state"] == "done"
    assert _bad(reception) == before == {"10 Mar": 1}
    with reception.browser("bob") as bob:
        for path in ("/", f"/workflows/{workflow}"):
            assert "<dt>Failed</dt><dd>1</dd>" in bob.get(path).text


def _bad(reception: Reception) -> dict[str, int]:
    with reception.installation.database.read() as tx:
        return {bar["label"]: bar["bad"] for bar in chart_of_all(tx)["bars"] if bar["bad"]}


def test_T15_a_run_that_fails_on_a_later_day_is_counted_on_that_day(
    reception: Reception, mailbox: MailServer, clock: Clock
) -> None:
    refuse(mailbox, 1)
    workflow = reception.approved(steps=[{"id": "rest", "type": "wait", "days": 2}, MAIL])
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1])
    reception.installation.worker.work()
    clock.advance(days=2)
    reception.installation.worker.work()
    with reception.installation.database.read() as tx:
        bars = chart_of_all(tx)["bars"]
    counted = {
        bar["label"]: (bar["count"], bar["bad"]) for bar in bars if bar["count"] or bar["bad"]
    }
    assert counted == {"10 Mar": (1, 0), "12 Mar": (0, 1)}


def test_T15_a_hold_and_its_release_are_lines_and_a_second_look_is_none(
    reception: Reception, clock: Clock
) -> None:
    clock.set(datetime(2026, 3, 10, 21, 0, tzinfo=UTC))
    sending.set_limits(reception.desk("root"), {"email_quiet": {"from": "20:00", "to": "08:00"}})
    started(reception)
    clock.advance(minutes=30)
    reception.installation.worker.work()
    sending.send_now(reception.desk("bob"), 1)
    reception.installation.worker.work()
    day = "2026-03-10"
    assert told(reception) == [("held", "", day), ("released", "bob", day), ("done", "", day)]


def test_T15_switching_off_and_on_and_moving_are_told_with_who(
    reception: Reception, clock: Clock
) -> None:
    workflow = reception.approved(steps=[{"id": "rest", "type": "wait", "days": 2}, MAIL])
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1])
    reception.installation.worker.work()
    reception.ask("root", "toggle_workflow", workflow=workflow, active=False)
    reception.ask("root", "toggle_workflow", workflow=workflow, active=True)
    reception.ask("root", "move_times", by="+1d", dry=False, shown=1)
    clock.advance(days=3)
    reception.ask("root", "toggle_workflow", workflow=workflow, active=False, running="stop")
    assert told(reception) == [
        ("paused", "root", "2026-03-10"),
        ("resumed", "root", "2026-03-10"),
        ("moved", "root", "2026-03-10"),
        ("stopped", "root", "2026-03-13"),
        ("sleeping", "", "2026-03-10"),
    ]


def test_T14_a_mail_without_a_sender_is_held_and_said_wherever_a_run_is_listed(
    reception: Reception, mailbox: MailServer, clock: Clock
) -> None:
    database = reception.installation.database
    with database.begin() as tx:
        database.save_company(tx, tx.company.model_copy(update={"sender": PLACEHOLDER}))
    workflow = started(reception)
    why = "no sender is set"
    ask = partial(reception.ask, "alice")
    lines = [
        *ask("list_runs", state="held")["runs"],
        *ask("get_record", module="invoices", record=1, include=["runs"])["runs"],
        *ask("explain", workflow=workflow, record="INV-1")["runs"],
        ask("get_run", run=1),
    ]
    assert [line["standing"] for line in lines] == ["held"] * 4
    assert all(line["reason"].startswith(why) for line in lines)
    assert lines[0]["next_at"] == "2026-03-10T08:15:00+00:00"
    would = ask("explain", workflow=workflow, record="INV-2")["effects"]
    assert [(each["outcome"], each["why"].startswith(why)) for each in would] == [("held", True)]
    found = ask("list_alerts")
    (alert,) = found["alerts"]
    assert (alert["kind"], alert["runs"], found["health"]["mail"]["mode"]) == (
        "sender",
        [1],
        "held",
    )
    assert "SAYSO_SENDER" in alert["remedy"]
    with reception.browser("bob") as bob:
        for path in ("/", "/runs", "/runs/1", "/records/invoices/1", "/alerts"):
            assert why in bob.get(path).text.casefold(), path
        assert "Held back" in bob.get("/runs?state=held").text
    clock.advance(minutes=16)
    reception.installation.worker.work()
    assert ask("list_alerts")["alerts"] == [alert]
    with database.begin() as tx:
        database.save_company(tx, tx.company.model_copy(update={"sender": "us@sayso.test"}))
    clock.advance(minutes=16)
    reception.installation.worker.work()
    assert len(mailbox.received) == 1
    (closed,) = ask("list_alerts", state="settled")["alerts"]
    assert (closed["settled"]["by"], ask("list_alerts")["alerts"]) == ("", [])


def test_T14_quiet_hours_and_a_stop_are_said_in_lists_too(
    reception: Reception, clock: Clock
) -> None:
    reception.ask("root", "stop_sending", what="email", reason="a test")
    started(reception)
    (run,) = reception.ask("alice", "list_runs")["runs"]
    assert (run["standing"], run["state"]) == ("held", "waiting")
    assert run["reason"].startswith("not now: ")
    assert run["next_at"]


def test_T16_an_alert_whose_runs_are_mended_closes_and_so_do_its_tasks(
    reception: Reception, mailbox: MailServer, clock: Clock
) -> None:
    refuse(mailbox, 2)
    started(reception)
    (alert,) = reception.ask("alice", "list_alerts")["alerts"]
    assert alert["runs"] == [1]
    runs.try_run_again(reception.desk("bob"), 1)
    reception.installation.worker.work()
    assert tasks(reception) == ["Open"]
    (again,) = reception.ask("alice", "list_alerts")["alerts"]
    assert (again["alert"], again["count"]) == (alert["alert"], 2)
    runs.try_run_again(reception.desk("bob"), 1)
    reception.installation.worker.work()
    assert reception.ask("alice", "list_alerts")["alerts"] == []
    (closed,) = reception.ask("alice", "list_alerts", state="settled")["alerts"]
    assert closed["settled"]["why"] == "none of its runs needs a look any more"
    assert tasks(reception) == ["Done"]


def test_T16_an_alert_closes_when_its_runs_are_stopped_with_their_workflow(
    reception: Reception,
) -> None:
    workflow = reception.approved(steps=[MAIL])
    sending.set_limits(
        reception.desk("root"), {"email_caps": {**PLENTY.model_dump(), "workflow_hour": 1}}
    )
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1, 2])
    reception.installation.worker.work()
    (alert,) = reception.ask("alice", "list_alerts")["alerts"]
    assert (alert["kind"], alert["runs"]) == ("cap", [2])
    reception.ask("root", "toggle_workflow", workflow=workflow, active=False, running="stop")
    assert reception.ask("alice", "list_alerts")["alerts"] == []


def test_T16_a_person_settles_an_alert_on_its_page_with_a_reason(
    reception: Reception, mailbox: MailServer
) -> None:
    refuse(mailbox, 2)
    workflow = started(reception)
    reception.ask("alice", "run_workflow", workflow=workflow, records=[2])
    reception.installation.worker.work()
    (alert,) = reception.ask("alice", "list_alerts")["alerts"]
    path = f"/alerts/{alert['alert']}/settle"
    with reception.browser("bob") as bob:
        assert f'href="/runs?alert={alert["alert"]}"' in bob.get("/").text
        listed = bob.get(f"/runs?alert={alert['alert']}").text
        assert ('href="/runs/1"' in listed, 'href="/runs/2"' in listed) == (True, True)
        assert bob.post(path, data={"reason": " "}).status_code == 422
        assert bob.post(path, data={"reason": "they pay cash"}).status_code == 200
        assert "Settled by Bob" in bob.get("/alerts?state=settled").text
        assert "Nothing needs a look" in bob.get("/alerts").text
    (settled,) = reception.ask("alice", "list_alerts", state="settled")["alerts"]
    assert (settled["settled"]["by"], settled["settled"]["why"]) == ("bob", "they pay cash")


NOTE = {"id": "thanks", "type": "add_note", "text": "Thanked Bo Ray"}


def opted_out(reception: Reception, value: bool = True) -> None:
    given = {"module": "accounts", "record": 1, "values": {"email_opt_out": value}}
    reception.ask("alice", "write_record", **given)


def test_T20_a_run_whose_mail_was_skipped_is_done_but_for_one_everywhere(
    reception: Reception, mailbox: MailServer
) -> None:
    opted_out(reception)
    workflow = reception.approved(steps=[MAIL, NOTE])
    reception.ask("alice", "run_workflow", workflow=workflow, records=[1])
    reception.installation.worker.work()
    assert mailbox.received == []
    (line,) = reception.ask("alice", "list_runs")["runs"]
    assert (line["state"], line["reason"], line["skipped"]) == ("done", "finished, 1 skipped", 1)
    asked = {"module": "invoices", "record": 1, "include": ["runs"]}
    (run,) = reception.ask("alice", "get_record", **asked)["runs"]
    assert run["reason"] == "finished, 1 skipped"
    assert reception.ask("alice", "get_run", run=1)["story"][0]["outcome"] == "skipped"
    with reception.browser("bob") as bob:
        for path in (
            "/",
            "/runs",
            "/runs/1",
            "/records/invoices/1",
            f"/workflows/{workflow}?tab=runs",
        ):
            assert "1 skipped" in bob.get(path).text, path


def test_T20_a_dry_run_says_that_later_steps_follow_a_skipped_mail(reception: Reception) -> None:
    opted_out(reception)
    draft = reception.drafted(steps=[MAIL, NOTE])
    given = {"workflow": draft["workflow"], "revision": draft["revision"]}
    review = reception.ask("alice", "submit_workflow", **given)["link"].rpartition("/")[2]
    with reception.browser("bob") as bob:
        page = bob.get(f"/reviews/{review}").text
        assert "2 tried: 1 new record, 1 not sent, 1 does not match" in page
        assert "The steps after one that is skipped or fails are done all the same." in page
        opted_out(reception, False)
        assert (
            "2 tried: 1 mail, 1 new record, 1 does not match" in bob.get(f"/reviews/{review}").text
        )
