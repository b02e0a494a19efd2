"""A folder of a mail server, read by IMAP: nothing in it is moved, deleted or marked as read."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from urllib.parse import SplitResult, unquote, urlsplit

from engine.outside.egress import trust
from engine.outside.mail_in import LARGEST

TIMEOUT = 30.0
LIKE = "write one like imaps://user:password@mail.example.com/INBOX"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
LOCAL = ("localhost", "127.0.0.1", "::1")


class MailboxUnreachable(Exception):
    """The mail server could not be read now; the message says why, and never has the password."""


@dataclass(frozen=True)
class Account:
    """Where a folder of mail is, and who reads it."""

    parts: SplitResult

    @classmethod
    def of(cls, url: str) -> "Account":
        return cls(urlsplit(url))

    @property
    def user(self) -> str:
        return unquote(self.parts.username or "")

    @property
    def password(self) -> str:
        return unquote(self.parts.password or "")

    @property
    def folder(self) -> str:
        return unquote(self.parts.path.strip("/")) or "INBOX"

    @property
    def place(self) -> str:
        """The folder as people call it."""
        return f"{self.folder} of {self.user} on {self.parts.hostname}"

    @property
    def name(self) -> str:
        """What it is known by, whatever the password is."""
        return sha256(f"{self.parts.hostname} {self.user} {self.folder}".encode()).hexdigest()


def check(url: str) -> str | None:
    """Why mail cannot be received with this address, if it cannot. Never shows the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"the address cannot be read (in a password, write / # ? @ as %2F ...); {LIKE}."
    if parts.scheme not in PORTS:
        return f"it begins with none of {', '.join(PORTS)}; {LIKE}."
    if not (host and parts.username and parts.password):
        return f"it lacks the host, the user or the password; {LIKE}."
    if parts.scheme == "imap" and host not in LOCAL:
        return "imap:// would send the password unencrypted; use imaps:// or imap+starttls://."
    account = Account(parts)
    if not re.fullmatch(r"[ -~]+", account.user + account.password + account.folder):
        return "the user, the password and the folder can only have ASCII characters."
    return None


def own_addresses(url: str) -> tuple[str, ...]:
    """The address of whose mail is read, as far as its user name is one."""
    user = Account.of(url).user if url and check(url) is None else ""
    return (user.casefold(),) if "@" in user else ()


@dataclass
class Folder:
    """A folder that is open to be read. Its UIDs mean the same mail as long as `validity` does."""

    client: imaplib.IMAP4
    validity: int
    next: int

    def after(self, uid: int) -> list[int]:
        """The mails that came after this one, in the order they came."""
        # `n:*` has the last mail, even if that is before n.
        return [each for each in self._found(f"UID {uid + 1}:*") if each > uid]

    def since(self, day: date) -> list[int]:
        """The mails that came on this day or later."""
        return self._found(f"SINCE {day.day}-{MONTHS[day.month - 1]}-{day.year}")

    def mail(self, uid: int) -> bytes | None:
        """A mail as it came; None if it is not there any more, or too large to be taken."""
        told, size = self.client.uid("FETCH", str(uid), "(RFC822.SIZE)")
        found = re.search(rb"RFC822\.SIZE (\d+)", _joined(size))
        if told != "OK" or not found or int(found[1]) > LARGEST:
            return None
        _, parts = self.client.uid("FETCH", str(uid), "(BODY.PEEK[])")
        return next((part[1] for part in parts or () if isinstance(part, tuple)), None)

    def _found(self, asked: str) -> list[int]:
        told, found = self.client.uid("SEARCH", *asked.split())
        if told != "OK":
            raise MailboxUnreachable("it did not search")
        return sorted(int(word) for word in _joined(found).split() if word.isdigit())


@contextmanager
def opened(url: str) -> Iterator[Folder]:
    """The folder, to be read and not to be changed. Raises `Unreachable`."""
    if why := check(url):
        raise MailboxUnreachable(why)
    account = Account.of(url)
    try:
        client = _connected(account)
        try:
            client.login(account.user, account.password)
            yield _entered(client, account.folder)
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()
    except (imaplib.IMAP4.error, OSError, ValueError) as trouble:
        words = str(trouble).replace(account.password, "•••") or type(trouble).__name__
        raise MailboxUnreachable(words[:300]) from None


def _connected(account: Account) -> imaplib.IMAP4:
    parts, context = account.parts, trust()
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if parts.scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=TIMEOUT)
    client = imaplib.IMAP4(host, port, timeout=TIMEOUT)
    if parts.scheme == "imap+starttls":
        _encrypt(client, context)
    return client


def _encrypt(client: imaplib.IMAP4, context: ssl.SSLContext) -> None:
    told, _ = client.starttls(ssl_context=context)
    if told != "OK":
        raise OSError("it does not offer STARTTLS")


def _entered(client: imaplib.IMAP4, folder: str) -> Folder:
    quoted = folder.replace("\\", "\\\\").replace('"', '\\"')
    told, answer = client.select(f'"{quoted}"', readonly=True)
    if told != "OK":
        raise MailboxUnreachable(
            f"there is no folder {folder}: {_joined(answer).decode('ascii', 'replace')}"
        )
    numbers = [client.response(name)[1] for name in ("UIDVALIDITY", "UIDNEXT")]
    validity, following = (int(_joined(number) or b"0") for number in numbers)
    return Folder(client, validity, following)


def _joined(answer: object) -> bytes:
    """The words of an answer, whatever its parts are."""
    found = answer if isinstance(answer, list) else []
    parts = (part[0] if isinstance(part, tuple) else part for part in found)
    return b" ".join(part for part in parts if isinstance(part, bytes))
