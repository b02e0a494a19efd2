"""The effect of calling another system: at least once, under one id, signed."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue
from standardwebhooks import Webhook

from engine.effects import Outcome, OutwardEffect
from engine.outside.egress import Answer, HostUnreachable, RequestRefused
from engine.outside.world import World
from engine.records.states import Result

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 36000))
AGAIN = {408, 425, 429}
KEPT = 16_384


class HttpRequest(OutwardEffect):
    """One request. `secret` names a stored secret that proves who calls; its name alone is kept.

    For basic authentication it is the password of `user` or, without one, `user:password`.
    """

    counted: ClassVar[str] = "call"
    kind: Literal["http"] = "http"
    scope: ClassVar[str] = "webhook"
    method: str
    url: str
    headers: dict[str, str] = Field({})
    body: str = ""
    auth: Literal["none", "bearer", "basic", "header"] = "none"
    secret: str = ""
    user: str = ""
    header: str = "Authorization"

    @property
    def calls(self) -> tuple[str, ...]:
        return (host_of(self.url),)

    def say(self) -> str:
        return f"{self.method} {self.url}"

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        headers = {**self.headers, **self._proof(world), **self._signature(world, key)}
        try:
            answer = world.egress.send(
                self.method,
                self.url,
                headers=headers,
                content=self.body.encode(),
                secret_headers=frozenset({self.header}),
            )
        except RequestRefused as refused:
            return Outcome(Result.FAILED, f"{self.url} was not called: {refused.reason}")
        except HostUnreachable as failure:
            return again(world, self, failure.reason, tries)
        return self._judged(world, answer, tries)

    def preview(self) -> Outcome:
        return Outcome(
            Result.DONE, f"would {self.say()}", {"status": 200, "text": "", "answer": {}}
        )

    def _judged(self, world: World, answer: Answer, tries: int) -> Outcome:
        secrets = (self.secret,) if self.secret else ()
        text = world.scrub(answer.body[:KEPT].decode("utf-8", "replace"), *secrets)
        gives: dict[str, JsonValue] = {"status": answer.status, "text": text, "answer": read(text)}
        if 200 <= answer.status < 300:
            return Outcome(Result.DONE, f"{self.say()} answered {answer.status}", gives)
        if answer.status in AGAIN or answer.status >= 500:
            return again(world, self, f"it answered {answer.status}", tries)
        remedy = "Correct the address or the body, then try again."
        return Outcome(Result.FAILED, f"{self.say()} answered {answer.status}. {remedy}", gives)

    def _proof(self, world: World) -> dict[str, str]:
        if self.auth == "none":
            return {}
        value = world.secret(self.secret)
        if self.auth == "basic":
            pair = f"{self.user}:{value}" if self.user else value
            value = b64encode(pair.encode()).decode()
        return {self.header: value if self.auth == "header" else f"{self.auth.title()} {value}"}

    def _signature(self, world: World, key: str) -> dict[str, str]:
        at = world.now()
        signed = Webhook(world.signing_secret(self.url)).sign(key, at, self.body)
        return {
            "webhook-id": key,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signed,
            "content-type": self.headers.get("content-type", "application/json"),
            "user-agent": "Sayso/1",
        }


def host_of(url: str) -> str:
    """The machine that an address leads to, with its port if that is told: `example.com:8080`.

    Of what is no address, all of it.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return url
    return f"{parts.hostname}{port}" if parts.hostname else url


def again(world: World, effect: OutwardEffect, why: str, tries: int) -> Outcome:
    """To be tried again in a while or, after the last of these tries, failed."""
    if tries > len(RETRIES):
        return Outcome(Result.FAILED, f"{effect.say()} failed {tries} times; the last time: {why}")
    return Outcome(Result.RETRY, f"try {tries}: {why}", again_at=world.now() + RETRIES[tries - 1])


def read(text: str) -> JsonValue:
    """An answer as later steps read it: JSON as what it is, anything else as text."""
    try:
        found: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found
