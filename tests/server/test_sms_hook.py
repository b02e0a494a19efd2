"""The door of the SMS service: only what Twilio signs is heard, and it ends in the records."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from engine.outside.hooks import Hooks
from engine.records.suppression import suppressed
from engine.records.writer import Author, Records
from tests.databases import Pair
from tests.fakes import Clock, FakeTwilio
from tests.stages.office.reception import Reception, opened, served

TWILIO = FakeTwilio()
URL = f"twilio://{TWILIO.ACCOUNT}:{TWILIO.TOKEN.replace(' ', '%20')}@{TWILIO.SENDER}"
PUBLIC = "https://sayso.example.com"


@pytest.fixture
def reception(pair: Pair, clock: Clock, tmp_path: Path) -> Iterator[Reception]:
    """A house with an SMS service, one message that was sent, and one contact."""
    more = {"sms_url": URL, "public_url": PUBLIC}
    with opened(pair, clock, tmp_path, **more) as opening, served(opening) as reception:
        reception.installation.prepare()
        with reception.installation.database.begin() as tx:
            records = Records(tx, Author("alice"))
            sent = {"to": "+33612345678", "text": "Hello", "status": "sent", "message_id": "SM1"}
            records.create("sms", sent)
            records.create("contacts", {"name": "Ana", "mobile": "+33 6 12 34 56 78"})
            records.create("contacts", {"name": "Bo", "mobile": "+33 6 99 34 56 78"})
        yield reception


def post(reception: Reception, form: dict[str, str], signature: str = "") -> httpx.Response:
    """Post a form as Twilio does, through the proxy that answers at the public address."""
    url = Hooks(PUBLIC, reception.installation.settings.key()).url("sms")
    headers = {"x-twilio-signature": signature or TWILIO.signature(url, form)}
    return httpx.post(reception.url + url.removeprefix(PUBLIC), data=form, headers=headers)


def message(reception: Reception) -> tuple[str, str | None]:
    with reception.installation.database.read() as tx:
        table = tx.schema.tables["sms"]
        row = tx.db.execute(select(table.c.status, table.c.error)).one()
    return row.status, row.error


def test_a_report_that_is_signed_changes_the_message(reception: Reception) -> None:
    assert post(reception, {"MessageSid": "SM1", "MessageStatus": "delivered"}).status_code == 200
    assert message(reception) == ("delivered", None)


def test_a_failed_message_is_undelivered_and_stays_so(reception: Reception) -> None:
    failed = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30005"}
    assert post(reception, failed).status_code == 200
    assert post(reception, {"MessageSid": "SM1", "MessageStatus": "sent"}).status_code == 200
    assert message(reception) == ("undelivered", "Twilio: not delivered (error 30005)")


def test_what_is_not_signed_is_refused(reception: Reception) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    answer = post(reception, form, "bm90IGZyb20gVHdpbGlv")
    assert (answer.status_code, message(reception)) == (403, ("sent", None))


def test_a_signature_of_something_else_is_refused(reception: Reception) -> None:
    url = Hooks(PUBLIC, reception.installation.settings.key()).url("sms")
    signature = TWILIO.signature(url, {"MessageSid": "SM1", "MessageStatus": "sent"})
    answer = post(reception, {"MessageSid": "SM1", "MessageStatus": "failed"}, signature)
    assert (answer.status_code, message(reception)) == (403, ("sent", None))


def test_who_answers_stop_gets_no_more(reception: Reception) -> None:
    form = {"From": "+33612345678", "Body": " Stop. ", "MessageSid": "SM2"}
    assert post(reception, form).status_code == 200
    with reception.installation.database.read() as tx:
        contacts = tx.schema.tables["contacts"]
        rows = tx.db.execute(select(contacts.c.name, contacts.c.sms_opt_out)).all()
        told = suppressed(tx, "sms", ["+33612345678"])
    assert dict(tuple(row) for row in rows) == {"Ana": True, "Bo": False}
    assert told == {"+33612345678": "+33612345678 has answered STOP"}


def test_any_other_answer_changes_nothing(reception: Reception) -> None:
    assert post(reception, {"From": "+33612345678", "Body": "Thanks!"}).status_code == 200
    with reception.installation.database.read() as tx:
        assert suppressed(tx, "sms", ["+33612345678"]) == {}
