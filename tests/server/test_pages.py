"""The pages, driven as a browser without scripts would: what people see, may do, are refused."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from engine.installation import Installation
from engine.people import logins
from engine.records.tables import AUDIT, ENTRIES, EPISODES, RUNS, VERSIONS, WORKFLOWS
from engine.records.writer import Author, Records
from engine.settings import Settings
from engine.workflows.library import By, save_draft, submit, version_row
from tests.fakes import Clock
from tests.stages.demo.showroom import PASSWORD, browser_of, furnish, opened

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
REMIND, DEALS = 1, 5
PAGES = (
    "/",
    "/reviews",
    "/workflows",
    "/workflows/1",
    "/workflows/1?tab=inside",
    "/workflows/1?tab=runs",
    "/workflows/1?tab=versions",
    "/workflows/1?tab=document",
    "/workflows/1?step=five_days",
    "/workflows/4",
    "/workflows/5",
    "/runs",
    "/runs?state=failed&q=INV-6",
    "/runs/1",
    "/runs/R-1?tab=data",
    "/runs/1?tab=raw",
    "/planner",
    "/templates",
    "/templates?kind=PDF&q=x",
    "/outbox",
    "/outbox?state=failed",
    "/outbox/blocked",
    "/notices",
    "/records",
    "/records/invoices",
    "/records/invoices?q=acme&status=Sent&sort=-due_date",
    "/records/invoices?account=1",
    "/records/accounts/1",
    "/records/invoices/1",
    "/records/invoices/1/why",
    "/records/invoices/1/why?workflow=1&as_of=2026-03-16",
    "/records/accounts/1/why",
    "/mailbox",
    "/mailbox?state=captured",
    "/mailbox/1",
    "/variables",
    "/variables?module=contacts",
    "/tokens",
    "/tokens/clients",
)
FOR_AUTHORS = (
    "/records/invoices/new",
    "/records/invoices/1/edit",
    "/records/invoices/import",
    "/planner/1",
    "/write",
)
FOR_ADMINS = ("/system", "/system/calendar", "/system/sending", "/system/senders")
Gallery = dict[str, TestClient]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showroom")
    furnish(folder, Clock(NOW))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(furnished, tmp_path / "house", clock) as installation:
        yield installation


@pytest.fixture(scope="module")
def gallery(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Browsers of an admin, a viewer and a stranger, for tests that only look."""
    folder = tmp_path_factory.mktemp("gallery") / "house"
    with opened(furnished, folder, Clock(NOW)) as installation:
        yield {name: browser_of(installation, name) for name in ("admin", "hr", "")}


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no hidden field {name}"
    return found[1]


def ticks(page: str) -> list[str]:
    """What the form asks to be ticked."""
    return [unescape(each) for each in re.findall(r'name="seen" value="([^"]*)"', page)]


def all_ticked(page: str, comment: str = "") -> dict[str, Any]:
    """The form as somebody sends it who has ticked all that it asks."""
    return {"hash": field(page, "hash"), "comment": comment, "seen": ticks(page)}


def state(installation: Installation, workflow: int) -> str:
    with installation.database.read() as tx:
        found = tx.db.scalar(select(WORKFLOWS.c.state).where(WORKFLOWS.c.id == workflow))
    return str(found)


def verdict(installation: Installation, review: int) -> str:
    with installation.database.read() as tx:
        return str(tx.db.scalar(select(VERSIONS.c.state).where(VERSIONS.c.id == review)))


def propose(installation: Installation, author: str, **document: Any) -> int:
    """Send a workflow on invoices for review. Gives the number of the review."""
    whole = {
        "name": "Invoices - Note",
        "module": "invoices",
        "trigger": {"type": "record_created"},
        "steps": [{"id": "note", "type": "add_note", "text": "Seen"}],
        **document,
    }
    with installation.database.begin() as tx:
        row = save_draft(tx, whole, By(author))
        version = submit(tx, row.id, row.revision, "", By(author), installation.unsafe, 0)
    return int(version.id)


# --- coming in ---


def test_a_name_and_its_password_open_a_session_and_lead_to_the_page_asked_for(
    installation: Installation,
) -> None:
    browser = browser_of(installation)
    answer = browser.post(
        "/login", data={"username": "admin", "password": PASSWORD, "next": "/runs?state=failed"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?state=failed")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert browser.get("/").status_code == 200


def test_a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words(
    installation: Installation,
) -> None:
    browser = browser_of(installation)
    wrong = [
        browser.post("/login", data={"username": name, "password": "guess"})
        for name in ("admin", "nobody")
    ]
    told = [re.search(r'role="alert">.*?<span>(.*?)</span>', page.text) for page in wrong]
    assert [page.status_code for page in wrong] == [401, 401]
    assert len({found[1] for found in told if found}) == 1


def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(
    installation: Installation, clock: Clock
) -> None:
    browser = browser_of(installation)
    long = "x" * 2000  # refused for its length, before anything is worked out
    for _ in range(10):
        assert browser.post("/login", data={"username": "bob", "password": long}).status_code == 401
    right = {"username": "bob", "password": PASSWORD}
    assert browser.post("/login", data=right).status_code == 429
    clock.advance(minutes=11)
    assert browser.post("/login", data=right).status_code == 303


@pytest.mark.parametrize(
    "address", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(gallery: Gallery, address: str) -> None:
    browser = gallery["admin"]
    assert browser.get("/login", params={"next": address}).headers["location"] == "/"


def test_signing_in_again_gives_a_new_session_and_ends_the_old_one(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "admin")
    old = browser.cookies["sayso_session"]
    browser.post("/login", data={"username": "admin", "password": PASSWORD})
    with installation.database.read() as tx:
        assert logins.session(tx, old) is None


def test_a_link_signs_in_once(installation: Installation) -> None:
    with installation.database.begin() as tx:
        secret = logins.create_link(tx, "admin")
    first = browser_of(installation).get("/login/link", params={"secret": secret})
    again = browser_of(installation).get("/login/link", params={"secret": secret})
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert (again.status_code, "was used already" in again.text) == (401, True)


def test_signing_out_ends_the_session(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    cookie = browser.cookies["sayso_session"]
    assert browser.post("/logout").headers["location"] == "/login"
    with installation.database.read() as tx:
        assert logins.session(tx, cookie) is None


@pytest.mark.parametrize("address", [*PAGES, *FOR_AUTHORS, *FOR_ADMINS, "/reviews/4"])
def test_whoever_is_not_signed_in_is_asked_to(gallery: Gallery, address: str) -> None:
    answer = gallery[""].get(address)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_a_region_that_refreshes_itself_hears_that_nobody_is_signed_in(gallery: Gallery) -> None:
    assert gallery[""].get("/runs", headers={"X-Fragment": "runs"}).status_code == 401


# --- forms of other sites ---


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_does_nothing(
    installation: Installation, headers: dict[str, str]
) -> None:
    browser = browser_of(installation, "admin")
    answer = browser.post("/workflows/1/pause", data={"running": "hold"}, headers=headers)
    assert answer.status_code == 403
    assert state(installation, REMIND) == "active"


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8000"}]
)
def test_our_own_forms_and_programs_with_a_session_are_heard(
    installation: Installation, headers: dict[str, str]
) -> None:
    browser = browser_of(installation, "admin")
    answer = browser.post("/workflows/1/pause", data={"running": "hold"}, headers=headers)
    assert answer.status_code == 303
    assert state(installation, REMIND) == "paused"


# --- every page ---


@pytest.mark.parametrize("address", [*PAGES, *FOR_AUTHORS, *FOR_ADMINS, "/reviews/1", "/reviews/4"])
def test_an_admin_sees_every_page(gallery: Gallery, address: str) -> None:
    page = gallery["admin"].get(address)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert " style=" not in page.text


@pytest.mark.parametrize("address", PAGES)
def test_a_viewer_sees_what_there_is(gallery: Gallery, address: str) -> None:
    assert gallery["hr"].get(address).status_code == 200


@pytest.mark.parametrize("address", [*FOR_AUTHORS, *FOR_ADMINS])
def test_a_viewer_is_told_why_a_page_is_not_for_them(gallery: Gallery, address: str) -> None:
    page = gallery["hr"].get(address)
    assert page.status_code == 403
    assert "You may not do this" in page.text


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/reviews/99",
        "/workflows/99",
        "/runs/99",
        "/runs/zzz",
        "/records/unknown",
        "/records/invoices/9999",
        "/mailbox/9999",
        "/workflows/1/compare?old=1&new=9",
        "/records/invoices/import/gone",
    ],
)
def test_what_is_not_there_is_said_in_words_with_a_way_back(gallery: Gallery, address: str) -> None:
    page = gallery["admin"].get(address)
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert 'href="/"' in page.text


def test_a_list_that_has_not_changed_is_not_sent_again(
    installation: Installation, clock: Clock
) -> None:
    browser = browser_of(installation, "admin")
    first = browser.get("/runs", headers={"X-Fragment": "runs"})
    known = {"X-Fragment": "runs", "If-None-Match": first.headers["etag"]}
    clock.advance(seconds=3)
    assert browser.get("/runs", headers=known).status_code == 304
    with installation.database.begin() as tx:
        tx.db.execute(update(RUNS).where(RUNS.c.id == 1).values(state="failed", reason="Broken"))
    assert browser.get("/runs", headers=known).status_code == 200


# --- deciding ---


def test_a_person_approves_with_no_more_than_the_hash_that_was_shown(
    installation: Installation,
) -> None:
    review = propose(installation, "alice")
    browser = browser_of(installation, "admin")
    page, address = browser.get(f"/reviews/{review}"), f"/reviews/{review}"
    given = {"hash": field(page.text, "hash"), "comment": ""}
    answer = browser.post(f"{address}/approve", data=given)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert verdict(installation, review) == "approved"
    assert "Approved by Adele Minh" in browser.get(address).text


def test_the_session_of_a_program_that_signed_in_can_approve(installation: Installation) -> None:
    browser = browser_of(installation)
    browser.post("/login", data={"username": "mgr", "password": PASSWORD})
    page = browser.get("/reviews/4")
    browser.post("/reviews/4/approve", data=all_ticked(page.text, "Fine"))
    assert (verdict(installation, 4), state(installation, DEALS)) == ("approved", "active")


def test_the_review_says_who_wrote_it_what_it_would_do_and_to_whom(
    installation: Installation,
) -> None:
    page = browser_of(installation, "admin").get("/reviews/1").text
    assert "Remind politely" in page
    assert "Now: 0 invoices, " in page  # a run is going on for each of them
    assert "has opted out of e-mail" in page
    assert "5 tried: " in page
    assert "Bonjour ACME" in page
    assert "Assistant for" in browser_of(installation, "admin").get("/reviews/4").text


def test_a_reviewer_tries_a_supposed_change_and_a_supposed_record(
    installation: Installation,
) -> None:
    paid = {"field": "status", "op": "changed_to", "value": "Paid"}
    tell = {"id": "tell", "type": "notify", "to": ["alice"], "text": "{{ old.status }}: paid"}
    document = {
        "name": "Paid", "module": "invoices", "trigger": {"type": "record_saved"},
        "conditions": {"any": [paid, {"field": "number", "op": "equals", "value": "NEW"}]},
        "steps": [tell],
    }  # fmt: skip
    with installation.database.begin() as tx:
        row = save_draft(tx, document, By("alice"))
        version = submit(tx, row.id, row.revision, "", By("alice"), installation.unsafe, None)
    browser = browser_of(installation, "mgr")

    def tried(record: str, values: str) -> str:
        asked = {"try_record": record, "try_values": values}
        return browser.get(f"/reviews/{version.id}", params=asked).text

    shown = tried("INV-1", "Status: Paid")
    assert "As if status changed from “Sent” to “Paid”" in shown
    assert "Tell alice: “Sent: paid”" in shown
    assert "a supposed invoice" in tried("", "Number: NEW\nAccount: ACME")
    assert "There is no field “Stauts” in Invoices." in tried("INV-1", "Stauts: Paid")
    assert "There is no record “INV-999” in Invoices." in tried("INV-999", "Status: Paid")


def test_a_change_of_a_live_workflow_is_shown_value_by_value(installation: Installation) -> None:
    with installation.database.begin() as tx:
        live = dict(version_row(tx, REMIND, 1).document)
        steps = [{**s, "days": 3} if s["id"] == "five_days" else s for s in live["steps"]]
        row = save_draft(tx, {**live, "steps": steps}, By("alice", agent=True), REMIND)
        submit(tx, REMIND, row.revision, "", By("alice", agent=True), installation.unsafe, 5)
    browser = browser_of(installation, "admin")
    review = browser.get("/reviews/5").text
    compared = browser.get("/workflows/1/compare?old=1&new=2").text
    for page in (review, compared):
        assert "<del>5</del>" in page
        assert "<ins>3</ins>" in page
        assert "was: <del>Wait 5 working days</del>" in page
    assert "Proposed by Assistant for Alice Martin" in review
    assert "8 records are inside version 1 and finish on it." in review


def test_another_hash_than_the_one_in_force_is_refused_and_nothing_typed_is_lost(
    installation: Installation,
) -> None:
    answer = browser_of(installation, "admin").post(
        "/reviews/4/approve", data={"hash": "0" * 64, "comment": "I read all of it"}
    )
    assert answer.status_code == 409
    assert "This has changed since you opened it" in answer.text
    assert "I read all of it" in answer.text
    assert verdict(installation, 4) == "in_review"


def test_a_review_is_decided_once(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    given = {"hash": field(browser.get("/reviews/4").text, "hash"), "comment": "Not now"}
    assert browser.post("/reviews/4/reject", data=given).status_code == 303
    assert browser.post("/reviews/4/approve", data=given).status_code == 409
    assert verdict(installation, 4) == "rejected"


def test_a_rejection_needs_a_reason(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    hash = field(browser.get("/reviews/4").text, "hash")
    refused = browser.post("/reviews/4/reject", data={"hash": hash, "comment": " "})
    assert (refused.status_code, "A rejection needs a reason" in refused.text) == (422, True)
    given = {"hash": hash, "comment": "Ask legal first"}
    assert browser.post("/reviews/4/reject", data=given).status_code == 303
    assert "Ask legal first" in browser.get("/reviews/4").text


def test_nobody_approves_what_they_took_part_in(installation: Installation) -> None:
    review = propose(installation, "mgr")
    browser = browser_of(installation, "mgr")
    page = browser.get(f"/reviews/{review}")
    assert "somebody else has to decide" in page.text
    with installation.database.read() as tx:
        hash = tx.db.scalar(select(VERSIONS.c.hash).where(VERSIONS.c.id == review))
    answer = browser.post(f"/reviews/{review}/approve", data={"hash": hash, "comment": ""})
    assert (answer.status_code, verdict(installation, review)) == (403, "in_review")


def test_solo_mode_lets_people_approve_their_own_and_says_so_on_every_page(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "admin")
    assert browser.post("/system/four-eyes", data={"four_eyes": "off"}).status_code == 303
    assert "Solo mode" in browser.get("/records").text
    review = propose(installation, "admin")
    page = browser.get(f"/reviews/{review}").text
    given = all_ticked(page)
    for wrong in ({}, {"count": ""}, {"count": "7"}):
        answer = browser.post(f"/reviews/{review}/approve", data={**given, **wrong})
        assert (answer.status_code, "Type 50" in answer.text) == (422, True)
    browser.post(f"/reviews/{review}/approve", data={**given, "count": "50"})
    assert verdict(installation, review) == "approved"
    assert "alone (four eyes was off)" in browser.get(f"/reviews/{review}").text


def test_an_author_may_read_a_review_and_not_decide_it(installation: Installation) -> None:
    browser = browser_of(installation, "alice")
    assert "It takes the role approver" in browser.get("/reviews/4").text
    answer = browser.post("/reviews/4/approve", data={"hash": "x", "comment": ""})
    assert answer.status_code == 403
    assert verdict(installation, 4) == "in_review"


def test_after_five_minutes_the_password_is_asked_for_again(
    installation: Installation, clock: Clock
) -> None:
    browser = browser_of(installation, "admin")
    clock.advance(minutes=6)
    page = browser.get("/reviews/4")
    assert 'name="password"' in page.text
    given = all_ticked(page.text, "Read twice")
    none = browser.post("/reviews/4/approve", data=given)
    wrong = browser.post("/reviews/4/approve", data={**given, "password": "guess"})
    assert (none.status_code, "Give your password once more" in none.text) == (403, True)
    assert (wrong.status_code, "That is not your password" in wrong.text) == (403, True)
    assert "Read twice" in wrong.text
    assert "guess" not in wrong.text
    right = browser.post("/reviews/4/approve", data={**given, "password": PASSWORD})
    assert (right.status_code, verdict(installation, 4)) == (303, "approved")
    assert 'name="password"' not in browser.get("/reviews/4").text


def test_rejecting_takes_no_password(installation: Installation, clock: Clock) -> None:
    browser = browser_of(installation, "admin")
    clock.advance(minutes=6)
    given = {"hash": field(browser.get("/reviews/4").text, "hash"), "comment": "Too early."}
    answer = browser.post("/reviews/4/reject", data=given)
    assert (answer.status_code, verdict(installation, 4)) == (303, "rejected")


def test_what_was_approved_says_what_it_waits_for_and_where_to_look(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "admin")
    page = browser.get("/reviews/4")
    assert "It is live." not in page.text
    browser.post("/reviews/4/approve", data=all_ticked(page.text))
    shown = browser.get("/reviews/4").text
    assert "It is live. It starts when the stage of an opportunity changes" in shown
    assert f'href="/runs?workflow={DEALS}"' in shown
    assert 'href="/records/opportunities"' in shown


def test_what_is_about_a_record_stands_on_its_page(installation: Installation) -> None:
    with installation.database.begin() as tx:
        for number in range(7):
            Records(tx, Author("alice")).create(
                "notes", {"text": f"Called, the {number}th time.", "record": "tickets/1"}
            )
    browser = browser_of(installation, "admin")
    shown, _, history = browser.get("/records/tickets/1").text.partition("<h2>History</h2>")
    assert ("the 6th time" in shown, "the 0th time" in shown) == (True, False), "the newest"
    assert history.count("th time.") == 7, "what happened, in full"
    assert 'href="/records/notes?record=tickets/1"' in shown
    assert browser.get("/records/notes?record=tickets/1").text.count("th time.") == 7
    assert "th time." not in browser.get("/records/notes?record=tickets/2").text


# --- the first user ---


def test_P4_the_first_user_comes_in_by_the_link_and_nobody_after_them(tmp_path: Path) -> None:
    empty = Installation.of(Settings(data_dir=tmp_path / "empty"))
    empty.prepare()
    with empty.database.begin() as tx:
        secret = logins.create_first_link(tx)
    browser = browser_of(empty)
    given = {"secret": secret, "username": "Ana", "password": "short", "name": "Ana Costa"}
    assert "become admin" in browser.get("/welcome", params={"secret": secret}).text
    assert browser.get("/welcome", params={"secret": "guess"}).headers["location"] == "/login"
    assert browser.post("/welcome", data={**given, "secret": "guess"}).status_code == 422
    refused = browser.post("/welcome", data=given)
    assert (refused.status_code, "his password has 5 characters" in refused.text) == (422, True)
    assert 'value="Ana Costa"' in refused.text
    taken = browser.post("/welcome", data={**given, "password": PASSWORD})
    assert (taken.status_code, taken.headers["location"]) == (303, "/")
    assert "Ana Costa" in browser.get("/").text
    late = browser_of(empty).post("/welcome", data={**given, "username": "eve"})
    assert (late.status_code, "was used already" in late.text) == (422, True)
    with empty.database.read() as tx:
        assert [(row.username, row.roles) for row in logins.logins(tx)] == [
            ("Ana", ["admin", "approver", "author"])
        ]
    empty.close()


def test_the_settings_of_ai_clients_stand_on_a_page(installation: Installation) -> None:
    shown = browser_of(installation, "alice").get("/tokens/clients").text
    assert all(name in shown for name in ("Claude Code", "Cursor", "VS Code", "YOUR_TOKEN"))


def test_S6_what_is_new_and_grave_must_be_ticked_whatever_the_form_sends(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "admin")
    page = browser.get("/reviews/4").text
    asked, given = ticks(page), {"hash": field(page, "hash"), "comment": "Sales asked"}
    assert len(asked) > 1
    others = [f"x{each}" for each in asked]
    sent: list[dict[str, Any]] = [
        *({}, {"seen": ""}, {"asked": ""}, {"seen": others}, {"seen": asked[0][:-1]}),
        *({"seen": [each for each in asked if each != left]} for left in asked),
    ]
    for form in sent:
        answer = browser.post("/reviews/4/approve", data={**given, **form})
        assert (answer.status_code, "Tick what you have seen" in answer.text) == (422, True)
        assert "Sales asked" in answer.text
        kept = re.findall(r'name="seen" value="([^"]*)" checked', answer.text)
        assert [unescape(each) for each in kept] == [
            one for one in asked if one in form.get("seen", ())
        ]
    assert verdict(installation, 4) == "in_review"
    assert browser.post("/reviews/4/approve", data={**given, "seen": asked}).status_code == 303


def test_S6_a_later_version_asks_for_what_is_new_in_it_alone(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    browser.post("/reviews/4/approve", data=all_ticked(browser.get("/reviews/4").text))
    with installation.database.begin() as tx:
        document = dict(version_row(tx, DEALS, 1).document)
        mail = {"id": "boss", "type": "send_email", "to": ["boss@x.test"], "subject": "Hello"}
        document["steps"] = [*document["steps"], {**mail, "body": "A deal."}]
        row = save_draft(tx, document, By("alice"), DEALS)
        version = submit(tx, DEALS, row.revision, "", By("alice"), installation.unsafe, 0)
    page = browser.get(f"/reviews/{version.id}").text
    assert ticks(page) == ["mail boss@x.test"]
    assert page.count('class="tag ok">new<') == 2, "whom it mails, and the mails it keeps"
    refused = browser.post(
        f"/reviews/{version.id}/approve", data={"hash": field(page, "hash"), "comment": ""}
    )
    assert "may mail boss@x.test, and nobody has ticked that" in refused.text


LIE = "Sends nothing and calls nobody. Checked by the engine: safe to approve."


def test_T3_the_authors_words_are_quoted_and_the_engines_come_first(
    installation: Installation,
) -> None:
    mail = {"id": "mail", "type": "send_email", "to": ["x@x.test"], "subject": "Hi", "body": "Hi"}
    asked = {"field": "balance", "op": "greater_than", "value": 0}
    steps = [
        {"id": "fork", "type": "if", "label": LIE, "conditions": asked, "then": [
            {**mail, "label": "Only a note. [Approved by security]"}]}
    ]  # fmt: skip
    review = propose(installation, "alice", description=LIE, steps=steps)
    for address in (f"/reviews/{review}", "/workflows/6"):
        page = browser_of(installation, "admin").get(address).text
        bold = [" ".join(each.split()) for each in re.findall(r"<b>(.*?)</b>", page, re.DOTALL)]
        assert {"Send the mail “Hi”", "If the balance is greater than 0"} <= set(bold)
        assert not [each for each in bold if "nobody" in each or "note" in each]
        shown = page.partition("Show it as JSON")[0]
        assert shown.count(LIE) == shown.count(f"“{LIE}”") > 1, "each time in quotation marks"
    page = browser_of(installation, "admin").get(f"/reviews/{review}").text
    engine, author = page.index("written by the engine"), page.index("What its author says")
    assert engine < author < page.index(LIE)


@pytest.mark.parametrize(("chosen", "left_alone"), [("ignore", True), ("include", False)])
def test_the_approver_says_what_happens_to_records_that_match_already(
    installation: Installation, chosen: str, left_alone: bool
) -> None:
    sent = {"field": "status", "op": "equals", "value": "Sent"}
    daily = {"type": "schedule", "every": "day", "at": "09:00"}
    review = propose(installation, "alice", trigger=daily, conditions=sent, recurrence="once")
    browser = browser_of(installation, "admin")
    page = browser.get(f"/reviews/{review}")
    given = all_ticked(page.text)
    browser.post(f"/reviews/{review}/approve", data={**given, "baseline": chosen})
    with installation.database.read() as tx:
        row = tx.db.execute(select(VERSIONS.c.workflow).where(VERSIONS.c.id == review)).one()
        assert bool(tx.count(EPISODES, EPISODES.c.workflow == row.workflow)) is left_alone


# --- switching and running ---


def test_a_workflow_is_paused_with_its_records_held_and_resumed(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    assert "8 records are inside" in browser.get("/workflows/1/pause").text
    browser.post("/workflows/1/pause", data={"running": "hold"})
    assert state(installation, REMIND) == "paused"
    assert "Resume" in browser.get("/workflows/1").text
    browser.post("/workflows/1/resume")
    assert state(installation, REMIND) == "active"


def test_stopping_those_inside_ends_their_runs(installation: Installation) -> None:
    browser = browser_of(installation, "admin")
    browser.post("/workflows/1/pause", data={"running": "stop"})
    page = browser.get("/workflows/1?tab=inside").text
    assert "No record is inside" in page


def test_a_manual_workflow_is_run_for_the_records_that_were_ticked(
    installation: Installation,
) -> None:
    review = propose(installation, "alice", name="By hand", trigger={"type": "manual"})
    browser = browser_of(installation, "admin")
    page = browser.get(f"/reviews/{review}")
    browser.post(
        f"/reviews/{review}/approve", data={"hash": field(page.text, "hash"), "comment": ""}
    )
    with installation.database.read() as tx:
        workflow = tx.db.scalar(select(VERSIONS.c.workflow).where(VERSIONS.c.id == review))
    assert "INV-50" in browser.get(f"/workflows/{workflow}/run").text
    none = browser.post(f"/workflows/{workflow}/run", data={})
    assert (none.status_code, "Tick a record" in none.text) == (422, True)
    answer = browser.post(
        f"/workflows/{workflow}/run", data={"records": ["1"], "named": "INV-2, INV-3"}
    )
    assert "Started for 3 records" in browser.get(answer.headers["location"]).text


def test_a_person_says_whether_a_mail_with_a_lost_answer_arrived(
    installation: Installation,
) -> None:
    with installation.database.begin() as tx:
        query = select(RUNS.c.id, RUNS.c.workflow).where(RUNS.c.state == "waiting")
        run = tx.db.execute(query.limit(1)).one()
        doubt = {"phase": "closed", "outcome": "unknown", "said": "the answer was lost"}
        where = (ENTRIES.c.run == run.id, ENTRIES.c.step == "polite")
        tx.db.execute(update(ENTRIES).where(*where).values(**doubt))
        held = {"state": "paused", "step": "polite", "due": None, "reason": "the answer was lost"}
        tx.db.execute(update(RUNS).where(RUNS.c.id == run.id).values(**held))
    browser = browser_of(installation, "admin")
    page = browser.get(f"/runs/{run.id}").text
    assert "Mark as delivered" in page
    assert "Send again" in page
    answer = browser.post(f"/runs/{run.id}/decide", data={"arrived": "yes"})
    assert answer.status_code == 303
    with installation.database.read() as tx:
        found = tx.db.scalar(select(RUNS.c.state).where(RUNS.c.id == run.id))
    assert found in ("running", "waiting")


def test_T17_a_failed_run_is_closed_on_its_page(installation: Installation) -> None:
    with installation.database.begin() as tx:
        run = tx.db.scalar(select(RUNS.c.id).where(RUNS.c.state == "waiting").limit(1))
        failed = {"state": "failed", "step": "polite", "due": None, "reason": "there is no address"}
        tx.db.execute(update(RUNS).where(RUNS.c.id == run).values(**failed))
    browser = browser_of(installation, "admin")
    assert f'action="/runs/{run}/close"' in browser.get(f"/runs/{run}").text
    assert browser.post(f"/runs/{run}/close").status_code == 303
    page = browser.get(f"/runs/{run}").text
    assert ("closed by admin: there is no address" in page, "/close" in page) == (True, False)
    refused = browser.post(f"/runs/{run}/again").headers["location"]
    assert "has not failed" in browser.get(refused).text


# --- records ---


def test_a_record_leads_to_why_workflows_run_for_it_or_not(gallery: Gallery) -> None:
    browser = gallery["admin"]
    assert 'href="/records/accounts/1/why"' in browser.get("/records/accounts/1").text
    every = browser.get("/records/accounts/1/why").text
    assert "/records/invoices/1/why?workflow=1" in every
    one = browser.get("/records/invoices/1/why", params={"workflow": "1", "as_of": "2026-03-16"})
    assert ("Would not start" in one.text, "is still going on for it" in one.text) == (True, True)
    wrong = browser.get("/records/invoices/1/why", params={"as_of": "someday"}).text
    assert "“someday” is no day or time." in wrong


def test_a_record_is_made_changed_and_deleted_and_its_history_says_by_whom(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "alice")
    made = browser.post("/records/accounts/new", data={"name": "Zephyr", "email": "z@zephyr.test"})
    here = made.headers["location"]
    edit = browser.get(f"{here}/edit")
    revision = field(edit.text, "revision")
    browser.post(f"{here}/edit", data={"name": "Zephyr & Sons", "revision": revision})
    page = browser.get(here).text
    assert "Zephyr &amp; Sons" in page
    assert "Alice Martin" in page
    assert browser.post(f"{here}/delete").headers["location"] == "/records/accounts"
    assert browser.get(here).status_code == 404


def test_a_wrong_value_is_told_beside_its_field_and_nothing_typed_is_lost(
    installation: Installation,
) -> None:
    page = browser_of(installation, "alice").post(
        "/records/accounts/new", data={"name": "Zephyr", "email": "not an address"}
    )
    assert page.status_code == 422
    assert 'value="Zephyr"' in page.text
    assert 'value="not an address"' in page.text
    assert 'aria-invalid="true"' in page.text


def test_a_form_that_was_overtaken_is_shown_again_instead_of_saved(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "alice")
    revision = field(browser.get("/records/accounts/1/edit").text, "revision")
    browser.post("/records/accounts/1/edit", data={"name": "ACME Ltd", "revision": revision})
    late = browser.post("/records/accounts/1/edit", data={"name": "ACME Inc", "revision": revision})
    assert (late.status_code, "Somebody changed it" in late.text) == (409, True)
    assert 'value="ACME Inc"' in late.text


def test_what_a_record_holds_never_becomes_part_of_the_page(installation: Installation) -> None:
    browser = browser_of(installation, "alice")
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    here = browser.post("/records/accounts/new", data={"name": evil}).headers["location"]
    for address in (here, f"{here}/edit", "/records/accounts"):
        page = browser.get(address).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_file_is_imported_and_its_faults_are_named(installation: Installation) -> None:
    browser = browser_of(installation, "alice")
    file = b"name,email\nZephyr,z@zephyr.test\nBroken,not an address\n"
    answer = browser.post("/records/accounts/import", files={"file": ("more.csv", file)})
    page = browser.get(answer.headers["location"])
    while "Importing" in page.text:
        page = browser.get(answer.headers["location"])
    assert "more.csv is in" in page.text
    assert "not an address" in page.text
    assert "Zephyr" in browser.get("/records/accounts?q=zephyr").text


def test_a_module_is_exported_as_a_file(installation: Installation) -> None:
    answer = browser_of(installation, "hr").get("/records/invoices/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="invoices.csv"'
    assert "INV-1" in answer.text


# --- tokens, rules ---


def test_a_token_is_shown_once_with_what_to_paste_into_each_client(
    installation: Installation,
) -> None:
    browser = browser_of(installation, "alice")
    page = browser.post(
        "/tokens", data={"name": "Claude", "scope": ["records:read"], "days": "30"}
    ).text
    found = re.search(r"atp_[A-Za-z0-9_-]{40,}", page)
    assert found
    for client in ("Claude Code", "Claude Desktop", "Cursor", "VS Code"):
        assert client in page
    with installation.database.read() as tx:
        holder = logins.token_holder(tx, found[0])
    assert holder == logins.Principal(
        "alice", frozenset({"author"}), frozenset({"records:read"}), "Claude", agent=True
    )
    again = browser.get("/tokens").text
    assert "Claude" in again
    assert found[0] not in again


def test_a_revoked_token_opens_nothing(installation: Installation) -> None:
    browser = browser_of(installation, "alice")
    with installation.database.begin() as tx:
        token = logins.create_token(tx, "alice", "Old", ["records:read"])
        id = logins.tokens(tx, "alice")[0].id
    assert browser.post(f"/tokens/{id}/revoke").status_code == 303
    with installation.database.read() as tx:
        assert logins.token_holder(tx, token) is None


def test_nobody_revokes_the_token_of_somebody_else(installation: Installation) -> None:
    with installation.database.begin() as tx:
        logins.create_token(tx, "alice", "Hers", ["records:read"])
        id = logins.tokens(tx, "alice")[0].id
    assert browser_of(installation, "bob").post(f"/tokens/{id}/revoke").status_code == 404


def test_no_setting_that_could_hold_a_password_is_shown(installation: Installation) -> None:
    page = browser_of(installation, "admin").get("/system").text
    assert installation.settings.key().decode() not in page
    assert "SAYSO_SMTP_URL" in page
    assert "Mail is kept in the mailbox page instead of sent." in page


def test_turning_four_eyes_off_is_noted(installation: Installation) -> None:
    browser_of(installation, "admin").post("/system/four-eyes", data={"four_eyes": "off"})
    with installation.database.read() as tx:
        query = select(AUDIT.c.actor, AUDIT.c.verb).order_by(AUDIT.c.id.desc()).limit(1)
        assert tuple(tx.db.execute(query).one()) == ("admin", "set four eyes")
