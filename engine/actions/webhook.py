"""The action of calling another system."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine import phrases
from engine.checking import Checking
from engine.conditions import Binder
from engine.context import Context
from engine.effects.http import HttpRequest
from engine.problems import Problem, suggest
from engine.steps import Action, JsonText, Url, Values
from engine.text import parse

# A whole scheme and host, written out: what follows may be a template.
HOST = re.compile(r"https?://[^/?#{}$\s]+(?=[/?#]|$)")


class Auth(BaseModel):
    """How the other system knows us. The secret is named here and stored elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["bearer", "basic", "header"]
    secret: str = Field(description="The name of a stored secret.")
    header: str = "Authorization"


class Webhook(Action):
    """Send the record, or a body you write, to another system; every try has the same id."""

    type: Literal["webhook"] = "webhook"
    url: Url = Field(description="Where to send it; https.")
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    headers: Values = Field({}, description="Headers to send along.")
    body: JsonText = Field(
        "", description="Left empty, the module, the id and the fields of the record go as JSON."
    )
    fields: tuple[str, ...] = Field((), description="With an empty body: only these fields.")
    auth: Auth | None = None
    example: ClassVar[dict[str, Any]] = {
        "id": "tell_accounting",
        "type": "webhook",
        "url": "https://accounting.example.com/hooks/invoice",
    }
    icon: ClassVar[str] = "webhook"
    look: ClassVar[Literal["if", "wait", "outside", "action", "end"]] = "outside"
    gives: ClassVar[tuple[str, ...]] = ("status", "text")

    def say(self, binder: Binder) -> str:
        module = binder.module
        what = "a message" if self.body else f"all fields of the {module.singular.lower()}"
        if self.fields and not self.body:
            what = f"its {phrases.fields(self.fields, module)}"
        proof = f", with the stored secret “{self.auth.secret}”" if self.auth else ""
        if self.method in ("GET", "DELETE"):
            return f"call {phrases.spoken(self.url, binder)} ({self.method}){proof}"
        how = "" if self.method == "POST" else f" ({self.method})"
        return f"send {what} to {phrases.spoken(self.url, binder)}{how}{proof}"

    def reads(self) -> Iterable[str]:
        return self.fields

    def check(self, checking: Checking) -> Iterator[Problem]:
        if not (HOST.match(self.url) or parse(self.url).constant):
            yield Problem(
                "url", "a record may not choose which machine is called.", "Write the host itself."
            )
        elif why := checking.unsafe(self.url):
            told, _, remedy = why.rstrip(".").partition("; ")
            told, remedy = told[:1].lower() + told[1:], remedy[:1].upper() + remedy[1:]
            yield Problem("url", f"{told}.", f"{remedy}." if remedy else "")
        for position, name in enumerate(self.fields):
            if name not in checking.module.by_name:
                known = suggest(name, checking.module.by_name, "Fields")
                yield Problem(
                    f"fields.{position}",
                    f"there is no field `{name}` in {checking.module.label}.",
                    known,
                )

    def plan(self, ctx: Context) -> HttpRequest:
        return HttpRequest(
            method=self.method,
            url=self.url,
            headers={name.lower(): str(value) for name, value in self.headers.items()},
            body="" if self.method == "GET" else self.body or self._record(ctx),
            auth=self.auth.type if self.auth else "none",
            secret=self.auth.secret if self.auth else "",
            header=self.auth.header if self.auth else "Authorization",
        )

    def _record(self, ctx: Context) -> str:
        module = ctx.binder.module
        wanted = self.fields or [
            name for name, field in module.by_name.items() if not field.sensitive
        ]
        values = {name: module.by_name[name].dump(ctx.own(name)) for name in wanted}
        return json.dumps(
            {"module": module.name, "id": ctx.record.id, "fields": values}, ensure_ascii=False
        )
