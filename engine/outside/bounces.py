"""What mail servers report of mail they could not deliver, and of readers who complain of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from typing import Literal

from flufl.bounce import all_failures

MOST_TEXT, MOST_FAILURES = 64_000, 50
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
# What speaks of the mail, the moment or the reputation of the sender, and not of the address.
PASSING = re.compile(r"5\.(?:2\.[234]|3\.\d+|4\.[2-9]|5\.\d+|6\.\d+|7\.\d+)$")
_NAMED = re.compile(r"^[ \t]*message-id:[ \t]*(<[!-;=?-~]{3,250}>)", re.IGNORECASE | re.MULTILINE)
_MACHINE = re.compile(r"(?:mailer-daemon|postmaster)@", re.IGNORECASE)


@dataclass(frozen=True)
class Failure:
    """One address that a mail did not reach: the enhanced status (RFC 3463), the server's words."""

    address: str
    status: str
    said: str
    final: bool

    @property
    def gone(self) -> bool:
        """Whether there is no such mailbox, so that writing to it again is of no use."""
        return self.final and self.status.startswith("5") and not PASSING.match(self.status)


@dataclass(frozen=True)
class Report:
    """A bounce or a complaint, and the Message-IDs of the mail it may be about."""

    kind: Literal["bounce", "complaint"]
    failures: tuple[Failure, ...]
    about: tuple[str, ...]


def report_of(message: Message) -> Report | None:
    """The report that a received mail is; None if it is none."""
    parts = {part.get_content_type(): part for part in message.walk()}
    if feedback := parts.get("message/feedback-report"):
        told = tuple(_complaints(feedback))
        return Report("complaint", told, tuple(_about(message)))
    delivery = parts.get("message/delivery-status") or parts.get("message/global-delivery-status")
    if delivery:
        return _bounce(_blocks(delivery), message)
    return _in_words(message)


def _bounce(failures: Iterable[Failure], message: Message) -> Report | None:
    found = tuple(failures)[:MOST_FAILURES]
    return Report("bounce", found, tuple(_about(message))) if found else None


def _complaints(part: Message) -> Iterator[Failure]:
    for block in _inside(part):
        for name in ("Original-Rcpt-To", "Removal-Recipient"):
            for address in block.get_all(name, ())[:MOST_FAILURES]:
                said = f"marked as {_line(block, 'Feedback-Type') or 'spam'}"
                yield Failure(_bare(str(address)), "", said, final=True)


def _blocks(part: Message) -> Iterator[Failure]:
    """The recipients of a delivery status (RFC 3464), those that it is about."""
    for block in _inside(part):
        action = _line(block, "Action").lower()
        final = action.startswith(("fail", "error"))
        named = [_line(block, f"{which}-Recipient") for which in ("Original", "Final")]
        if final or action.startswith("delayed"):
            said = _line(block, "Diagnostic-Code").partition(";")[2].strip()
            found = STATUS.search(_line(block, "Status")) or STATUS.search(said)
            status = found[1] if found else "5.0.0" if final else "4.0.0"
            addresses = dict.fromkeys(_bare(each.rpartition(";")[2]) for each in named if each)
            yield from (Failure(each, status, said or status, final) for each in addresses)


def _in_words(message: Message) -> Report | None:
    """What older servers write for people alone: qmail, Exim, Exchange and their like."""
    whole = "\n".join(_texts(message))[:MOST_TEXT]
    named = str(message.get("X-Failed-Recipients", ""))
    if not (named or _MACHINE.search(str(message.get("From", "")))):
        return None
    short = Message()
    for name in ("From", "Subject", "Content-Type", "X-Failed-Recipients"):
        if name in message and not (name == "Content-Type" and message.is_multipart()):
            short[name] = str(message[name])
    short.set_payload(whole)
    passing, lasting = all_failures(short)
    gone = {address.decode("ascii", "replace") for address in lasting}
    gone |= {_bare(address) for address in named.split(",") if "@" in address}
    late = {address.decode("ascii", "replace") for address in passing} - gone
    found = STATUS.search(whole)
    status = found[1] if found and found[1].startswith("5") else "5.0.0"
    said = next((line.strip() for line in whole.splitlines() if status in line), "")[:300]
    every = [Failure(each, status, said or "it came back", final=True) for each in sorted(gone)]
    every += [Failure(each, "4.0.0", "delayed", final=False) for each in sorted(late)]
    return _bounce(every, message)


def _about(message: Message) -> Iterator[str]:
    """The Message-IDs of the mail that came back: of the copy it holds, or that it answers."""
    for part in message.walk():
        if part is not message and part.get("Message-ID"):
            yield from MESSAGE_ID.findall(str(part["Message-ID"]))[:1]
    yield from _NAMED.findall("\n".join(_texts(message))[:MOST_TEXT])[:5]
    for name in ("In-Reply-To", "References"):
        yield from MESSAGE_ID.findall(str(message.get(name, ""))[:4000])[-5:]


def _texts(message: Message) -> Iterator[str]:
    for part in message.walk():
        kind = part.get_content_type()
        if kind in ("text/plain", "text/rfc822-headers", "message/rfc822-headers"):
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):
                yield data[:MOST_TEXT].decode("utf-8", "replace")


def _inside(part: Message) -> list[Message]:
    """The blocks of headers that a part consists of, whichever way it is encoded."""
    blocks = part.get_payload()
    held = [each for each in blocks if isinstance(each, Message)] if part.is_multipart() else []
    coding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    international = part.get_content_type() == "message/global-delivery-status"
    if held and not international and coding not in ("base64", "quoted-printable"):
        return held
    text = "\n\n".join(each.as_string() for each in held) if held else str(blocks)
    plain = Message()
    plain.set_payload(text)
    plain["Content-Transfer-Encoding"] = coding or "8bit"
    decoded = plain.get_payload(decode=True)
    words = decoded.decode("utf-8", "replace") if isinstance(decoded, bytes) else text
    return [message_from_string(each.strip()) for each in re.split(r"\n\s*\n", words[:MOST_TEXT])]


def _line(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())[:300]


def _bare(address: str) -> str:
    return address.strip().strip("<>").strip().removeprefix("rfc822;").strip()[:320]
