"""Addresses by which other systems bring something in: each carries its own secret word."""

import hashlib
import hmac
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from engine.outside.receiving import first_time
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records, Saved
from engine.schema.own_modules import WEBHOOK_CALLS
from engine.schema.purposes import Purpose

Kind = Literal["mail", "in", "form", "sms"]
SYNC, FORM = Author("sayso", "sync"), Author("sayso", "form")
# What a visitor may fill in, and how much of it is kept. The last is none of theirs: people do not
# see it, and who fills it in is a machine.
ASKED = {
    "name": 120,
    "email": 200,
    "phone": 40,
    "company": 120,
    "description": 4000,
    "language": 2,
}
TRAP = "website"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Hooks:
    """Makes and knows such addresses. Without the key nobody can make one."""

    address: str
    key: bytes

    def url(self, kind: Kind, name: str = "") -> str:
        """Where mail, calls of a hook, what is written in a form and reports on texts go."""
        return "/".join(
            (self.address, "hooks", kind, *filter(None, (name,)), self.word(kind, name))
        )

    def word(self, kind: Kind, name: str = "") -> str:
        """The secret at the end of an address."""
        return urlsafe_b64encode(self._mac(f"{kind} {name}")[:24]).decode()

    def opens(self, word: str, kind: Kind, name: str = "") -> bool:
        """Whether the word is the secret of this address."""
        return hmac.compare_digest(word.encode(), self.word(kind, name).encode())

    def secret(self, name: str) -> str:
        """What calls of a hook may be signed with instead, as Standard Webhooks writes it."""
        return "whsec_" + b64encode(self._mac(f"signed {name}")).decode()

    def _mac(self, words: str) -> bytes:
        return hmac.new(self.key, f"hook {words}".encode(), hashlib.sha256).digest()


def take_call(tx: Transaction, hook: str, body: JsonValue, webhook_id: str = "") -> Saved | None:
    """Make a call a record of webhook_calls; None if one with the same id came before."""
    if webhook_id and not first_time(tx, f"hook {hook} {webhook_id}"):
        return None
    values = {"hook": hook, "event": _event(body), "body": body, "webhook_id": webhook_id}
    return Records(tx, SYNC).create(WEBHOOK_CALLS, values)


def _event(body: JsonValue) -> str | None:
    told = [body.get(name) for name in ("type", "event")] if isinstance(body, dict) else []
    return next((word[:200] for word in told if isinstance(word, str)), None)


def take_form(tx: Transaction, given: Mapping[str, Any]) -> Saved | None:
    """Make what a visitor wrote a lead; None if no person wrote it. Raises `Invalid`."""
    if str(given.get(TRAP) or "").strip():
        return None
    words = {name: str(given.get(name) or "")[:most].strip() for name, most in ASKED.items()}
    module = tx.schema.of(Purpose.LEAD)
    kept: dict[str, Any] = {name: word for name, word in words.items() if word}
    if kept.get("language", "").lower() not in module.field("language").options:
        kept.pop("language", None)
    return Records(tx, FORM).create(module.name, {**kept, "lead_source": "Web form"})
