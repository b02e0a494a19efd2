"""Text messages by Twilio's API: what it takes, what it refuses, and what is not known."""

from dataclasses import replace

import pytest

from engine.outside.egress import Egress, parse_networks
from engine.outside.texting import CAPTURE, Captured, Receipt, Reply, Taken, Twilio, provider
from engine.problems import BadValue
from engine.schema.phones import e164
from tests.fakes import FakeTwilio
from tests.servers import Answer, web_server

OPEN = Egress(allow_networks=parse_networks("127.0.0.0/8"), total_timeout=2)
REFUSED = {"+33611111111": 21610, "+33622222222": 20429, "+33633333333": 500, "+33644444444": 504}


def sent(to: str, callback: str = "") -> tuple[Taken, list[dict[str, str]]]:
    fake = FakeTwilio(REFUSED)
    with fake.serve() as url:
        return fake.provider(url, callback).send(OPEN, to, "Hello é"), fake.messages


def test_a_message_is_handed_over_as_twilio_wants_it() -> None:
    taken, messages = sent("+33612345678", "https://sayso.test/hooks/sms/x")
    assert taken == Taken("sent", id=f"SM{1:032}")
    assert messages == [
        {
            "To": "+33612345678",
            "From": FakeTwilio.SENDER,
            "Body": "Hello é",
            "StatusCallback": "https://sayso.test/hooks/sms/x",
        }
    ]


@pytest.mark.parametrize(
    ("to", "state", "said"),
    [
        ("+33611111111", "failed", "Attempt to send to unsubscribed recipient (error 21610)"),
        ("0612345678", "failed", "Invalid 'To' Phone Number: 0612345678 (error 21211)"),
        ("+33622222222", "retry", "Too Many Requests (error 20429)"),
        ("+33633333333", "retry", "Twilio answered 500: no reason given"),
        ("+33644444444", "unknown", "whether +33644444444 gets it is not known"),
    ],
)
def test_what_twilio_answers_is_told_word_for_word(to: str, state: str, said: str) -> None:
    taken, messages = sent(to)
    assert (taken.state, messages) == (state, [])
    assert said in taken.detail
    assert taken.stopped is (to == "+33611111111")


def test_an_answer_that_is_lost_is_unknown_and_a_wrong_key_is_told() -> None:
    with web_server(Answer(0)) as hung_up:
        twilio = FakeTwilio().provider(hung_up.url)
        assert twilio.send(OPEN, "+33612345678", "Hello").state == "unknown"
    assert twilio.send(OPEN, "+33612345678", "Hello").state == "retry"
    fake = FakeTwilio()
    with fake.serve() as url:
        wrong = replace(fake.provider(url), token="another")
        told = wrong.send(OPEN, "+33612345678", "Hello").detail
    assert told == "Twilio answered 401: Authenticate (error 20003)"


def test_the_inside_of_our_network_is_not_called_by_way_of_the_service() -> None:
    inside = Twilio("AC1", "token", "+33600000000", api="http://169.254.169.254")
    taken = inside.send(Egress(), "+33612345678", "Hello")
    assert (taken.state, "was not called" in taken.detail) == ("failed", True)


def test_the_setting_names_the_service() -> None:
    assert provider("") is None
    assert provider(CAPTURE) == Captured()
    assert provider("twilio://AC1:a%2Fb@+33612345678") == Twilio("AC1", "a/b", "+33612345678")
    assert provider("twilio://AC1:t@MGx?api=https://api.dublin.ie1.twilio.com") == Twilio(
        "AC1", "t", "MGx", api="https://api.dublin.ie1.twilio.com"
    )
    for wrong in ("https://api.twilio.com", "twilio://AC1@+33612345678", "twilio://AC1:token"):
        with pytest.raises(ValueError, match="ACCOUNT_SID:AUTH_TOKEN"):
            provider(wrong)


def test_reports_and_replies_are_understood() -> None:
    twilio = Twilio("AC1", "token", "+33600000000")
    report = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"}
    told = Receipt("SM1", "undelivered", "Twilio: not delivered (error 30003)")
    assert twilio.heard(report) == told
    assert twilio.heard({**report, "MessageStatus": "queued"}) is None
    reply = twilio.heard({"From": "+33612345678", "Body": "Arrêt"})
    assert isinstance(reply, Reply)
    assert reply.stops
    assert not Reply("+33612345678", "Please stop calling me Bob").stops


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("06 12 34 56 78", "fr", "+33612345678"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("+33100", None, "+33100"),
    ],
)
def test_a_number_is_written_as_the_world_dials_it(
    written: str, country: str | None, number: str
) -> None:
    assert e164(written, country) == number


@pytest.mark.parametrize(
    ("written", "country", "said"),
    [
        ("0612345678", None, "country code"),
        ("12", "FR", "like +33612345678"),
        ("ask Bob", "FR", "like +33612345678"),
        ("0899 70 00 00", "FR", "another number"),
    ],
)
def test_what_is_no_number_or_a_dear_one_is_refused(
    written: str, country: str | None, said: str
) -> None:
    with pytest.raises(BadValue) as refused:
        e164(written, country)
    assert said in refused.value.remedy
