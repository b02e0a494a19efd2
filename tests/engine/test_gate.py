"""What may leave the house, and when: caps, quiet hours, windows, suppression, the kill switch."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.company.calendar import Calendar
from engine.company.message_limits import Caps, Quiet
from engine.outside import kill_switch
from engine.records.signed_links import Links
from engine.records.suppression import lift, listed, suppress
from engine.records.tables import CLAIMS, QUOTAS
from engine.runs.sending import quotas
from engine.runs.sending.outbox import lift_stop, send_now, waiting
from engine.runs.sending.quotas import Message
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer, web_server
from tests.stages.demo.story import living
from tests.stages.office.office import COMPANY, Office, prepare
from tests.stages.office.processes import context, write_to_many

MAIL: dict[str, Any] = {
    "id": "mail",
    "type": "send_email",
    "to": ["account"],
    "subject": "Hi",
    "body": "Pay.",
}
CREATED = {"type": "record_created"}
ONLY_SQLITE = pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)


@pytest.fixture
def office(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer
) -> Iterator[Office]:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, clock.now, mailbox.url) as office:
        yield office


def set_up(office: Office, **company: Any) -> None:
    with office.database.begin() as tx:
        office.database.save_company(tx, tx.company.model_copy(update=company))


def caps(**smaller: int) -> Caps:
    return COMPANY.email_caps.model_copy(update=smaller)


def outbox(office: Office) -> list[tuple[str, str]]:
    with office.database.read() as tx:
        found = waiting(tx, office.worker.library)
        return [(each.cause or each.standing, each.why) for each in found]


def to(mailbox: MailServer) -> list[str]:
    return [", ".join(mail.recipients) for mail in mailbox.received]


# --- caps ---


@pytest.mark.parametrize("each", [1, 3])
def test_eight_processes_send_just_as_many_as_the_cap_allows(
    each: int, template_database: TemplateDatabase
) -> None:
    pair = template_database("office", prepare)
    with Office.at(pair.database_url, lambda: datetime.now(UTC)) as office:
        set_up(office, email_caps=caps(workflow_day=100))
        team = [
            context().Process(target=write_to_many, args=(pair, place * 1000, 30, each))
            for place in range(8)
        ]
        for one in team:
            one.start()
        for one in team:
            one.join()
        assert [one.exitcode for one in team] == [0] * 8
        with office.database.read() as tx:
            used = {row.key: row.used for row in tx.db.execute(select(QUOTAS))}
            claimed = tx.db.scalar(select(func.count()).select_from(CLAIMS))
    most = 100 // each * each
    totals = {key: used[key] for key in ("email", "workflow/1/email")}
    assert (totals, claimed) == ({"email": most, "workflow/1/email": most}, most)


def test_a_second_try_takes_no_second_place(office: Office, clock: Clock) -> None:
    set_up(office, email_caps=caps(workflow_hour=1, workflow_day=2, person_day=2))
    first = Message(1, "mail", 7, "email", ["A@acme.test"], ["A@acme.test"])
    second = Message(2, "mail", 7, "email", ["b@acme.test"], ["b@acme.test"])
    told = []
    for message in (first, first, second):
        with office.database.begin() as tx:
            told.append(quotas.claim(tx, message))
    assert told[:2] == [None, None]
    assert told[2]
    assert (told[2].said, told[2].day) == ("e-mails to 1 people an hour by one workflow", False)
    clock.advance(hours=1)
    with office.database.begin() as tx:
        assert quotas.claim(tx, second) is None
        assert quotas.used(tx, 7, "email") == 2


def test_one_customer_gets_so_many_a_day_and_the_rest_the_day_after(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    set_up(office, email_caps=caps(person_workflow_day=3))
    office.activate(trigger=CREATED, steps=[{**MAIL, "cc": ["alice"]}])
    for _ in range(5):
        office.create("invoices", account="ACME")
    office.worker.work()
    assert len(mailbox.received) == 3
    told = "held until 2026-03-11 09:00: 3 e-mails a day to ap@acme.test by one workflow"
    assert outbox(office) == [("cap", told)] * 2
    assert "cap" in office.alerts()
    clock.advance(days=1)
    office.worker.work()
    assert (len(mailbox.received), outbox(office)) == (5, [])


# --- hours ---


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("19:59", None),
        ("20:00", "2026-03-11T08:00"),
        ("23:30", "2026-03-11T08:00"),
        ("03:00", "2026-03-10T08:00"),
        ("08:00", None),
    ],
)
def test_quiet_hours_last_over_night(at: str, ends: str | None) -> None:
    calendar = Calendar.of("Europe/Paris")
    now = datetime.fromisoformat(f"2026-03-10T{at}").replace(tzinfo=calendar.timezone)
    until = Quiet().ends(now, calendar)
    local = until.astimezone(calendar.timezone).strftime("%Y-%m-%dT%H:%M") if until else None
    assert local == ends


@ONLY_SQLITE
def test_a_mail_outside_the_window_waits_for_it_to_open_and_a_person_can_send_it_now(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    clock.set(datetime(2026, 3, 13, 18, tzinfo=UTC))  # a Friday, 19:00 in Paris
    window = {"from": "08:00", "to": "18:00", "days": "working_days"}
    office.activate(trigger=CREATED, steps=[MAIL], window=window)
    office.create("invoices", account="ACME")
    office.create("invoices", account="ACME")
    office.worker.work()
    assert outbox(office) == [("time", "it goes at 2026-03-16 08:00")] * 2
    with office.database.begin() as tx:
        assert send_now(tx, 1, "alice")
        assert not send_now(tx, 99, "alice")
    office.worker.work()
    assert len(mailbox.received) == 1
    clock.set(datetime(2026, 3, 16, 6, 59, tzinfo=UTC))
    office.worker.work()
    assert len(mailbox.received) == 1
    clock.advance(minutes=1)
    office.worker.work()
    assert len(mailbox.received) == 2


@ONLY_SQLITE
def test_quiet_hours_are_those_of_the_reader(
    office: Office, clock: Clock, mailbox: MailServer
) -> None:
    set_up(office, email_quiet=Quiet())
    clock.set(datetime(2026, 3, 10, 20, tzinfo=UTC))  # 21:00 in Paris
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    office.worker.work()
    assert outbox(office) == [("quiet", "quiet hours: it goes at 2026-03-11 08:00")]
    clock.set(datetime(2026, 3, 11, 7, tzinfo=UTC))
    office.worker.work()
    assert to(mailbox) == ["ap@acme.test"]


def test_texts_wait_for_the_morning_of_their_reader_and_come_once_a_day(
    template_database: TemplateDatabase, clock: Clock
) -> None:
    document = {
        "name": "Tickets - Text",
        "module": "tickets",
        "trigger": {"type": "record_created"},
        "steps": [
            {
                "id": "text",
                "type": "send_sms",
                "to": ["contact.mobile"],
                "body": "{{ record.title }}",
            }
        ],
    }
    ana: dict[str, Any] = {"title": "One", "contact": "Ana Lopez"}
    with living({"sms": {}, "begins": "2026-03-10T19:30"}, template_database, clock) as story:
        story.tell({"save": "C1", "values": {"mobile": "+33612345678"}})
        story.tell({"save": "C3", "values": {"mobile": "+33687654321"}})
        story.approve(document)
        story.tell({"at": "2026-03-10T20:30"})
        story.tell({"create": "tickets", "values": ana})
        news = story.news()
        assert (news["runs"], "texts" in news) == ({"waiting": 1}, False)
        (number,) = news["steps"]
        assert news["steps"][number] == ["held: quiet hours: it goes at 2026-03-11 08:00"]
        story.tell({"at": "2026-03-11T07:59"})
        assert story.news() == {}
        story.tell({"at": "2026-03-11T08:00"})
        assert [text["text"] for text in story.news()["texts"]] == ["One"]
        story.tell({"create": "tickets", "values": {**ana, "title": "Two"}})
        story.tell({"create": "tickets", "values": {"title": "Three", "contact": "Cy Tan"}})
        assert [text["text"] for text in story.news()["texts"]] == ["Three"]
        story.tell({"at": "2026-03-12T09:00"})
        assert [text["text"] for text in story.news()["texts"]] == ["Two"]


# --- who ---


def test_an_address_on_the_list_is_left_out_until_a_person_takes_it_off(
    office: Office, mailbox: MailServer
) -> None:
    with office.database.begin() as tx:
        suppress(tx, "all", " AP@acme.test ", "complaint", "told us on the phone", "alice")
        suppress(tx, "all", "ap@acme.test", "by hand", "again", "bob")
    steps = [{**MAIL, "to": ["account", "other@acme.test"]}]
    office.activate(trigger=CREATED, steps=steps)
    office.create("invoices", account="ACME")
    office.worker.work()
    assert to(mailbox) == ["other@acme.test"]
    with office.database.begin() as tx:
        (row,) = listed(tx, "acme")
        assert (row.kind, row.by) == ("complaint", "alice")
        assert lift(tx, row.id)
        assert lift(tx, row.id) is None
    office.create("invoices", account="ACME")
    office.worker.work()
    assert to(mailbox)[1:] == ["ap@acme.test, other@acme.test"]


def test_who_is_put_on_the_list_while_their_mail_stands_in_the_queue_does_not_get_it(
    office: Office, mailbox: MailServer
) -> None:
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    office.worker.match_and_carry()
    with office.database.begin() as tx:
        suppress(tx, "email", "ap@acme.test", "unsubscribed", "", "reader")
    office.worker.work()
    assert (mailbox.received, office.story()) == ([], ["mail: skipped"])


@ONLY_SQLITE
def test_a_mail_to_a_customer_says_where_to_end_it_and_one_to_a_user_does_not(
    office: Office, mailbox: MailServer
) -> None:
    office.database.links = Links("https://sayso.test", b"a key")
    steps = [MAIL, {**MAIL, "id": "inside", "to": ["alice"]}]
    office.activate(trigger=CREATED, steps=steps)
    office.create("invoices", account="ACME")
    office.worker.work()
    link = f"<{office.database.links.unsubscribe('ap@acme.test')}>"
    told = [
        (mail.message["List-Unsubscribe"], mail.message["List-Unsubscribe-Post"])
        for mail in mailbox.received
    ]
    assert told == [(link, "List-Unsubscribe=One-Click"), (None, None)]


# --- the kill switch ---


@pytest.mark.parametrize("what", ["all", "email", "workflow/1"])
def test_what_is_stopped_stays_until_an_admin_lets_it_go_on(
    what: str, office: Office, clock: Clock, mailbox: MailServer
) -> None:
    workflow = office.activate(trigger=CREATED, steps=[MAIL])
    assert workflow == 1
    with office.database.begin() as tx:
        kill_switch.stop(tx, what, "a wrong price", "boss")
    office.create("invoices", account="ACME")
    for _ in range(4):
        office.worker.work()
        clock.advance(hours=1)
    assert mailbox.received == []
    assert [cause for cause, _ in outbox(office)] == ["stop"]
    with office.database.begin() as tx:
        assert lift_stop(tx, what, "alice")
        assert not lift_stop(tx, what, "alice")
    office.worker.work()
    assert len(mailbox.received) == 1


@ONLY_SQLITE
def test_a_stop_of_another_channel_stops_nothing_here_and_calls_are_stopped_too(
    office: Office, mailbox: MailServer
) -> None:
    with web_server(200) as receiver:
        hook = {"id": "hook", "type": "webhook", "url": receiver.url}
        office.activate(trigger=CREATED, steps=[MAIL, hook])
        with office.database.begin() as tx:
            kill_switch.stop(tx, "sms", "", "boss")
            kill_switch.stop(tx, "webhook", "", "boss")
            kill_switch.stop(tx, "workflow/12", "", "boss")
        office.create("invoices", account="ACME")
        office.worker.work()
        assert (len(mailbox.received), receiver.requests) == (1, [])
        with office.database.begin() as tx:
            lift_stop(tx, "webhook", "alice")
        office.worker.work()
        assert len(receiver.requests) == 1


@ONLY_SQLITE
def test_the_environment_stops_it_too(office: Office, mailbox: MailServer) -> None:
    office.worker.world.stopped = frozenset({"all"})
    office.activate(trigger=CREATED, steps=[MAIL])
    office.create("invoices", account="ACME")
    office.worker.work()
    assert mailbox.received == []
