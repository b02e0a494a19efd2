"""Mail: what a hostile record cannot make it say, and what every ending of a delivery means."""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.outside.smtp import (
    Delivery,
    Mail,
    MailRefused,
    address,
    build,
    check,
    deliver,
    message_id,
)
from engine.schema.addresses import BadAddress

MAIL = Mail(
    sender="billing@acme.example",
    sender_name="Acme billing",
    to=("ann@globex.example",),
    subject="Invoice 12",
    text="Dear Ann,\n\n.one dot\nfrom Zoë\n",
    message_id=message_id("run 1/tell_ann", "acme.example"),
    date=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
)


def read(wire: bytes) -> EmailMessage:
    message = message_from_bytes(wire, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def words(part: MIMEPart | None) -> str:
    """The text of a part; on the wire its lines end in CRLF."""
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# Addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ann@globex.example ", "ann@globex.example"),
        ("Ann.B+x@GLOBEX.Example", "Ann.B+x@globex.example"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_normalised(text: str, expected: str) -> None:
    assert address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@globex",
        "ann@localhost",
        "ann@[127.0.0.1]",
        "ann@a.example, bob@b.example",
        "ann@a.example;bob@b.example",
        "ann@a.example\r\nBcc: bob@b.example",
        "ann@a.example\0",
        "Ann <ann@a.example>",
        "<ann@a.example>",
        '"a b"@a.example',
        "ännä@a.example",
        "=?utf-8?q?x=0ABcc:b?=@a.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        address(text)


def test_the_same_key_gives_the_same_message_id() -> None:
    assert message_id("a", "x.example") == message_id("a", "x.example")
    assert message_id("a", "x.example") != message_id("b", "x.example")
    assert message_id("a", "x.example") != message_id("a", "x.example", b"our key")
    assert re.fullmatch(r"<[0-9a-f]{32}@x\.example>", message_id("a", "x.example"))


# Building


def test_a_mail_reads_as_it_was_written() -> None:
    message = read(
        build(
            replace(
                MAIL,
                sender_name='Zoë "Z" O, Sales',
                cc=("bob@globex.example", "eve@globex.example"),
                reply_to="desk@acme.example",
                subject="Über die Rechnung " + "sehr " * 30,
                html="<p>Hello Zoë</p>",
                attachments=(("Rechnung März.pdf", b"%PDF-1.7"), ("note.eml", b"From: x\n\ny")),
                unsubscribe="https://acme.example/u/" + "t" * 200,
                in_reply_to="<" + "m" * 120 + "@globex.example>",
            )
        )
    )
    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "From": '"Zoë \\"Z\\" O, Sales" <billing@acme.example>',
        "To": "ann@globex.example",
        "Cc": "bob@globex.example, eve@globex.example",
        "Reply-To": "desk@acme.example",
        "Subject": "Über die Rechnung " + ("sehr " * 30).strip(),
        "Date": "Sun, 01 Mar 2026 09:30:00 +0000",
        "Message-ID": MAIL.message_id,
        "In-Reply-To": "<" + "m" * 120 + "@globex.example>",
        "References": "<" + "m" * 120 + "@globex.example>",
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
        "List-Unsubscribe": "<https://acme.example/u/" + "t" * 200 + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
    }
    assert words(message.get_body(("plain",))) == MAIL.text
    assert words(message.get_body(("html",))) == "<p>Hello Zoë</p>\n"
    assert [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in message.iter_attachments()
    ] == [
        ("Rechnung März.pdf", "application/pdf", b"%PDF-1.7"),
        ("note.eml", "application/octet-stream", b"From: x\n\ny"),
    ]


@pytest.mark.parametrize(
    "name",
    ['O"Brien, Ann <a@b.example>', "back\\slash; (x): y.", "Zoë O, “Sales” <a@b>" + "ü" * 40],
)
def test_a_name_with_any_punctuation_stays_a_name(name: str) -> None:
    header = str(message_from_bytes(build(replace(MAIL, sender_name=name)))["From"])
    shown, at = parseaddr(header.replace("\r\n", ""))
    assert (str(make_header(decode_header(shown))), at) == (name, "billing@acme.example")


def test_long_identifiers_and_address_lists_are_never_encoded() -> None:
    many = tuple(f"{'x' * 60}{number}@{'d' * 60}.example" for number in range(20))
    wire = build(replace(MAIL, to=many, unsubscribe="https://acme.example/" + "t" * 300))
    assert b"<https://acme.example/" + b"t" * 300 + b">" in wire
    assert read(wire)["To"].addresses == tuple(
        read(build(replace(MAIL, to=(one,))))["To"].addresses[0] for one in many
    )
    assert b"=?" not in wire


def test_a_mail_with_only_html_has_only_html() -> None:
    message = read(build(replace(MAIL, text="", html="<p>Hi</p>")))
    assert (message.get_content_type(), words(message)) == ("text/html", "<p>Hi</p>\n")


def test_any_server_can_carry_it() -> None:
    wire = build(replace(MAIL, text="Zoë\0 \x1b[2J\rx\r\n" + "w" * 2000))
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert wire.isascii()
    assert b"\0" not in wire
    assert words(read(wire)) == "Zoë [2Jx\n" + "w" * 2000 + "\n"


ATTACKS = [
    "=?utf-8?q?hi=0ABcc:_eve@x.example?=",
    "=?utf-8?b?aGkKQmNjOiBldmls?=",
    "a\r\nBcc: eve@x.example",
    "a\nBcc: eve@x.example",
    "a\u2028Bcc: eve@x.example",
    "\x85Bcc: eve@x.example",
    "x=?UTF-8?Q?=0A?=Bcc: eve@x.example",
    "=?utf-8?q?=0A=0A<h1>body</h1>?=",
    "=\u202e?utf-8?q?=0ABcc:_eve@x.example?=",
    "\ud800 lonely",
]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("where", ["subject", "sender_name"])
def test_a_value_never_leaves_its_header(where: str, attack: str) -> None:
    kept = {"subject": MAIL.subject, "sender_name": MAIL.sender_name, where: attack}
    message = read(build(replace(MAIL, subject=kept["subject"], sender_name=kept["sender_name"])))
    assert message.keys() == read(build(MAIL)).keys()
    assert words(message) == MAIL.text
    assert [one.addr_spec for one in message["From"].addresses] == ["billing@acme.example"]


@pytest.mark.parametrize("attack", [*ATTACKS, "../../etc/passwd", 'a"\r\nX: 1.pdf', "..", ""])
def test_a_file_name_never_leaves_its_part(attack: str) -> None:
    parts = list(read(build(replace(MAIL, attachments=((attack, b"data"),)))).walk())
    assert [part.keys() for part in parts[1:]] == [
        ["Content-Type", "Content-Transfer-Encoding"],
        ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version"],
    ]
    name = parts[2].get_filename() or ""
    assert name
    assert not re.search(r"[/\\\r\n]", name)


@pytest.mark.parametrize(
    "attack",
    ["<a\r\nBcc: eve@x.example>", "<=?utf-8?q?=0ABcc:_eve?=@x>", "a, b", "<a> <b>", "<" * 300],
)
def test_a_foreign_message_id_that_is_none_is_left_out(attack: str) -> None:
    assert build(replace(MAIL, in_reply_to=attack)) == build(MAIL)


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.sampled_from(["", "=?utf-8?q?", "=?utf-8?b?"]),
    st.sampled_from(["", "?=", "=0A?=", "=0ABcc:_e?="]),
)
def test_no_text_gets_out_of_its_header(text: str, before: str, after: str) -> None:
    message = read(build(replace(MAIL, subject=before + text + after, sender_name=text)))
    assert message.keys() == read(build(MAIL)).keys()
    assert words(message) == MAIL.text


@pytest.mark.parametrize(
    ("mail", "sentence"),
    [
        (
            replace(MAIL, attachments=(("a.bin", bytes(6_000_000)), ("b.bin", bytes(6_000_000)))),
            "The attachments are over 10 MB together; send a link to them.",
        ),
        (
            replace(MAIL, to=()),
            "The mail is addressed to nobody; give at least one address in `to`.",
        ),
        (
            replace(MAIL, unsubscribe="javascript:alert(1)"),
            "The unsubscribe link must be a plain https:// address.",
        ),
        (
            replace(MAIL, message_id="<a>\r\nBcc: eve@x.example"),
            "The Message-ID is not one; make it with `message_id`.",
        ),
    ],
)
def test_a_mail_that_cannot_be_right_is_refused(mail: Mail, sentence: str) -> None:
    with pytest.raises(MailRefused, match=re.escape(sentence)):
        build(mail)


# The address of the server


@pytest.mark.parametrize(
    "url",
    [
        "smtp://localhost",
        "smtp://localhost:1025?starttls=never",
        "smtps://me%40acme.example:p%2Fw@mail.acme.example:465",
        "smtp+starttls://me:pw@mail.acme.example",
        "smtp://[::1]:25",
    ],
)
def test_a_usable_server_address_has_no_problem(url: str) -> None:
    assert check(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.acme.example",
        "https://mail.acme.example",
        "smtp://",
        "smtp://host:port",
        "smtp://me:hunter2/x@host",
        "smtp://me:hunter2#x@host:25",
        "smtp://host:25/path",
        "smtp://me@host",
        "smtp://me:hünter2@host",
        "smtp://host?starttls=no",
        "smtps://host?starttls=never",
        "smtp://ho st",
    ],
)
def test_an_unusable_server_address_is_explained_without_its_password(url: str) -> None:
    sentence = check(url)
    assert sentence is not None
    assert "hunter2" not in sentence
    assert deliver(url, MAIL) == Delivery("failed", sentence)


# Delivering to a real server


@dataclass
class Postbox:
    """What the server took."""

    taken: list[Envelope] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(
        self,
        _server: Server,
        _session: Session,
        envelope: Envelope,
        recipient: str,
        _options: list[str],
    ) -> str:
        if words := self.refuse.get(recipient):
            return words
        envelope.rcpt_tos.append(recipient)
        return "250 welcome"

    async def handle_DATA(self, _server: Server, _session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return "250 queued as 4711"


class Anywhere(Controller):
    """Listens on whatever port is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library has no types here


@contextmanager
def serving(
    postbox: Postbox, wrapped: ssl.SSLContext | None = None, **options: Any
) -> Iterator[int]:
    controller = Anywhere(postbox, "127.0.0.1", 0, ssl_context=wrapped, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def test_a_mail_arrives_byte_for_byte() -> None:
    postbox = Postbox()
    mail = replace(MAIL, cc=("bob@globex.example", "ann@globex.example"))
    with serving(postbox) as port:
        delivery = deliver(f"smtp://127.0.0.1:{port}", mail)
    assert delivery == Delivery("sent", "250 queued as 4711")
    [envelope] = postbox.taken
    assert envelope.mail_from == "billing@acme.example"
    assert envelope.rcpt_tos == ["ann@globex.example", "bob@globex.example"]
    assert envelope.content == build(mail)
    assert words(read(build(mail))) == MAIL.text


def test_one_refused_recipient_does_not_stop_the_others() -> None:
    postbox = Postbox(refuse={"bob@globex.example": "550 no such user"})
    with serving(postbox) as port:
        delivery = deliver(f"smtp://127.0.0.1:{port}", replace(MAIL, cc=("bob@globex.example",)))
    assert delivery == Delivery(
        "sent", "250 queued as 4711", (("bob@globex.example", "550 no such user"),)
    )
    assert postbox.taken[0].rcpt_tos == ["ann@globex.example"]


def test_a_recipient_answered_with_closing_sends_to_nobody() -> None:
    postbox = Postbox(refuse={"bob@globex.example": "421 too many of you"})
    with serving(postbox) as port:
        delivery = deliver(f"smtp://127.0.0.1:{port}", replace(MAIL, cc=("bob@globex.example",)))
    assert delivery.state == "retry"
    assert postbox.taken == []


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (("550 gone", "553 gone"), "failed"),
        (("451 later", "450 later"), "retry"),
        (("451 later", "550 gone"), "retry"),
    ],
)
def test_when_all_recipients_are_refused_nothing_is_sent(
    answers: tuple[str, str], state: str
) -> None:
    everyone = ("ann@globex.example", "bob@globex.example")
    postbox = Postbox(refuse=dict(zip(everyone, answers, strict=True)))
    with serving(postbox) as port:
        delivery = deliver(f"smtp://127.0.0.1:{port}", replace(MAIL, to=everyone))
    assert delivery == Delivery(
        state,  # type: ignore[arg-type]  # a parameter cannot be a literal
        f"Not sent: the mail server 127.0.0.1:{port} refused every address.",
        tuple(zip(everyone, answers, strict=True)),
    )
    assert postbox.taken == []


def test_a_mail_that_cannot_be_built_is_never_sent() -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        delivery = deliver(f"smtp://127.0.0.1:{port}", replace(MAIL, to=("ann@a, b@c",)))
    told = "This is more than one mail address; write a single one."
    assert delivery == Delivery("failed", told, (("ann@a, b@c", told),))
    assert postbox.taken == []


# Signing in and encryption


@dataclass
class Door:
    """Lets `me` in with `hunter2`, and remembers who knocked."""

    knocked: list[object] = field(default_factory=list)

    def __call__(
        self, _server: Server, _session: Session, _envelope: Envelope, _how: str, given: object
    ) -> AuthResult:
        self.knocked.append(given)
        return AuthResult(success=given == LoginPassword(b"me", b"hunter2"), handled=False)


def test_a_right_password_signs_in() -> None:
    postbox, door = Postbox(), Door()
    with serving(postbox, authenticator=door, auth_require_tls=False) as port:
        url = f"smtp://me:hunter2@127.0.0.1:{port}?starttls=never"
        assert deliver(url, MAIL) == Delivery("sent", "250 queued as 4711")
    assert door.knocked == [LoginPassword(b"me", b"hunter2")]


def test_a_wrong_password_fails_and_is_not_repeated() -> None:
    postbox = Postbox()
    with serving(postbox, authenticator=Door(), auth_require_tls=False) as port:
        delivery = deliver(f"smtp://me:hunter3@127.0.0.1:{port}?starttls=never", MAIL)
    assert delivery.state == "failed"
    assert "535" in delivery.detail
    assert "hunter3" not in delivery.detail
    assert postbox.taken == []


def test_a_password_is_not_sent_in_the_clear() -> None:
    postbox, door = Postbox(), Door()
    with serving(postbox, authenticator=door, auth_require_tls=False) as port:
        delivery = deliver(f"smtp://me:hunter2@127.0.0.1:{port}", MAIL)
    assert delivery.state == "retry"
    assert "no encryption, so the password was not sent" in delivery.detail
    assert (door.knocked, postbox.taken) == ([], [])


def test_required_encryption_that_is_not_offered_sends_nothing() -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        delivery = deliver(f"smtp+starttls://127.0.0.1:{port}", MAIL)
    assert delivery.state == "retry"
    assert "it does not offer STARTTLS" in delivery.detail
    assert postbox.taken == []


@dataclass
class Tls:
    context: ssl.SSLContext
    pem: Path


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A self-signed server that calls itself localhost."""
    pem = tmp_path_factory.mktemp("tls") / "localhost.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kind = serialization.Encoding.PEM
    private = key.private_bytes(
        kind, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + signed.public_bytes(kind))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return Tls(context, pem)


def test_offered_encryption_is_used(tls: Tls) -> None:
    postbox = Postbox()
    with serving(postbox, tls_context=tls.context, require_starttls=True) as port:
        assert deliver(f"smtp://127.0.0.1:{port}", MAIL).state == "sent"
        assert deliver(f"smtp://127.0.0.1:{port}?starttls=never", MAIL).state == "failed"


@pytest.mark.parametrize("url", ["smtp+starttls://localhost", "smtp://me:hunter2@localhost"])
def test_where_encryption_matters_the_server_must_prove_itself(
    tls: Tls, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    postbox = Postbox()
    with serving(postbox, tls_context=tls.context, authenticator=Door()) as port:
        delivery = deliver(f"{url}:{port}", MAIL)
        assert delivery.state == "retry"
        assert "CERTIFICATE_VERIFY_FAILED" in delivery.detail
        monkeypatch.setenv("SSL_CERT_FILE", str(tls.pem))
        assert deliver(f"{url}:{port}", MAIL).state == "sent"
        assert deliver(f"{url}:{port}".replace("localhost", "127.0.0.1"), MAIL).state == "retry"
    assert len(postbox.taken) == 1


def test_a_connection_can_be_encrypted_from_the_start(
    tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    postbox = Postbox()
    with serving(postbox, tls.context) as port:
        assert deliver(f"smtps://localhost:{port}", MAIL).state == "retry"
        monkeypatch.setenv("SSL_CERT_FILE", str(tls.pem))
        assert deliver(f"smtps://localhost:{port}", MAIL).state == "sent"
    assert len(postbox.taken) == 1


# Every way it can go wrong

DROP, STALL, DRIP = "drop", "stall", "drip"
PHASES = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"]
REPLIES = {
    "greeting": "220 hello",
    "EHLO": "250-me\r\n250 SIZE 50000000",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "body": "",
    "dot": "250 queued",
    "QUIT": "221 bye",
}


class Acted(Exception):
    """The server has done what it was told to do badly; the conversation is over."""


@dataclass
class Script:
    """A server that says what it is told, at each phase of one conversation."""

    replies: dict[str, str]
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def talk(self, connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        try:
            self.say(connection, "greeting")
            while line := lines.readline():
                verb = line.split()[0].decode().upper()
                self.say(connection, verb)
                if verb == "DATA" and self.replies[verb].startswith("354"):
                    self.say(connection, "body")
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    self.say(connection, "dot")
        except (Acted, OSError):
            return
        finally:
            lines.close()

    def say(self, connection: socket.socket, phase: str) -> None:
        match self.replies.get(phase, "502 what?"):
            case "drop":
                raise Acted
            case "stall":
                self.over.wait(5)
                raise Acted
            case "drip":
                while not self.over.wait(0.05):
                    connection.sendall(b"2")
                raise Acted
            case "":
                return
            case words:
                connection.sendall(f"{words}\r\n".encode())


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        running: list[tuple[Script, threading.Thread]] = []

        def start(**replies: str) -> Script:
            script = Script({**REPLIES, **replies}, server.getsockname()[1])

            def run() -> None:
                connection, _ = server.accept()
                with connection:
                    script.talk(connection)

            running.append((script, threading.Thread(target=run)))
            running[-1][1].start()
            return script

        yield start
        for script, thread in running:
            script.over.set()
            thread.join()


def outcome(script: Script, mail: Mail = MAIL, timeout: float = 5.0) -> str:
    return deliver(f"smtp://127.0.0.1:{script.port}", mail, timeout=timeout).state


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("words", "state"),
    [("421 closing", "retry"), ("451 later", "retry"), ("550 never", "failed")],
)
def test_a_refusal_in_any_phase_is_what_its_number_says(
    script: Callable[..., Script], phase: str, words: str, state: str
) -> None:
    # A server that refuses EHLO is greeted with HELO, so both are refused here.
    replies = {phase: words, "HELO": words} if phase == "EHLO" else {phase: words}
    assert outcome(script(**replies)) == state


def test_an_old_server_without_ehlo_will_do(script: Callable[..., Script]) -> None:
    assert outcome(script(EHLO="502 what?", HELO="250 hello")) == "sent"


def test_the_words_of_the_server_are_told(script: Callable[..., Script]) -> None:
    server = script(MAIL="451 4.7.1 Greylisted,\x1b[2J try again")
    assert deliver(f"smtp://127.0.0.1:{server.port}", MAIL) == Delivery(
        "retry",
        f"Not sent: the mail server 127.0.0.1:{server.port} said"
        " 451 4.7.1 Greylisted, [2J try again",
    )


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("fault", [DROP, STALL, DRIP])
def test_silence_means_not_sent_until_the_dot_and_unknown_after(
    script: Callable[..., Script], phase: str, fault: str
) -> None:
    began = time.monotonic()
    state = outcome(script(**{phase: fault}), timeout=0.3 if fault != DROP else 5.0)
    assert state == ("unknown" if phase == "dot" else "retry")
    assert time.monotonic() - began < 3.5


def test_a_connection_lost_while_the_text_goes_out_means_not_sent(
    script: Callable[..., Script],
) -> None:
    big = replace(MAIL, attachments=(("big.bin", bytes(9_000_000)),))
    assert outcome(script(body=DROP), big) == "retry"
    assert outcome(script(body=STALL), big, timeout=0.5) == "retry"


def test_an_answer_that_makes_no_sense_after_the_dot_is_unknown(
    script: Callable[..., Script],
) -> None:
    assert outcome(script(dot="hello?")) == "unknown"


def test_losing_the_goodbye_changes_nothing(script: Callable[..., Script]) -> None:
    assert outcome(script(QUIT=DROP)) == "sent"


def test_a_password_a_server_repeats_is_hidden(script: Callable[..., Script]) -> None:
    server = script(EHLO="250-me\r\n250 AUTH PLAIN", AUTH="535 AG1lAGh1bnRlcjI= (hunter2) is wrong")
    delivery = deliver(f"smtp://me:hunter2@127.0.0.1:{server.port}?starttls=never", MAIL)
    assert delivery == Delivery(
        "failed",
        f"Not sent: the mail server 127.0.0.1:{server.port} said 535 ••• (•••) is wrong",
    )


def test_a_server_that_is_not_there_means_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert deliver(f"smtp://127.0.0.1:{port}", MAIL).state == "retry"


def test_W12_our_mail_asks_for_no_automatic_answer_and_still_for_bounces() -> None:
    asked = str(read(build(MAIL))["X-Auto-Response-Suppress"]).split(", ")
    assert "OOF" in asked
    assert not {"All", "NDR"} & set(asked)
