"""Reading mail that anybody may have written, without believing or minding any of it."""

from base64 import b64encode
from datetime import UTC, datetime
from quopri import encodestring
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.outside.bounces import Failure, Report
from engine.outside.mail_in import File, Received, read
from engine.outside.unquoted import unquoted
from tests.post import bounce, complaint, letter

ATTRIBUTED = [
    "On Tue, 10 Mar 2026 at 09:00, Demo Company <sayso@demo.test> wrote:\n> Dear",
    "On Tue, 10 Mar 2026 at 09:00, Demo Company\n<sayso@demo.test> wrote:\n\n> Dear",
    "Le mar. 10 mars 2026 à 09:00, Demo <sayso@demo.test> a écrit :\n> Dear",
    "Am 10.03.2026 um 09:00 schrieb Demo <sayso@demo.test>:\n> Dear",
    "El mar, 10 mar 2026 a las 9:00, Demo (<sayso@demo.test>) escribió:\n\nDear",
    "Il giorno mar 10 mar 2026 alle ore 09:00 Demo <a@b.test> ha scritto:\n> Dear",
    "Op di 10 mrt 2026 om 09:00 schreef Demo <a@b.test>:\n> Dear",
    "Em ter., 10 de mar. de 2026 às 09:00, Demo <a@b.test> escreveu:\n> Dear",
    "-----Original Message-----\nFrom: Demo\nDear",
    "________________________________\nFrom: Demo <a@b.test>\nSent: Tuesday\nSubject: Dear",
    "From: Demo <a@b.test>\nSent: Tuesday\nTo: Ana\nSubject: Dear",
    "> Dear\n> Ana",
]
HOSTILE = [
    "On " * 40_000,
    "> " * 50_000,
    "\n" * 100_000,
    "On x\n" * 20_000,
    "On x wrote:\n" * 9_000 + "> y",
    "On x wrote:\n\n" * 8_000 + "> y",
    "_" * 100_000,
    "From: a\n" * 12_000,
    "Am " * 30_000 + "schrieb:",
    ("-" * 480 + "\n") * 200,
]


@pytest.mark.parametrize("earlier", ATTRIBUTED)
def test_what_a_mail_quotes_is_cut_off(earlier: str) -> None:
    assert unquoted(f"Our bank details have changed.\n\nAna\n\n{earlier}\n") == (
        "Our bank details have changed.\n\nAna"
    )


def test_answers_between_the_lines_are_kept() -> None:
    mail = "On 1 May Bo wrote:\n> Will you pay?\nYes.\n> When?\nOn Monday."
    assert unquoted(mail) == "Yes.\nOn Monday."


@pytest.mark.parametrize(
    "mail", ["> only a quotation", "On Monday we wrote: no\nBye", "Hi,\nfrom: now on we pay\nAna"]
)
def test_what_only_looks_like_a_quotation_is_kept(mail: str) -> None:
    assert unquoted(mail) == mail


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_mail_keeps_us_busy(text: str) -> None:
    begun = perf_counter()
    unquoted(text)
    read(letter("ana@acme.test", "Hi", text))
    read(letter("mailer-daemon@x.test", "failure", text))
    assert perf_counter() - begun < 5


def test_a_mail_is_read_with_all_it_has() -> None:
    raw = letter(
        "Zoë López <Ana@acme.test>",
        "Überweisung",
        "Betrag bezahlt.\n\nAm 10.03.2026 schrieb Demo <a@b.test>:\n> bitte",
        to="billing@demo.test, Bo <bo@demo.test>",
        files={"../scan.pdf": b"%PDF"},
        headers={
            "Message-ID": "<1@acme.test>",
            "In-Reply-To": "<9@demo.test>",
            "References": "<8@demo.test> <9@demo.test>",
            "Date": "Tue, 10 Mar 2026 09:00:00 +0100",
        },
    )
    assert read(raw) == Received(
        sender="Ana@acme.test",
        name="Zoë López",
        to=("billing@demo.test", "bo@demo.test"),
        subject="Überweisung",
        text="Betrag bezahlt.",
        whole="Betrag bezahlt.\n\nAm 10.03.2026 schrieb Demo <a@b.test>:\n> bitte",
        message_id="<1@acme.test>",
        answers=("<9@demo.test>", "<8@demo.test>"),
        sent=datetime(2026, 3, 10, 8, tzinfo=UTC),
        files=(File("../scan.pdf", "application/pdf", b"%PDF"),),
    )


def test_html_becomes_text_and_what_it_hides_is_gone() -> None:
    html = "<style>p{}</style><p>Please&nbsp;<b>refund</b></p><script>alert(1)</script>1 &lt; 2"
    raw = b"From: a@b.test\nContent-Type: text/html; charset=utf-8\n\n" + html.encode()
    assert read(raw).text == "Please refund\n1 < 2"


def test_what_turns_the_reading_is_taken_out() -> None:
    raw = letter("a@b.test", "In\u202evoice", "a\u200bb\u2066c")
    assert (read(raw).subject, read(raw).text) == ("Invoice", "abc")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "auto-generated"),
        ("Auto-Submitted", "auto-replied; owner-email=x"),
        ("Precedence", "Bulk"),
        ("Precedence", "list"),
        ("List-Id", "<news.acme.test>"),
        ("List-Unsubscribe", "<https://acme.test/u>"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Return-Path", "<>"),
    ],
)
def test_mail_of_machines_is_known(name: str, value: str) -> None:
    assert read(letter("ana@acme.test", headers={name: value})).automatic


@pytest.mark.parametrize("sender", ["no-reply@a.test", "MAILER-DAEMON@a.test", "bounces+1@a.test"])
def test_addresses_of_machines_are_known(sender: str) -> None:
    assert read(letter(sender)).automatic


@pytest.mark.parametrize("headers", [{}, {"Auto-Submitted": "no"}, {"Precedence": "first-class"}])
def test_mail_of_people_is_none_of_a_machine(headers: dict[str, str]) -> None:
    assert read(letter("noreen@acme.test", headers=headers)).automatic == ""


@pytest.mark.parametrize(
    "header",
    [b"From: a@b.test, c@d.test", b"From: <>", b"From: nobody", b"From: a@b@c", b"X: y"],
)
def test_a_mail_without_one_sender_has_none(header: bytes) -> None:
    assert read(header + b"\n\nHi").sender == ""


def test_a_mail_of_a_thousand_parts_keeps_its_headers_alone() -> None:
    nested = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * 1000
    found = read(b"From: ana@acme.test\nSubject: Hi\n" + nested)
    assert (found.sender, found.subject) == ("ana@acme.test", "Hi")


def test_a_charset_that_is_none_is_read_all_the_same() -> None:
    raw = b"From: a@b.test\nContent-Type: text/plain; charset=zip\n\nHi \xff"
    assert read(raw).text.startswith("Hi")


PIECES = (
    *(b"From: ", b"Subject: =?utf-8?q?", b"Content-Type: multipart/mixed; boundary=b", b"--b\n"),
    *(b"Content-Type: message/rfc822\n\n", b"Content-Transfer-Encoding: base64\n", b"Date: "),
    *(b"Content-Type: text/html; charset=", b"Content-Disposition: attachment; filename*="),
    *(b"Content-Type: message/delivery-status\n\n", b"Message-ID: <", b"Action: failed\n", b"\n"),
)
PARTS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=30)).map(b"".join)


@given(st.binary(max_size=400) | PARTS)
def test_whatever_bytes_come_in_are_read_as_something_that_can_be_kept(raw: bytes) -> None:
    found = read(raw)
    for text in (found.sender, found.name, found.subject, found.text, found.whole):
        assert "\x00" not in text
        assert text.encode().decode() == text


# --- reports ---


def test_a_bounce_says_whom_it_is_about_and_why() -> None:
    report = read(bounce("<7@demo.test>", "ana@acme.test")).report
    said = "550 5.1.1 There is no such mailbox here"
    failure = Failure("ana@acme.test", "5.1.1", said, final=True)
    assert report == Report("bounce", (failure,), ("<7@demo.test>",))
    assert failure.gone


@pytest.mark.parametrize(
    ("status", "action", "gone"),
    [
        ("5.1.1", "failed", True),
        ("5.2.1", "failed", True),
        ("5.0.0", "failed", True),
        ("5.2.2", "failed", False),
        ("5.7.1", "failed", False),
        ("4.4.7", "failed", False),
        ("4.2.2", "delayed", False),
    ],
)
def test_only_an_address_that_is_gone_is_given_up(status: str, action: str, gone: bool) -> None:
    report = read(bounce("<7@demo.test>", "ana@acme.test", status, action=action)).report
    assert report
    assert [failure.gone for failure in report.failures] == [gone]


def test_a_complaint_is_known() -> None:
    report = read(complaint("<7@demo.test>", "ana@acme.test")).report
    failure = Failure("ana@acme.test", "", "marked as abuse", final=True)
    assert report == Report("complaint", (failure,), ("<7@demo.test>",))


def test_a_bounce_in_prose_is_known() -> None:
    text = (
        "Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your "
        "message to the following addresses.\n\n<ana@acme.test>:\n550 5.1.1 user unknown\n\n"
        "--- Below this line is a copy of the message.\n\nMessage-ID: <7@demo.test>\n"
    )
    report = read(letter("MAILER-DAEMON@mx.test", "failure notice", text)).report
    assert report
    assert [failure.address for failure in report.failures] == ["ana@acme.test"]
    assert report.about == ("<7@demo.test>",)


def test_a_person_who_writes_of_bounces_reports_none() -> None:
    text = "<ana@acme.test>: user unknown\n\nThis is the qmail-send program.\n"
    assert read(letter("bo@acme.test", "failure notice", text)).report is None


SLOW_TO_READ = {
    "a header of signs": b'Content-Type: text/plain; a="' + b";" * 300_000,
    "a boundary of signs": b'Content-Type: multipart/mixed; boundary="' + b";" * 300_000,
    "a file name of signs": b'Content-Disposition: attachment; filename="' + b";" * 300_000,
    "many settings": b"Content-Type: text/plain" + b";a=b" * 300_000,
    "a setting in parts": b"Content-Type: text/plain"
    + b"".join(b"; name*%d*=a" % part for part in range(60_000)),
    "a report of empty lines": b"X-Failed-Recipients: a@b.test\n\n" + b"\n" * 64_000,
    "many headers": b"\n".join(b"X-%d: a" % header for header in range(100_000)),
    "a page of boxes in boxes": b"Content-Type: text/html\n\n" + b"<div>" * 80_000,
    "many pages of signs": b"Content-Type: multipart/mixed; boundary=x\n\n"
    + b"".join(b"--x\nContent-Type: text/html\n\n" + b"<b>" * 20_000 for _ in range(40)),
    "many mails in a mail": b"Content-Type: message/rfc822\n\n" * 100_000,
}


@pytest.mark.parametrize("name", SLOW_TO_READ)
def test_no_headers_keep_us_busy(name: str) -> None:
    began = perf_counter()
    read(b"From: a@b.test\n" + SLOW_TO_READ[name] + b"\n\nHello")
    assert perf_counter() - began < 2


def test_a_list_of_people_may_be_nested_as_deeply_as_somebody_likes() -> None:
    found = read(b"From: a@b.test\nTo: " + b"(" * 20_000 + b"c@d.test\nCc: e@f.test\n\nHello")
    assert (found.sender, found.to, found.cc, found.text) == (
        "a@b.test",
        (),
        ("e@f.test",),
        "Hello",
    )


def test_what_no_charset_or_kind_of_file_can_be_is_read_all_the_same() -> None:
    found = read(b"From: a@b.test\nContent-Type: text/plain; charset*=\x00''x\n\nHello")
    assert found.text == "Hello"
    file = b"Content-Type: a/\x00b; name=c\n\n"
    assert read(b"From: a@b.test\n" + file).files == (File("c", "a/b", b""),)


# --- the world outside: faults by their number ---


def test_W2_a_mail_sent_along_is_kept_under_its_subject() -> None:
    inside = letter("bo@acme.test", "Your order")
    raw = (
        b"From: ana@acme.test\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nSee below.\n"
        b"--x\nContent-Type: message/rfc822\n\n" + inside + b"\n--x--\n"
    )
    (file,) = read(raw).files
    assert (file.name, file.mime) == ("Your order.eml", "message/rfc822")
    assert b"Your order" in file.data
    assert read(bounce("<1@demo.test>", "bo@acme.test")).files == ()


def test_W4_a_sentence_that_says_who_wrote_is_no_quotation() -> None:
    mail = "On 3 March I wrote:\nplease refund."
    assert unquoted(mail) == mail
    sibling = "Thanks!\n\nAm Montag schrieb ich:\nbitte zahlen."
    assert unquoted(sibling) == sibling
    assert unquoted("Yes.\n\nOn 3 March Bo <bo@acme.test> wrote:\nplease refund.") == "Yes."


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Subject: Réclamation".encode(), "Réclamation"),
        ("Subject: Réclamation".encode("cp1252"), "Réclamation"),
        (b"Subject: =?utf-8?Q?R=C3=A9cla?= =?utf-8?Q?mation?=", "Réclamation"),
    ],
    ids=["utf-8", "cp1252", "encoded"],
)
def test_W7_a_header_is_read_in_whatever_bytes_it_came(header: bytes, subject: str) -> None:
    assert read(b"From: a@b.test\n" + header + b"\n\nText").subject == subject


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (b"=?utf-8?Q?Tan,_Cy?=", "Tan, Cy"),
        (b"=?utf-8?Q?Tan,?= =?utf-8?B?IEN5?=", "Tan, Cy"),
        (b"=?utf-8?Q?Cy_=22the_=5C_boss=22?=", "Cy the boss"),
        ("Zoë".encode(), "Zoë"),
    ],
    ids=["comma", "in two", "quotes", "raw"],
)
def test_W7_a_name_is_read_whole(given: bytes, name: str) -> None:
    mail = read(b"From: " + given + b" <cy@acme.test>\n\nText")
    assert (mail.sender, mail.name) == ("cy@acme.test", name)


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-1", "“Paid” - 5 €".encode("cp1252"), "“Paid” - 5 €"),
        ("windows-874", "ขอบคุณ".encode("cp874"), "ขอบคุณ"),
        ("x-sjis", "ありがとう".encode("shift_jis"), "ありがとう"),
        ("utf-7", b"plain", "plain"),
        ("nonsense", "Réponse".encode(), "Réponse"),
    ],
)
def test_W8_text_is_read_as_browsers_read_it(charset: str, data: bytes, text: str) -> None:
    head = f"From: a@b.test\nContent-Type: text/plain; charset={charset}\n\n".encode()
    assert read(head + data).text == text


STATUS = (
    "Reporting-MTA: dns; mx.test\n\n{which}: {type}; bo@acme.test\nAction: failed\nStatus: 5.1.1\n"
)


@pytest.mark.parametrize("kind", ["delivery-status", "global-delivery-status"])
@pytest.mark.parametrize("coding", ["7bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("which", ["Final-Recipient", "Original-Recipient"])
def test_W9_a_bounce_is_one_however_it_is_written(kind: str, coding: str, which: str) -> None:
    address_type = "utf-8" if kind.startswith("global") else "rfc822"
    status = STATUS.format(which=which, type=address_type).encode()
    encoded = {
        "7bit": status,
        "base64": b64encode(status),
        "quoted-printable": encodestring(status),
    }
    raw = (
        b"From: mx@mx.test\nContent-Type: multipart/report; boundary=x\n\n--x\n"
        + f"Content-Type: message/{kind}\nContent-Transfer-Encoding: {coding}\n\n".encode()
        + encoded[coding]
        + b"\n--x\nContent-Type: message/rfc822\n\nMessage-ID: <1@demo.test>\n\nText\n--x--\n"
    )
    report = read(raw).report
    assert report is not None
    assert [(each.address, each.status, each.final) for each in report.failures] == [
        ("bo@acme.test", "5.1.1", True)
    ]
    assert report.about[0] == "<1@demo.test>"


def test_W9_a_forwarded_address_that_bounces_counts_for_ours_too() -> None:
    status = STATUS.format(which="Final-Recipient", type="rfc822").replace(
        "Action", "Original-Recipient: rfc822; info@acme.test\nAction"
    )
    raw = (
        "From: mx@mx.test\nContent-Type: multipart/report; boundary=x\n\n--x\n"
        f"Content-Type: message/delivery-status\n\n{status}\n--x--\n"
    )
    report = read(raw.encode()).report
    assert report is not None
    assert {each.address for each in report.failures} == {"bo@acme.test", "info@acme.test"}


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<p>New</p><blockquote type="cite">old refund text</blockquote>', "New"),
        ("<blockquote>Pay?</blockquote><p>Yes.</p><blockquote>When?</blockquote>Now.", "Yes. Now."),
        ("<p>New</p><blockquote>a<blockquote>b</blockquote>c</blockquote>", "New"),
        ("<p>New</p></blockquote><p>still new", "New still new"),
    ],
)
def test_W10_what_html_quotes_is_quoted(html: str, text: str) -> None:
    mail = read(b"From: a@b.test\nContent-Type: text/html\n\n" + html.encode())
    assert " ".join(mail.text.split()) == text


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Invoice",
        "Out of office",
        "Abwesenheitsnotiz: Ana",
        "Réponse automatique :",
    ],
)
def test_W11_an_answer_that_nobody_wrote_is_known_by_its_subject(subject: str) -> None:
    assert read(letter("ana@acme.test", subject)).automatic


def test_W11_a_person_may_write_of_the_office() -> None:
    assert read(letter("ana@acme.test", "Out of office chairs?")).automatic == ""


@pytest.mark.parametrize(("method", "machine"), [("REPLY", True), ("REQUEST", False)])
def test_W11_an_answer_to_an_invitation_is_a_machines(method: str, machine: bool) -> None:
    raw = (
        f"From: ana@acme.test\nSubject: Accepted: Meeting\nContent-Type: text/calendar; "
        f"method={method}\n\nBEGIN:VCALENDAR\n"
    )
    assert bool(read(raw.encode()).automatic) is machine
