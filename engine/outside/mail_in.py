"""A mail as it came in, read: who wrote what to whom. It may be anything; nothing is believed."""

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice

import nh3
import webencodings

from engine.outside.bounces import MESSAGE_ID, Report, report_of
from engine.outside.unquoted import unquoted
from engine.schema.addresses import BadAddress, mail_address

LARGEST = 25 * 1024 * 1024
MOST_TEXT, MOST_FILES, MOST_PARTS, MOST_PEOPLE = 100_000, 20, 100, 100
LONGEST_HEADER, LONGEST_SETTINGS = 20_000, 3_000
MOST_MARKED, MOST_MARKS = 400_000, 15_000
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_OPENS = re.compile(r"<(?!/)")
_BREAKS = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/blockquote)\b", re.IGNORECASE)
_ODD = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7"}
_MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+-][^@]*)?@", re.IGNORECASE
)
_WORD = r"=\?[^?\s]+\?[bq]\?[^?\s]*\?="
_ENCODED = re.compile(rf"{_WORD}(?:\s+{_WORD})*", re.IGNORECASE)
_QUOTES = re.compile(r"<(/?)blockquote\b[^>]{0,2000}>", re.IGNORECASE)
_BEGIN, _END = "\ue000", "\ue001"  # of a quotation, while the rest of the HTML is taken away
# What mail programs put before the subject of an answer that nobody wrote.
_AWAY = re.compile(
    r"\s*(?:automatic reply|auto(?:matic)?[ -]?(?:response|reply)|out of (?:the )?office"
    r"|réponse automatique|absence du bureau|automatische antwort|abwesenheits(?:notiz|nachricht)"
    r"|respuesta automática|risposta automatica|automatisch antwoord|resposta automática)"
    r"\s*(?:[:-]|$)",
    re.IGNORECASE,
)
_FAULTS = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Curt(Compat32):
    """Headers as they are, up to a length: to take a long one apart takes its length squared."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        most = LONGEST_SETTINGS if name.lower().startswith("content-") else LONGEST_HEADER
        return name, value[:most]


@dataclass(frozen=True)
class File:
    """A file that came with a mail."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True)
class Received:
    """What is kept of a mail. `text` is what was newly written, `whole` what that answers too.

    `automatic` tells of a mail that no person wrote, with why; such mail is never answered.
    """

    sender: str = ""
    name: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    whole: str = ""
    message_id: str = ""
    answers: tuple[str, ...] = ()
    automatic: str = ""
    sent: datetime | None = None
    files: tuple[File, ...] = ()
    left_out: tuple[str, ...] = ()
    report: Report | None = None


def read(raw: bytes) -> Received:
    """The mail in these bytes, whatever they are: what cannot be read is left out."""
    message = _parsed(raw[:LARGEST])
    whole = _text(message)
    files, left_out = _files(message)
    people = _people(message, "From")
    headers = Received(
        sender=people[0][1] if len(people) == 1 else "",
        name=people[0][0][:200] if people else "",
        to=tuple(address for _, address in _people(message, "To")),
        cc=tuple(address for _, address in _people(message, "Cc")),
        subject=_words(message, "Subject")[:300],
        message_id=next(iter(_ids(message, "Message-ID")), ""),
        answers=tuple(dict.fromkeys((*_ids(message, "In-Reply-To"), *_ids(message, "References")))),
        automatic=_automatic(message),
        sent=_date(message),
        report=_report(message),
    )
    return replace(headers, text=unquoted(whole), whole=whole, files=files, left_out=left_out)


def _parsed(raw: bytes) -> Message:
    """Its parts; of a mail that is made to be hard to read, the headers alone."""
    try:
        if raw.lower().count(b"boundary") <= MOST_PARTS:
            return message_from_bytes(raw, policy=Curt())
        return BytesHeaderParser(policy=Curt()).parsebytes(raw[:100_000])
    except _FAULTS:
        return Message()


def _report(message: Message) -> Report | None:
    try:
        return report_of(message)
    except _FAULTS:
        return None


# --- headers ---


def _words(message: Message, name: str) -> str:
    """A header as people read it, on one line."""
    return _read_words(next(iter(_given(message, name)), "")[:4000])


def _given(message: Message, name: str) -> list[str]:
    """The values of a header; bytes that no standard allows there are read as UTF-8 or cp1252."""
    wanted = name.lower()
    return [_repaired(str(value)) for key, value in message.raw_items() if key.lower() == wanted]


def _repaired(text: str) -> str:
    if not any("\udc80" <= sign <= "\udcff" for sign in text):
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _read_words(raw: str) -> str:
    try:
        parts = [
            part if isinstance(part, str) else _decoded(part, charset or "utf-8")
            for part, charset in decode_header(raw)
        ]
    except _FAULTS:
        parts = [raw]
    return " ".join(_shown("".join(parts)).split())


def _people(message: Message, name: str) -> list[tuple[str, str]]:
    """Names and addresses; what is no address is left out."""
    given = [_ENCODED.sub(_quoted, header) for header in _given(message, name)[:5]]
    try:
        written = getaddresses(given)[:MOST_PEOPLE]
    except _FAULTS:
        return []
    found = []
    for called, address in written:
        try:
            found.append((" ".join(_shown(called).split()), mail_address(address)))
        except (BadAddress, *_FAULTS):
            continue
    return found


def _quoted(word: re.Match[str]) -> str:
    """An encoded name as a quoted one: a comma in it parts no addresses."""
    read = _read_words(word[0]).replace("\\", "").replace('"', "")
    return f'"{read}"'


def _ids(message: Message, name: str) -> list[str]:
    return MESSAGE_ID.findall(str(message.get(name, ""))[:8000])[:30]


def _date(message: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(message["Date"])[:100])
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (*_FAULTS, OverflowError):
        return None


def _automatic(message: Message) -> str:
    """Why this is no mail of a person (RFC 3834 and what is customary); "" if it may be one."""
    given = {
        name: " ".join(str(message.get(name, "")).lower().split())
        for name in ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "Return-Path")
    }
    if given["Auto-Submitted"].partition(";")[0].strip() not in ("", "no"):
        return f"Auto-Submitted: {given['Auto-Submitted'][:40]}"
    if given["Precedence"] in ("bulk", "junk", "list", "auto_reply"):
        return f"Precedence: {given['Precedence']}"
    for name in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "Feedback-ID"):
        if message.get(name):
            return name
    if re.search(r"\b(?:all|oof|autoreply)\b", given["X-Auto-Response-Suppress"]):
        return "X-Auto-Response-Suppress"
    if _AWAY.match(_words(message, "Subject")):
        return "the subject of an automatic answer"
    if any(map(_invites, _walk(message))):
        return "an answer to an invitation"
    if given["Return-Path"] == "<>" or message.get_content_type() == "multipart/report":
        return "it has no sender to answer to"
    return "a machine's address" if _MACHINES.match(_first(message)) else ""


def _invites(part: Message) -> bool:
    """Whether this is what a calendar sends by itself: an invitation was accepted, or declined."""
    if part.get_content_type() != "text/calendar":
        return False
    return str(part.get_param("method", "")).upper() in ("REPLY", "COUNTER", "REFRESH")


def _first(message: Message) -> str:
    return next((address for _, address in _people(message, "From")), "")


# --- what it says, and what it carries ---


def _text(message: Message) -> str:
    """Its words: those in plain text, or else those of its HTML."""
    bodies: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for part in _walk(message):
        kind = part.get_content_type()
        if kind in bodies and not _file_name(part) and not _attached(part):
            data = _data(part)
            bodies[kind].append(_decoded(data[: 4 * MOST_TEXT], _charset(part)))
    plain = "\n\n".join(text for text in bodies["text/plain"] if text.strip())
    found = plain or "\n\n".join(map(_unmarked, _readable(bodies["text/html"])))
    return _shown(found)[:MOST_TEXT].strip()


def _charset(part: Message) -> str:
    try:
        return str(part.get_content_charset("utf-8"))
    except _FAULTS:
        return "utf-8"


def _readable(sources: Iterable[str]) -> Iterator[str]:
    """As much HTML, and as many marks in it, as can be read soon however they are nested."""
    left, marks = MOST_MARKED, MOST_MARKS
    for source in sources:
        opened = list(islice(_OPENS.finditer(source[:left]), marks + 1))
        end = opened[marks].start() if len(opened) > marks else left
        yield source[:end]
        left, marks = left - len(source[:end]), marks - min(len(opened), marks)


def _unmarked(source: str) -> str:
    """HTML as plain text."""
    plain = source.replace("\r\n", " ").replace(_BEGIN, "").replace(_END, "")
    marked = _QUOTES.sub(lambda found: f"\n{_END if found[1] else _BEGIN}\n", plain)
    parted = _BREAKS.sub(lambda found: f"\n{found[0]}", marked)
    hidden = {"script", "style", "title"}
    text = html.unescape(nh3.clean(parted, tags=set(), clean_content_tags=hidden))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_with_quotes(lines)))


def _with_quotes(lines: Iterable[str]) -> Iterator[str]:
    """The lines, those of a quotation with a > before them, as plain mail has them."""
    depth = 0
    for line in lines:
        if line in (_BEGIN, _END):
            depth = max(depth + (1 if line == _BEGIN else -1), 0)
        else:
            yield f"> {line}".rstrip() if depth and line else line


def _files(message: Message) -> tuple[tuple[File, ...], tuple[str, ...]]:
    """What is attached to it, and the names of what is too much to be kept."""
    files, left_out = list[File](), list[str]()
    reports = message.get_content_type() == "multipart/report"
    for part in _walk(message):
        name = _file_name(part) or ("" if reports else _forwarded(part))
        if not name and (not _attached(part) or part.is_multipart()):
            continue
        if len(files) < MOST_FILES:
            kind = _shown(part.get_content_type())[:100]
            files.append(File(name or "file", kind, _data(part)))
        else:
            left_out.append(name or "file")
    return tuple(files), tuple(left_out[:MOST_FILES])


def _forwarded(part: Message) -> str:
    """The name of a mail that was sent along: its subject; "" for anything else."""
    if part.get_content_type() != "message/rfc822":
        return ""
    inside = next((each for each in _inside(part) if isinstance(each, Message)), Message())
    return f"{_words(inside, 'Subject')[:100] or 'message'}.eml"


def _walk(message: Message) -> Iterator[Message]:
    """Its parts, without those inside an attached mail."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part, seen = waiting.pop(0), seen + 1
        yield part
        if part.get_content_maintype() == "multipart":
            waiting[:0] = [each for each in _inside(part) if isinstance(each, Message)]


def _inside(part: Message) -> Iterable[object]:
    held = part.get_payload()
    return held if isinstance(held, list) else ()


def _attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def _file_name(part: Message) -> str:
    try:
        bare = Message()
        bare["Name"] = (part.get_filename("") or "").replace("\n", " ").replace("\r", " ")
        return _words(bare, "Name")[:200]
    except _FAULTS:
        return ""


def _data(part: Message) -> bytes:
    try:
        if part.get_content_maintype() == "message":
            return b"".join(each.as_bytes() for each in _inside(part) if isinstance(each, Message))
        found = part.get_payload(decode=True)
        return found if isinstance(found, bytes) else b""
    except (*_FAULTS, KeyError):
        return b""


def _decoded(data: bytes, charset: str) -> str:
    """Text in the charset it says it is in, read as browsers read it (WHATWG's labels)."""
    known = webencodings.lookup(charset)
    try:
        name = known.codec_info.name if known else codecs.lookup(charset).name
        return data.decode("utf-8" if name in _ODD else name, "replace")
    except _FAULTS:
        return data.decode("utf-8", "replace")


def _shown(text: str) -> str:
    """Text without what cannot be seen or kept: control signs, and what turns the reading."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    return _UNSEEN.sub("", plain).encode("utf-8", "replace").decode()
