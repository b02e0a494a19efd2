"""Addresses that need no sign-in: each carries what it is for, for how long, and our signature."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

Purpose = Literal["statement", "unsubscribe"]


@dataclass(frozen=True)
class Claim:
    """What a link stands for: its purpose, whom or what it is about, and when it ends."""

    purpose: Purpose
    subject: str
    until: datetime | None


@dataclass(frozen=True)
class Links:
    """Makes and reads such addresses. Without the key nobody can make one."""

    address: str = ""
    key: bytes = b""

    def statement(self, account: int, until: datetime) -> str:
        """Where a customer reads their open invoices, until then."""
        return f"{self.address}/statements/{self.sign('statement', str(account), until)}"

    def unsubscribe(self, address: str) -> str:
        """Where the reader of a mail ends all automatic mail to this address; it never expires."""
        return f"{self.address}/unsubscribe/{self.sign('unsubscribe', address)}"

    def sign(self, purpose: Purpose, subject: str, until: datetime | None = None) -> str:
        """The token: one word, fit for an address."""
        seconds = str(int(until.timestamp())) if until else ""
        body = "\n".join((purpose, seconds, subject)).encode()
        return f"{_word(body)}.{_word(self._signature(body))}"

    def read(self, token: str, now: datetime) -> Claim | None:
        """What a token stands for; None if it is not ours, or its time is over."""
        try:
            body, signature = map(_bytes, token.split("."))
            purpose, seconds, subject = body.decode().split("\n", 2)
        except (ValueError, NotBase64):
            return None
        if not hmac.compare_digest(signature, self._signature(body)):
            return None
        until = datetime.fromtimestamp(int(seconds), UTC) if seconds else None
        known: list[Purpose] = [each for each in get_args(Purpose) if each == purpose]
        return Claim(known[0], subject, until) if known and (not until or now < until) else None

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self.key, b"link " + body, hashlib.sha256).digest()


def _word(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(word: str) -> bytes:
    return urlsafe_b64decode(word + "=" * (-len(word) % 4))
