"""The effect of changing a record in the company's accounting system: at least once, one key."""

import json
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import JsonValue

from engine.effects import Outcome, OutwardEffect
from engine.effects.http import AGAIN, KEPT, again, read
from engine.outside.egress import Answer, HostUnreachable, RequestRefused
from engine.outside.world import World
from engine.records.states import Result

SECRET, SETTING = "ERP", "SAYSO_ERP_URL"
MISSING = "no accounting system is set up"
REMEDY = f"Set {SETTING} and restart, then try again."


class ChangeErp(OutwardEffect):
    """New values for one record there: `PATCH {base}/{level}/{source_id}` with JSON."""

    kind: Literal["update_erp"] = "update_erp"
    scope: ClassVar[str] = "webhook"
    level: str
    source_id: str
    title: str
    values: dict[str, JsonValue]

    def say(self) -> str:
        told = [f"{name} to {json.dumps(value, ensure_ascii=False)}" for name, value in self._each]
        return f"set {', '.join(told)} on {self.title} in the accounting system"

    def preview(self) -> Outcome:
        return Outcome(Result.DONE, f"would {self.say()}", {"status": 200, "answer": {}})

    def barred(self, world: World) -> Outcome | None:
        return None if world.erp_url else Outcome(Result.FAILED, f"{MISSING}. {REMEDY}")

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        if barred := self.barred(world):
            return barred
        url = f"{world.erp_url.rstrip('/')}/{self.level}/{quote(self.source_id, safe='')}"
        headers = {
            "authorization": f"Bearer {world.secret(SECRET)}",
            "content-type": "application/json",
            "accept": "application/json",
            "idempotency-key": key,
        }
        body = json.dumps(self.values, ensure_ascii=False).encode()
        try:
            answer = world.egress.send("PATCH", url, headers=headers, content=body)
        except RequestRefused as refused:
            return Outcome(Result.FAILED, f"the accounting system was not called: {refused.reason}")
        except HostUnreachable as failure:
            return again(world, self, failure.reason, tries)
        return self._judged(world, answer, tries)

    @property
    def _each(self) -> list[tuple[str, JsonValue]]:
        return list(self.values.items())

    def _judged(self, world: World, answer: Answer, tries: int) -> Outcome:
        text = world.scrub(answer.body[:KEPT].decode("utf-8", "replace"), SECRET)
        gives: dict[str, JsonValue] = {"status": answer.status, "answer": read(text)}
        if 200 <= answer.status < 300:
            names = ", ".join(sorted(self.values))
            told = f"changed {names} of {self.title} in the accounting system"
            return Outcome(Result.DONE, told, gives)
        why = _message(gives["answer"]) or text
        said = f"the accounting system answered {answer.status}: {why}"
        if answer.status in AGAIN or answer.status >= 500:
            return again(world, self, said, tries)
        return Outcome(Result.FAILED, said, gives)


def _message(told: Any) -> str:
    """The words of an error, where accounting systems put them."""
    match told:
        case {"message": str(words)} | {"detail": str(words)} | {"error": str(words)}:
            return words
        case {"error": {"message": str(words)}} | {"errors": [{"message": str(words)}, *_]}:
            return words
        case {"errors": [str(words), *_]}:
            return words
    return ""
