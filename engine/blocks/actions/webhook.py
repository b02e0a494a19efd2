"""The action of calling another system."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.blocks import words
from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.blocks.disclosures import everything, fields_told, setting
from engine.blocks.named_addresses import free_text
from engine.blocks.rights import Host, Right
from engine.blocks.step import Action, JsonText, Look, Url, Values
from engine.conditions import Binder
from engine.effects import Outcome, Unplanned
from engine.effects.http import HttpRequest
from engine.phrases import mark, say
from engine.problems import Problem
from engine.records.states import Result
from engine.schema.modules import Module
from engine.templates import parse

PROOF = re.compile(r"authorization|cookie|.*api[-_]?key|.*[-_]token|.*secret", re.IGNORECASE)
# A whole scheme and host, written out: what follows may be a template.
HOST = re.compile(r"https?://[^/?#{}$\s]+(?=[/?#]|$)")

# In words, by the method; any other is told beside it.
SENDING = {
    "POST": mark("send {content} to {address}"),
    "GET": mark("call {address} ({method})"),
    "DELETE": mark("call {address} ({method})"),
}


class Auth(BaseModel):
    """How the other system knows us. The secret is named here and stored elsewhere.

    `basic`: the secret is the password of `user` or, without one, `user:password`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["none", "bearer", "basic", "header"]
    secret: str = Field("", description="The name of a stored secret.")
    user: str = Field("", description="With basic: the user name.")
    header: str = Field("Authorization", description="With header: the header that it goes in.")

    @property
    def words(self) -> str:
        """By what the other system knows us."""
        told = mark("the stored secret “{secret}”")
        match self.type:
            case "basic" if self.user:
                told = mark("the stored secret “{secret}” as the password of {user}")
            case "basic":
                told = mark("the stored secret “{secret}” as user and password")
            case "header":
                told = mark("the stored secret “{secret}” in the header {header}")
        return say(told, secret=self.secret, user=self.user, header=self.header)


class Webhook(Action):
    """Send the record, or a body you write, to another system; every try has the same id."""

    type: Literal["webhook"] = "webhook"
    url: Url = Field(description="Where to send it; https.")
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    headers: Values = Field({}, description="Headers to send along.")
    body: JsonText = Field(
        "",
        description="Left empty, the module, the id, the number and the fields of the record go as "
        "JSON; with GET the first three, and the `fields` that are named, in the address.",
    )
    fields: tuple[str, ...] = Field((), description="With an empty body: only these fields.")
    auth: Auth | None = None
    known_as: ClassVar[tuple[str, ...]] = ("http", "http_request", "call_webhook", "post")
    example: ClassVar[dict[str, Any]] = {
        "id": "tell_accounting",
        "type": "webhook",
        "url": "https://accounting.example.com/hooks/invoice",
    }
    icon: ClassVar[str] = "webhook"
    outward: ClassVar[bool] = True
    look: ClassVar[Look] = "outside"
    gives: ClassVar[tuple[str, ...]] = ("status", "text", "answer")

    def say(self, binder: Binder) -> str:
        told = say(
            SENDING.get(self.method, mark("send {content} to {address} ({method})")),
            content=self._content(binder.module),
            address=words.spoken(self.url, binder),
            method=self.method,
        )
        if self.auth is None or self.auth.type == "none":
            return told
        return say("{step}, with {proof}", step=told, proof=self.auth.words)

    def _content(self, module: Module) -> str:
        """What it sends, in words."""
        if self.body:
            return say("a message")
        if self.fields:
            return say("its {fields}", fields=words.fields(self.fields, module))
        return say("all fields of the {record}", record=module.singular.lower())

    def reads(self) -> Iterable[str]:
        return self.fields

    def hosts(self) -> Iterable[Host]:
        proves = self.auth is not None and self.auth.type != "none"
        return (Host.of(self.url, self.auth.secret if self.auth and proves else ""),)

    def may(self, binder: Binder) -> Iterator[Right]:
        if self.body:
            return
        if self.fields:
            paths = (f"record.{name}" for name in self.fields)
            yield from fields_told(paths, setting("fields"), binder)
        elif self.method != "GET":
            yield everything(binder.module, setting("fields"))

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not (HOST.match(self.url) or parse(self.url).constant):
            yield Problem(
                "url", "a record may not choose which machine is called.", "Write the host itself."
            )
        elif why := checking.unsafe(self.url):
            told, _, remedy = why.rstrip(".").partition("; ")
            told, remedy = told[:1].lower() + told[1:], remedy[:1].upper() + remedy[1:]
            yield Problem("url", f"{told}.", f"{remedy}." if remedy else "")
        if self.auth and self.auth.type != "none" and not self.auth.secret:
            remedy = 'Name it, like "secret": "accounting"; an operator stores it.'
            yield Problem("auth.secret", "it names no stored secret.", remedy)
        for name, value in self.headers.items():
            remedy = "Send it in the body, where it is only a value."
            yield from free_text(
                str(value), f"headers.{name}", checking, "what a header says", remedy
            )
        for name in filter(PROOF.fullmatch, self.headers):
            told = "this header proves who calls, and everybody could read it here."
            remedy = f'Store it, then write "auth": {{"type": "header", "header": "{name}", ...}}.'
            yield Problem(f"headers.{name}", told, remedy)
        if self.body and self.method == "GET":
            yield Problem("body", "a GET carries no body.", "Leave it out, or use POST.")
        for position, name in enumerate(self.fields):
            if name not in checking.module.by_name:
                known = checking.module.instead_of(name)
                yield Problem(
                    f"fields.{position}",
                    f"there is no field `{name}` in {checking.module.label}.",
                    known,
                )

    def plan(self, ctx: Context) -> HttpRequest:
        auth = self.auth or Auth(type="none")
        headers = {name.lower(): str(value) for name, value in self.headers.items()}
        body = "" if self.method == "GET" else self.body or self._record(ctx)
        if body and "json" in headers.get("content-type", "json") and (why := _no_json(body)):
            told = f"the body is no JSON: {why}"
            remedy = "Put texts in quotes, or name another content-type in the headers."
            raise Unplanned(Outcome(Result.FAILED, f"{told}. {remedy}"))
        return HttpRequest(
            method=self.method,
            url=self._asking(ctx) if self.method == "GET" else self.url,
            headers=headers,
            body=body,
            auth=auth.type,
            secret=auth.secret if auth.type != "none" else "",
            user=auth.user,
            header=auth.header if auth.type == "header" else "Authorization",
        )

    def _record(self, ctx: Context) -> str:
        told = {**self._named(ctx), "fields": self._values(ctx)}
        return json.dumps(told, ensure_ascii=False)

    def _asking(self, ctx: Context) -> str:
        """The address with what tells the record; one that asks for something itself stays."""
        if "?" in self.url:
            return self.url
        values = self._values(ctx) if self.fields else {}
        filled = {name: str(value) for name, value in values.items() if value is not None}
        address, hash, part = self.url.partition("#")
        return f"{address}?{urlencode({**self._named(ctx), **filled})}{hash}{part}"

    def _named(self, ctx: Context) -> dict[str, JsonValue]:
        return {
            "module": ctx.binder.module.name,
            "id": ctx.record.id,
            "number": ctx.record.number,
        }

    def _values(self, ctx: Context) -> dict[str, JsonValue]:
        fields = ctx.binder.module.by_name
        wanted = self.fields or [name for name, field in fields.items() if not field.sensitive]
        return {name: fields[name].dump(ctx.own(name)) for name in wanted}


def _no_json(body: str) -> str | None:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None
