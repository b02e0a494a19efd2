"""What goes out, at the doors: the outbox, the stop, the list of those not written to, the link."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from engine.installation import Installation
from engine.outside.kill_switch import stops
from engine.people import audit
from engine.people.logins import Principal
from engine.problems import Invalid
from engine.records.tables import EVENTS
from engine.records.writer import Author, Records
from engine.review.decisions import approve
from engine.workflows.library import By, save_draft, submit
from server.access.desk import Desk
from server.access.rights import Refused
from server.cli.commands import main
from server.operations import sending
from server.operations.registry import OPERATIONS
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of, furnish, opened

NOW = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)  # 21:00 in Paris
DOCUMENT: dict[str, Any] = {
    "name": "Invoices - Tell",
    "module": "invoices",
    "trigger": {"type": "record_modified", "fields": ["subject"]},
    "window": {"from": "08:00", "to": "18:00"},
    "steps": [
        {
            "id": "tell",
            "type": "send_email",
            "to": ["account"],
            "subject": "About {{ record.number }}",
            "body": "Hello.",
        }
    ],
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showroom")
    furnish(folder, Clock(NOW))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    clock.set(NOW)
    with opened(furnished, tmp_path / "house", clock) as installation:
        yield installation


def desk(installation: Installation, name: str, *roles: str, agent: bool = False) -> Desk:
    return Desk(
        installation, Principal(name, frozenset(roles), None, "a token" if agent else None, agent)
    )


def told(installation: Installation) -> int:
    """A workflow whose mail waits for the morning. Gives its number."""
    with installation.database.begin() as tx:
        draft = save_draft(tx, DOCUMENT, By("alice"))
        version = submit(tx, draft.id, draft.revision, "", By("alice"), installation.unsafe, None)
    with installation.database.begin() as tx:
        approve(tx, installation.library, version.id, version.hash, By("mgr"), "")
    touch(installation, "Rent")
    return int(draft.id)


def touch(installation: Installation, subject: str) -> None:
    with installation.database.begin() as tx:
        Records(tx, Author("alice")).update("invoices", 3, {"subject": subject})
    installation.worker.work()


def mails(installation: Installation, workflow_subject: str = "About INV-3") -> list[str]:
    with installation.database.read() as tx:
        emails = tx.schema.tables["emails"]
        return list(tx.db.scalars(select(emails.c.to).where(emails.c.subject == workflow_subject)))


def test_the_outbox_tells_what_waits_and_a_person_sends_it_now(installation: Installation) -> None:
    told(installation)
    page = browser_of(installation, "hr").get("/outbox").text
    assert "About INV-3" in page
    assert "it goes at 2026-03-11 08:00" in page
    assert "Send now" not in page
    (message,) = [
        each
        for each in sending.list_outbox(desk(installation, "hr", "viewer"))["messages"]
        if each["subject"] == "About INV-3"
    ]
    assert (message["standing"], message["to"]) == ("held", ["billing@beta.test"])
    run = message["run"]
    assert browser_of(installation, "hr").post(f"/outbox/{run}/now").status_code == 403
    assert browser_of(installation, "mgr").post(f"/outbox/{run}/now").status_code == 303
    installation.worker.work()
    assert mails(installation) == ["billing@beta.test"]


def test_an_agent_stops_but_only_an_admin_lets_go_on(installation: Installation) -> None:
    number = told(installation)
    agent = desk(installation, "mgr", "approver", "author", agent=True)
    stop = OPERATIONS["stop_sending"]
    with pytest.raises(Invalid, match="is nothing that can be stopped"):
        stop.call(agent, {"what": "workflow/999", "reason": "x"})
    with pytest.raises(Invalid, match="there is no reason"):
        stop.call(agent, {"what": "all", "reason": " "})
    answer = stop.call(agent, {"what": f"workflow/{number}", "reason": "a wrong text"})
    assert answer == {"stopped": [f"workflow/{number}"]}
    with pytest.raises(Refused):
        sending.go_on(desk(installation, "mgr", "approver"), f"workflow/{number}", "")
    with pytest.raises(Refused):
        sending.go_on(desk(installation, "admin", "admin", agent=True), f"workflow/{number}", "")
    admin = browser_of(installation, "admin")
    assert "a wrong text" in admin.get("/system/sending").text
    done = admin.post("/system/sending/go-on", data={"what": f"workflow/{number}"})
    assert done.status_code == 303
    with installation.database.read() as tx:
        verbs = [row.verb for row in audit.listed(tx)][:2]
    assert verbs == ["go on sending", "stop sending"]


def test_an_admin_sets_how_much_and_at_which_hours(installation: Installation) -> None:
    admin = browser_of(installation, "admin")
    given = {
        "workflow_hour": "10", "workflow_day": "20", "company_day": "30",
        "person_workflow_day": "1", "person_day": "2", "from": "19:00", "to": "07:30",
    }  # fmt: skip
    assert admin.post("/system/sending/email", data=given).status_code == 303
    assert admin.post("/system/sending/email", data={**given, "from": "25:00"}).status_code == 422
    with installation.database.read() as tx:
        caps, quiet = tx.company.email_caps, tx.company.email_quiet
    assert quiet
    assert (caps.workflow_hour, caps.person_day, quiet.from_, quiet.to) == (10, 2, "19:00", "07:30")
    assert browser_of(installation, "mgr").get("/system/sending").status_code == 403


def test_only_a_person_takes_an_address_off_the_list_and_says_why(
    installation: Installation,
) -> None:
    agent = desk(installation, "alice", "author", agent=True)
    OPERATIONS["suppress_address"].call(agent, {"address": "Billing@beta.test", "reason": "asked"})
    (row,) = sending.list_suppressed(agent, "beta")["suppressed"]
    assert (row["address"], row["kind"], row["by"]) == ("billing@beta.test", "by hand", "alice")
    with pytest.raises(Invalid, match="only a person"):
        sending.lift_suppression(agent, row["id"], "they called")
    alice = browser_of(installation, "alice")
    assert "billing@beta.test" in alice.get("/outbox/blocked").text
    place = f"/outbox/blocked/{row['id']}/lift"
    assert alice.post(place, data={"reason": ""}).status_code == 422
    assert alice.post(place, data={"reason": "they called"}).status_code == 303
    assert sending.list_suppressed(agent)["suppressed"] == []


def test_an_author_writes_to_customers_and_sees_first_who_gets_it(
    installation: Installation,
) -> None:
    alice = browser_of(installation, "alice")
    assert alice.get("/write").status_code == 200
    assert browser_of(installation, "hr").get("/write").status_code == 403
    form = {"who": "these", "customers": "ACME\nDELTA", "subject": "We move", "body": "Hello."}
    shown = alice.post("/write", data={**form, "do": "show"}).text
    assert "2 customers" in shown
    assert "DELTA: " in shown
    assert "has opted out" in shown
    assert alice.post("/write", data={**form, "body": "", "do": "ask"}).status_code == 422
    sent = alice.post("/write", data={**form, "do": "ask"})
    assert sent.headers["location"].startswith("/reviews/")
    assert mails(installation, "We move") == []
    owing = alice.post("/write", data={**form, "who": "owing", "do": "show"}).text
    assert "customers" in owing


def test_who_unsubscribes_with_one_click_gets_no_more_and_their_record_says_so(
    installation: Installation, clock: Clock
) -> None:
    told(installation)
    link = installation.database.links.unsubscribe("billing@beta.test").removeprefix(
        installation.settings.address
    )
    stranger = browser_of(installation)
    assert "No more automatic mail?" in stranger.get(link).text
    assert sending.list_suppressed(desk(installation, "hr", "viewer"))["suppressed"] == []
    click = {"List-Unsubscribe": "One-Click"}  # as mail programs post it, from no page of ours
    done = stranger.post(link, data=click, headers={"Origin": "https://mail.example"})
    assert (done.status_code, "no more automatic mail" in done.text) == (200, True)
    assert stranger.post(f"{link}x", data=click).status_code == 404
    assert stranger.post(link, data=click).status_code == 200
    with installation.database.read() as tx:
        accounts = tx.schema.tables["accounts"]
        query = select(accounts.c.email_opt_out).where(accounts.c.email == "billing@beta.test")
        assert tx.db.scalar(query) is True
        noted = select(EVENTS.c.actor).where(EVENTS.c.module == "accounts", EVENTS.c.record == 2)
        assert list(tx.db.scalars(noted.order_by(EVENTS.c.id.desc()).limit(1))) == [
            "reader of a mail"
        ]
    clock.set(datetime(2026, 3, 11, 9, tzinfo=UTC))
    installation.worker.work()
    assert mails(installation) == []


def test_the_command_line_stops_it_and_lets_it_go_on(installation: Installation) -> None:
    run = CliRunner().invoke
    env = {"SAYSO_DATA_DIR": str(installation.settings.data_dir)}
    stopped = run(main, ["stop", "email", "--reason", "a wrong price"], env=env)
    assert stopped.output == "Stopped: email. Nothing is lost; `sayso go-on email` lets it go on.\n"
    assert run(main, ["stop", "e-mail", "--reason", "x"], env=env).exit_code == 2
    with installation.database.read() as tx:
        assert [(row.scope, row.reason) for row in stops(tx)] == [("email", "a wrong price")]
    assert run(main, ["go-on", "email"], env=env).output == "It goes on: email.\n"
    again = run(main, ["go-on", "email"], env=env)
    assert (again.exit_code, "Stopped: nothing" in again.output) == (2, True)
