"""Build one mail that says only what it should, hand it to a server, and know how that went."""

import base64
import hashlib
import hmac
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from textwrap import wrap
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from engine.outside.egress import trust
from engine.outside.media import media_type
from engine.schema.addresses import BadAddress, mail_address

MOST_ATTACHED = 10_000_000


class MailRefused(ValueError):
    """This mail cannot be built so that it says exactly what it should."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail, as it is to arrive. Everything but the addresses may come from anyone."""

    sender: str
    sender_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[tuple[str, bytes], ...] = ()
    message_id: str
    unsubscribe: str = ""
    in_reply_to: str = ""
    date: datetime


@dataclass(frozen=True)
class Delivery:
    """How handing over a mail went.

    sent: the server has it, for all but the `refused` (who, and the server's words).
    retry: it was not sent; trying later can help. failed: it was not sent, and never will be.
    unknown: it may have been sent; only a person should send it again.
    """

    state: Literal["sent", "retry", "failed", "unknown"]
    detail: str
    refused: tuple[tuple[str, str], ...] = ()


def address(text: str) -> str:
    """One address that may stand in a mail. Raises `BadAddress`."""
    return mail_address(text)


def message_id(key: str, domain: str, secret: bytes = b"") -> str:
    """The Message-ID for a key: the same step always sends the same one.

    Without the secret nobody can guess it, so who names it in a bounce or an answer has seen it.
    """
    return f"<{hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()[:32]}@{domain}>"


def build(mail: Mail) -> bytes:
    """The mail as it goes over the wire; MailRefused or BadAddress if that cannot be done safely.

    A record's text ends up where it belongs and nowhere else: the result is read back and compared.
    An `in_reply_to` that is no proper Message-ID is left out.
    """
    headers, content = list(_headers(mail)), _content(mail)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    wire = lines.encode("ascii") + content.as_bytes()
    _compare(headers, content, wire)
    return wire


def deliver(url: str, mail: Mail, *, timeout: float = 30.0) -> Delivery:
    """Hand the mail to the server, which has `timeout` seconds for each of its answers."""
    if problem := check(url):
        return Delivery("failed", problem)
    wire = _built(mail)
    if isinstance(wire, Delivery):
        return wire
    server = _Server(url)
    try:
        with _session(server, timeout) as client:
            return _hand_over(client, server, mail, wire)
    except smtplib.SMTPResponseException as answer:
        return _judged(server, answer.smtp_code, answer.smtp_error)
    except OSError as lost:  # All that smtplib, ssl and socket raise when there is no answer.
        detail = f"Not sent: {server.name} could not be used ({lost})."
        return Delivery("retry", server.hush(detail))


def unfit(mail: Mail) -> Delivery | None:
    """How the mail fails whatever server is asked to take it; None if one may be asked."""
    built = _built(mail)
    return built if isinstance(built, Delivery) else None


def _built(mail: Mail) -> bytes | Delivery:
    try:
        return build(mail)
    except MailRefused as refusal:
        return Delivery("failed", str(refusal))
    except BadAddress as refusal:
        return Delivery("failed", str(refusal), tuple(_misspelt(mail)))


def _misspelt(mail: Mail) -> Iterator[tuple[str, str]]:
    """The recipients that are no addresses, each with why."""
    for one in (*mail.to, *mail.cc):
        try:
            address(one)
        except BadAddress as bad:
            yield one, str(bad)


def check(url: str) -> str | None:
    """Why mail cannot be sent with this server address, if it cannot. Never shows the address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"The mail server address cannot be read ({_ESCAPES}); {_LIKE}."
    if parts.scheme not in _PORTS:
        return f"The mail server address begins with none of {', '.join(_PORTS)}; {_LIKE}."
    if not host or not re.fullmatch(r"[a-z0-9._:-]+", host) or port == 0:
        return f"The mail server address has no host or a wrong one; {_LIKE}."
    if parts.path.strip("/") or parts.fragment:
        return f"The mail server address goes on after the host ({_ESCAPES}); {_LIKE}."
    if parts.query not in ("", "starttls=never") or (parts.query and parts.scheme != "smtp"):
        return "The mail server address may only end in ?starttls=never, and only with smtp://."
    if bool(parts.username) != bool(parts.password):
        return "The mail server address needs both a user and a password, or neither."
    if not re.fullmatch(r"[ -~]*", unquote(f"{parts.username or ''}{parts.password or ''}")):
        return "The user and password of the mail server can only have ASCII characters."
    return None


_LIKE = "write one like smtp+starttls://user:password@mail.example.com:587"
_ESCAPES = "in a password, write / # ? @ as %2F %23 %3F %40"
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MESSAGE_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,250}>")
# Without 8-bit parts any server takes the mail as it is.
_POLICY = SMTP.clone(cte_type="7bit")


def _headers(mail: Mail) -> Iterator[tuple[str, str]]:
    """Names and values, just as they go over the wire.

    We write them ourselves: Python's library encodes long identifiers, so that no mail program can
    read them, and quotes some names so that it cannot read them back.
    """
    yield "From", _person(_tidy(mail.sender_name, 80), address(mail.sender))
    if not mail.to:
        raise MailRefused("The mail is addressed to nobody; give at least one address in `to`.")
    yield "To", _addresses(mail.to)
    if mail.cc:
        yield "Cc", _addresses(mail.cc)
    if mail.reply_to:
        yield "Reply-To", address(mail.reply_to)
    yield "Subject", _words(_tidy(mail.subject, 300))
    yield "Date", format_datetime(mail.date)
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise MailRefused("The Message-ID is not one; make it with `message_id`.")
    yield "Message-ID", mail.message_id
    replies = bool(_MESSAGE_ID.fullmatch(mail.in_reply_to))
    if replies:
        yield "In-Reply-To", mail.in_reply_to
        yield "References", mail.in_reply_to
    # RFC 3834: so that no machine answers a machine.
    yield "Auto-Submitted", "auto-replied" if replies else "auto-generated"
    # Not All, which would ask Exchange for no report of a mail that did not arrive either.
    yield "X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"
    if mail.unsubscribe:
        if not re.fullmatch(r"https://(?!.*=\?)[!-;=?-~]{1,800}", mail.unsubscribe):
            raise MailRefused("The unsubscribe link must be a plain https:// address.")
        yield "List-Unsubscribe", f"<{mail.unsubscribe}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _addresses(given: Iterable[str]) -> str:
    return ",\r\n ".join(address(one) for one in given)


def _person(name: str, at: str) -> str:
    if not name:
        return at
    shown = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' if name.isascii() else _words(name)
    return f"{shown}\r\n <{at}>"


def _words(text: str) -> str:
    """Text in a header, in lines of a readable length."""
    if text.isascii():
        return "\r\n ".join(wrap(text, 66, break_long_words=False, break_on_hyphens=False))
    return Header(text, "utf-8", maxlinelen=66).encode(linesep="\r\n")


def _content(mail: Mail) -> EmailMessage:
    """The parts of the mail, with the headers that describe them."""
    message = EmailMessage(policy=_POLICY)
    if mail.text or not mail.html:
        message.set_content(_body(mail.text))
        if mail.html:
            message.add_alternative(_body(mail.html), subtype="html")
    else:
        message.set_content(_body(mail.html), subtype="html")
    if sum(len(data) for _, data in mail.attachments) > MOST_ATTACHED:
        raise MailRefused("The attachments are over 10 MB together; send a link to them.")
    for given, data in mail.attachments:
        name = _file_name(given)
        kind, _, subtype = media_type(name, data).partition("/")
        message.add_attachment(data, maintype=kind, subtype=subtype, filename=name)
    return message


def _tidy(text: str, limit: int) -> str:
    """Text fit for one line of a header.

    Whoever handles the mail with a Python before 3.11.10, ourselves for file names included, would
    decode an encoded-word in it and write out the line break inside (CVE-2024-6923).
    """
    words = _CONTROL.sub(" ", _encodable(text)).replace("=?", "=\u200b?").split()
    return " ".join(words)[:limit].strip()


def _body(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", _encodable(text).replace("\r\n", "\n"))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _file_name(given: str) -> str:
    last = _tidy(given, 300).replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[^\w. ()+-]+", "_", last)[-120:].strip(". ") or "file"


def _compare(headers: list[tuple[str, str]], content: EmailMessage, wire: bytes) -> None:
    """Read the mail as a receiver would, and refuse it unless that finds what was put in."""
    read = message_from_bytes(wire)
    meant, found = list(content.walk()), list(read.walk())
    outline = [
        [name for name, _ in headers] + meant[0].keys(),
        *(part.keys() for part in meant[1:]),
    ]
    if read.items()[: len(headers)] != headers or [part.keys() for part in found] != outline:
        raise MailRefused("The mail would not arrive as written; remove unusual characters.")
    if re.search(rb"(?<!\r)\n|\r(?!\n)|\0|[\x80-\xff]", wire):
        raise MailRefused("The mail has characters that cannot be sent; remove them.")


class _Server:
    """A mail server as its address describes it."""

    def __init__(self, url: str) -> None:
        parts: SplitResult = urlsplit(url)
        self.scheme, self.never = parts.scheme, parts.query == "starttls=never"
        self.host, self.port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.name = f"the mail server {self.host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Prove who is there, except where encryption is a bonus and no password is sent."""
        context = trust()
        if self.scheme == "smtp" and not self.password:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def hush(self, words: str) -> str:
        """The words without the password, should a server have repeated it."""
        if not self.password:
            return words
        for secret in (self.password, f"\0{self.user}\0{self.password}"):
            packed = base64.b64encode(secret.encode()).decode()
            words = words.replace(secret, "•••").replace(packed, "•••")
        return words


class _Plain(smtplib.SMTP):
    """A connection that also cuts off an answer that drips: a socket only limits silence."""

    def getreply(self) -> tuple[int, bytes]:
        late = threading.Event()
        timer = threading.Timer(self.timeout, self._cut, [late])
        timer.daemon = True
        timer.start()
        try:
            reply = super().getreply()
        finally:
            timer.cancel()
        if late.is_set():  # What had come by then reads like an answer, but is half of one.
            self.close()
            raise smtplib.SMTPServerDisconnected("Its answer took too long")
        return reply

    def _cut(self, late: threading.Event) -> None:
        late.set()
        with suppress(OSError):
            if self.sock:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Wrapped(_Plain, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


@contextmanager
def _session(server: _Server, timeout: float) -> Iterator[smtplib.SMTP]:
    """A connection that is ready to take mail."""
    client = _connected(server, timeout)
    try:
        _introduce(client)
        if client.has_extn("starttls") and server.scheme != "smtps" and not server.never:
            client.starttls(context=server.context())
            _introduce(client)
        elif server.scheme == "smtp+starttls":
            raise smtplib.SMTPNotSupportedError("it does not offer STARTTLS")
        elif server.scheme == "smtp" and server.password and not server.never:
            raise smtplib.SMTPNotSupportedError(
                "it offers no encryption, so the password was not sent; end the address in"
                " ?starttls=never if that is safe"
            )
        if server.password:
            client.login(server.user, server.password)
        yield client
    finally:
        _leave(client)


def _connected(server: _Server, timeout: float) -> smtplib.SMTP:
    own = socket.gethostname()
    name = own if "." in own else "[127.0.0.1]"
    if server.scheme == "smtps":
        return _Wrapped(server.host, server.port, name, timeout=timeout, context=server.context())
    return _Plain(server.host, server.port, name, timeout=timeout)


def _introduce(client: smtplib.SMTP) -> None:
    code, words = client.ehlo()
    if 500 <= code < 600:
        code, words = client.helo()
    _expect((code, words), 250)


def _leave(client: smtplib.SMTP) -> None:
    """Say goodbye, without letting that change how the delivery went."""
    with suppress(OSError):
        if client.sock:
            client.sock.settimeout(2)
            client.quit()
    client.close()


def _hand_over(client: smtplib.SMTP, server: _Server, mail: Mail, wire: bytes) -> Delivery:
    """The exchange that decides: up to the final dot nothing is sent, after it all may be."""
    size = [f"size={len(wire)}"] if client.has_extn("size") else []
    _expect(client.mail(address(mail.sender), size), 250)
    refused = _name_recipients(client, server, mail)
    if isinstance(refused, Delivery):
        return refused
    _expect(client.docmd("DATA"), 354)
    client.send(re.sub(rb"(?m)^\.", b"..", wire))
    client.send(b".\r\n")
    try:
        code, words = client.getreply()
    except OSError as lost:
        return _unconfirmed(server, str(lost), refused)
    if 200 <= code < 300:
        return Delivery("sent", server.hush(_said(code, words)), refused)
    if 400 <= code < 600:
        return _judged(server, code, words)
    return _unconfirmed(server, _said(code, words), refused)


def _name_recipients(
    client: smtplib.SMTP, server: _Server, mail: Mail
) -> tuple[tuple[str, str], ...] | Delivery:
    """Who was refused; or the end of it, if all were."""
    everyone = list(dict.fromkeys(address(one) for one in (*mail.to, *mail.cc)))
    codes: list[int] = []
    refused: list[tuple[str, str]] = []
    for one in everyone:
        code, words = client.rcpt(one)
        if code == 421:  # It is closing the connection, whatever it said about the others.
            raise smtplib.SMTPResponseException(code, words)
        if code not in (250, 251, 252):
            codes.append(code)
            refused.append((one, server.hush(_said(code, words))))
    if len(refused) < len(everyone):
        return tuple(refused)
    state: Literal["failed", "retry"] = (
        "failed" if all(500 <= code < 600 for code in codes) else "retry"
    )
    return Delivery(state, f"Not sent: {server.name} refused every address.", tuple(refused))


def _expect(reply: tuple[int, bytes], wanted: int) -> None:
    if reply[0] != wanted:
        raise smtplib.SMTPResponseException(*reply)


def _judged(server: _Server, code: int, words: bytes | str) -> Delivery:
    """What an answer means that is not the one we need."""
    state: Literal["failed", "retry"] = "failed" if 500 <= code < 600 else "retry"
    return Delivery(state, server.hush(f"Not sent: {server.name} said {_said(code, words)}"))


def _unconfirmed(server: _Server, why: str, refused: tuple[tuple[str, str], ...]) -> Delivery:
    detail = f"It may have been sent: {server.name} took it and did not confirm it ({why})."
    return Delivery("unknown", server.hush(detail), refused)


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {_tidy(text, 300)}"


def paragraphs(text: str) -> str:
    """Plain text as simple HTML: nothing in it is a tag."""
    blocks = [escape(block).replace("\n", "<br>") for block in text.split("\n\n")]
    return "".join(f"<p>{block}</p>" for block in blocks)
