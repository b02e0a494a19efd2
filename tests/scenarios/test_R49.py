"""R49, R174: pending 09:00 steps move to 11:00: 37 are shown, then changed, then restored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.people import audit
from engine.problems import Invalid
from engine.records.tables import RUNS
from engine.records.writer import Author, Records
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of
from tests.stages.office.reception import Reception, furnish, opened


def waiting(name: str, status: str, at: str) -> dict[str, Any]:
    """A workflow that writes to the customer at a time of day, the day after."""
    steps = [
        {"id": "rest", "type": "wait", "days": 1, "at": at},
        {"id": "note", "type": "add_note", "text": "It is time"},
    ]
    asked = {"field": "status", "op": "equals", "value": status}
    trigger = {"type": "record_created"}
    return {"name": name, "trigger": trigger, "conditions": asked, "steps": steps}


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    """37 runs wait until 09:00, 2 until 10:00."""
    with opened(template_database("reception", furnish), clock, tmp_path) as found:
        found.approved(**waiting("Invoices - At nine", "Sent", "09:00"), recurrence="once")
        found.approved(**waiting("Invoices - Drafts at nine", "Draft", "09:00"), recurrence="once")
        found.approved(**waiting("Invoices - At ten", "Paid", "10:00"), recurrence="once")
        with found.installation.database.begin() as tx:
            for status, count in (("Sent", 30), ("Draft", 7), ("Paid", 2)):
                Records(tx, Author("alice")).create_all("invoices", [{"status": status}] * count)
        found.installation.worker.work()
        yield found


def times(reception: Reception) -> dict[str, int]:
    """How many runs go on at which time."""
    zone = "Europe/Paris"
    found: dict[str, int] = {}
    with reception.installation.database.read() as tx:
        assert tx.company.timezone == zone
        for due in tx.db.scalars(select(RUNS.c.due).where(RUNS.c.state == "waiting")):
            at = f"{due.astimezone(tx.company.calendar.timezone):%d %H:%M}"
            found[at] = found.get(at, 0) + 1
    return found


def move(reception: Reception, **given: Any) -> dict[str, Any]:
    return reception.ask("root", "move_times", **given)


def test_37_steps_are_shown_with_old_and_new_time_then_moved_then_restored(
    reception: Reception, clock: Clock
) -> None:
    before = times(reception)
    shown = move(reception, at="09:00", to="11:00")
    assert (shown["count"], shown["moved"], times(reception)) == (37, False, before)
    assert {(step["old"][11:16], step["new"][11:16]) for step in shown["steps"]} == {
        ("08:00", "10:00")
    }
    assert shown["steps"][0]["does"] == "Write the note “It is time” on it"
    moved = move(reception, at="09:00", to="11:00", shown=37, dry=False)
    assert (moved["count"], times(reception)) == (37, {"11 11:00": 37, "11 10:00": 2})
    back = reception.ask("root", "undo_move", move=moved["move"])
    assert (back, times(reception)) == ({"restored": 37, "left": 0}, before)
    with pytest.raises(Invalid, match="was undone by root"):
        reception.ask("root", "undo_move", move=moved["move"])
    with reception.installation.database.read() as tx:
        verbs = [row.verb for row in audit.listed(tx)][:2]
    assert verbs == ["undo move", "move times"]


def test_what_was_moved_goes_on_at_its_new_time_and_not_before(
    reception: Reception, clock: Clock
) -> None:
    move(reception, at="09:00", to="11:00", dry=False)
    clock.advance(days=1, hours=1, minutes=59)
    reception.installation.worker.work()
    assert times(reception) == {"11 11:00": 37}
    clock.advance(minutes=1)
    reception.installation.worker.work()
    assert times(reception) == {}


def test_a_mail_that_is_to_go_at_nine_goes_at_eleven(reception: Reception, clock: Clock) -> None:
    mail = {"id": "mail", "type": "send_email", "to": ["account"], "at": "09:00"}
    steps = [{**mail, "subject": "It is time", "body": "Hello"}]
    asked = {"field": "status", "op": "equals", "value": "Overdue"}
    trigger = {"type": "record_created"}
    mails = reception.approved(trigger=trigger, conditions=asked, recurrence="once", steps=steps)
    clock.advance(hours=3)
    with reception.installation.database.begin() as tx:
        values = {"status": "Overdue", "account": "ACME", "balance": 1}
        Records(tx, Author("alice")).create("invoices", values)
    reception.installation.worker.work()
    shown = move(reception, at="09:00", to="11:00", workflows=[mails])
    assert [step["step"] for step in shown["steps"]] == ["mail"]
    move(reception, at="09:00", to="11:00", workflows=[mails], dry=False)
    clock.advance(hours=22, minutes=59)
    reception.installation.worker.work()
    assert sent(reception) == 0
    clock.advance(minutes=1)
    reception.installation.worker.work()
    assert sent(reception) == 1


def sent(reception: Reception) -> int:
    with reception.installation.database.read() as tx:
        emails = tx.schema.tables["emails"]
        return tx.count(emails, emails.c.status == "captured")


def test_some_workflows_move_by_two_hours_and_no_others(reception: Reception) -> None:
    moved = move(reception, by="+2h", workflows=[2], dry=False)
    assert (moved["count"], times(reception)) == (
        7, {"11 09:00": 30, "11 11:00": 7, "11 10:00": 2},
    )  # fmt: skip


def test_an_undo_leaves_alone_what_has_gone_on_since(reception: Reception, clock: Clock) -> None:
    first = move(reception, at="10:00", to="08:30", dry=False)
    move(reception, at="09:00", to="11:00", workflows=[1], dry=False)
    clock.advance(hours=23, minutes=40)
    reception.installation.worker.work()
    assert reception.ask("root", "undo_move", move=first["move"]) == {"restored": 0, "left": 2}


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"at": "9", "to": "11:00"}, "from", "`9` is not a time of day."),
        ({"at": "09:00"}, "to", "say where the times move."),
        ({"to": "11:00", "by": "+2h"}, "to", "say where the times move."),
        ({"by": "2 hours"}, "by", "`2 hours` is no offset."),
    ],
)
def test_what_cannot_be_meant_is_refused(
    reception: Reception, given: dict[str, Any], path: str, message: str
) -> None:
    before = times(reception)
    with pytest.raises(Invalid) as refused:
        move(reception, **given, dry=False)
    assert [(each.path, each.message) for each in refused.value.problems] == [(path, message)]
    assert times(reception) == before


def test_others_than_were_shown_are_not_moved(reception: Reception) -> None:
    before = times(reception)
    with pytest.raises(Invalid, match="36 steps were shown, and by now there are 37"):
        move(reception, at="09:00", to="11:00", shown=36, dry=False)
    assert times(reception) == before


def test_the_page_shows_what_would_move_moves_it_and_takes_it_back(reception: Reception) -> None:
    before = times(reception)
    browser = browser_of(reception.installation, "root")
    assert "Invoices - At nine" in browser.get("/planner/move").text
    wrong = browser.post("/planner/move", data={"at": "09:00"})
    assert (wrong.status_code, "Say where the times move" in wrong.text) == (422, True)
    page = browser.post("/planner/move", data={"at": "09:00", "to": "11:00"}).text
    for word in ("37 steps would move", "11 Mar 2026, 09:00", "11 Mar 2026, 11:00"):
        assert word in page
    assert times(reception) == before
    fields = {"at": "09:00", "to": "11:00", "by": "", "shown": "37"}
    assert browser.post("/planner/move/apply", data=fields).status_code == 303
    assert "from 09:00 to 11:00" in browser.get("/planner").text
    browser.post("/planner/moves/1/undo")
    assert (times(reception), "undone by" in browser.get("/planner").text) == (before, True)
    assert browser_of(reception.installation, "vera").get("/planner/move").status_code == 403
