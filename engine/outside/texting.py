"""Text messages: the service that sends them, what it says at once, and what it says later."""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from engine.outside.egress import Answer, Egress, HostUnreachable, RequestRefused

CAPTURE = "capture:"
LIKE = "twilio://ACCOUNT_SID:AUTH_TOKEN@+33612345678"
TWILIO = "https://api.twilio.com"
# Who has answered STOP, by the code of Twilio's error.
STOPPED = {21610}
STOP_WORDS = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ARRET", "ARRÊT", "STOPP"}


@dataclass(frozen=True)
class Taken:
    """What became of one message, as far as the service tells at once.

    `unknown`: it may have taken the message or not. `stopped`: the person wants none from us.
    """

    state: Literal["sent", "captured", "retry", "failed", "unknown"]
    detail: str = ""
    id: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class Receipt:
    """What the service says of a message later: whether it arrived."""

    id: str
    status: str
    error: str = ""


@dataclass(frozen=True)
class Reply:
    """What somebody wrote back."""

    number: str
    text: str

    @property
    def stops(self) -> bool:
        """Whether it asks for no more messages."""
        return self.text.strip(" .!\n").upper() in STOP_WORDS


class Provider(Protocol):
    """A service that sends text messages."""

    def send(self, egress: Egress, to: str, text: str) -> Taken:
        """Hand a message over. Whatever goes wrong is an answer, never an exception."""

    def vouched(self, url: str, form: Mapping[str, str], signature: str) -> bool:
        """Whether this was posted to us by the service and by nobody else."""

    def heard(self, form: Mapping[str, str]) -> Receipt | Reply | None:
        """What the service tells us; None for what is of no interest."""


@dataclass(frozen=True)
class Captured:
    """No service: messages are kept where people can look at them."""

    def send(self, egress: Egress, to: str, text: str) -> Taken:
        return Taken("captured")

    def vouched(self, url: str, form: Mapping[str, str], signature: str) -> bool:
        return False

    def heard(self, form: Mapping[str, str]) -> Receipt | Reply | None:
        return None


@dataclass(frozen=True)
class Twilio:
    """The Messages API of Twilio. `callback` is where it reports on messages; "" for not at all."""

    account: str
    token: str
    sender: str
    callback: str = ""
    api: str = TWILIO

    def send(self, egress: Egress, to: str, text: str) -> Taken:
        url = f"{self.api}/2010-04-01/Accounts/{self.account}/Messages.json"
        by = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        form = {"To": to, by: self.sender, "Body": text}
        if self.callback:
            form["StatusCallback"] = self.callback
        proof = b64encode(f"{self.account}:{self.token}".encode()).decode()
        headers = {
            "authorization": f"Basic {proof}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        try:
            answer = egress.send("POST", url, headers=headers, content=urlencode(form).encode())
        except RequestRefused as refused:
            return Taken("failed", f"the SMS service was not called: {refused.reason}")
        except HostUnreachable as failure:
            if failure.sent:
                return Taken("unknown", f"whether {to} gets it is not known: {failure.reason}")
            return Taken("retry", failure.reason)
        return self._judged(answer, to)

    def _judged(self, answer: Answer, to: str) -> Taken:
        told = _json(answer.body)
        if answer.status in (200, 201) and told.get("sid"):
            return Taken("sent", id=str(told["sid"]))
        code, message = told.get("code"), str(told.get("message") or "").strip()
        said = f"Twilio answered {answer.status}: {message or 'no reason given'}"
        said += f" (error {code})" if code else ""
        if answer.status in (408, 429, 500, 503):
            return Taken("retry", said)
        if answer.status < 400 or answer.status >= 500:
            return Taken("unknown", f"whether {to} gets it is not known: {said}")
        return Taken("failed", said, stopped=code in STOPPED)

    def vouched(self, url: str, form: Mapping[str, str], signature: str) -> bool:
        signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
        mac = hmac.digest(self.token.encode(), signed.encode(), "sha1")
        return hmac.compare_digest(b64encode(mac).decode(), signature)

    def heard(self, form: Mapping[str, str]) -> Receipt | Reply | None:
        status = form.get("MessageStatus", "")
        match status:
            case "sent" | "delivered" | "undelivered" | "failed":
                status = "undelivered" if status == "failed" else status
                code, words = form.get("ErrorCode", ""), form.get("ErrorMessage", "")
                error = f"Twilio: {words or 'not delivered'} (error {code})" if code else words
                return Receipt(form.get("MessageSid", ""), status, error)
            case "" if form.get("From"):
                word = form.get("OptOutType") or form.get("Body", "")
                return Reply(form["From"], word)
        return None


def provider(url: str, callback: str = "") -> Provider | None:
    """The service that the setting names; None if it names none. Raises `ValueError`."""
    if not url:
        return None
    if url == CAPTURE:
        return Captured()
    parts = urlsplit(url)
    proof, _, sender = parts.netloc.rpartition("@")
    account, _, token = proof.partition(":")
    if parts.scheme != "twilio" or not (account and token and sender):
        raise ValueError(f"write it like {LIKE}")
    (api,) = parse_qs(parts.query).get("api", [TWILIO])
    return Twilio(account, unquote(token), unquote(sender), callback, api.rstrip("/"))


def _json(body: bytes) -> dict[str, object]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
