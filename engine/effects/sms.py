"""The effect of sending a text message: at most once to each number."""

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from engine.company.message_limits import Channel
from engine.effects import Outcome, OutwardEffect, RecordEffect
from engine.effects.records import CreateRecord
from engine.outside.texting import Taken
from engine.outside.world import World
from engine.records.states import Result
from engine.schema.english import listed
from engine.templates.sms_length import measure

MISSING = "no SMS provider is set up"
SETTING = "SAYSO_SMS_URL"
REMEDY = f"Set {SETTING} and restart, then try again."


class Callee(BaseModel):
    """One number to send to, and whose it is as far as that is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str
    name: str = ""
    contact: int | None = None
    account: int | None = None
    ours: bool = False

    def __str__(self) -> str:
        return f"{self.number} ({self.name})" if self.name else self.number


class SendText(OutwardEffect):
    """One text message to each of its numbers. A copy of each is kept in Text messages."""

    counted: ClassVar[str] = "text message"
    kind: Literal["sms"] = "sms"
    channel: ClassVar[Channel] = "sms"
    scope: ClassVar[str] = "sms"

    to: tuple[Callee, ...]
    text: str
    about: str = ""
    run: int | None = None
    step: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def reaches(self) -> tuple[str, ...]:
        return tuple(callee.number for callee in self.to)

    @property
    def strangers(self) -> tuple[str, ...]:
        return tuple(callee.number for callee in self.to if not callee.ours)

    def say(self) -> str:
        return f"send the text message “{self.text}” ({measure(self.text)}) to {self._people()}"

    def preview(self) -> Outcome:
        taken = [Taken("sent", id="(its id)") for _ in self.to]
        copies = tuple(self._copy(callee, got) for callee, got in self._each(taken))
        return replace(self._ended(taken, copies), said=f"would {self.say()}")

    def barred(self, world: World) -> Outcome | None:
        return None if world.sms else self._without_service()

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        if world.sms is None:
            return self._without_service()
        taken = [world.sms.send(world.egress, callee.number, self.text) for callee in self.to[:1]]
        if taken[0].state == "retry":
            return Outcome(
                Result.RETRY, f"try {tries}: {taken[0].detail}", cause="retry", anew=True
            )
        taken += [world.sms.send(world.egress, callee.number, self.text) for callee in self.to[1:]]
        sent_at = world.now().isoformat()
        copies = [self._copy(callee, got, sent_at) for callee, got in self._each(taken)]
        return self._ended(taken, tuple(copies))

    def lost(self) -> Outcome:
        said = f"whether {self._people()} got it is not known: the process stopped while sending"
        copies = [self._copy(callee, Taken("unknown", said)) for callee in self.to]
        return Outcome(Result.UNKNOWN, said, then=tuple(copies))

    def given_up(self, said: str) -> Outcome:
        told = f"the text message to {self._people()} was not sent: {said}"
        copies = [self._copy(callee, Taken("failed", said)) for callee in self.to]
        return Outcome(Result.FAILED, told, then=tuple(copies))

    def _without_service(self) -> Outcome:
        return self.given_up(f"{MISSING}. {REMEDY}")

    def _ended(self, taken: list[Taken], copies: tuple[RecordEffect, ...]) -> Outcome:
        """Done when the service took it for anybody; what it did not take is told beside it."""
        parts = measure(self.text)
        ids: list[JsonValue] = [got.id for got in taken if got.id]
        gives: dict[str, JsonValue] = {
            "to": list(self.reaches),
            "parts": parts.parts,
            "message_id": ", ".join(map(str, ids)),
        }
        stopped = tuple((one.number, got.detail) for one, got in self._each(taken) if got.stopped)
        good = [callee for callee, got in self._each(taken) if got.state in ("sent", "captured")]
        bad = [f"{callee}: {got.detail}" for callee, got in self._each(taken) if got.detail]
        if good:
            verb = "kept" if taken[0].state == "captured" else "sent"
            told = f"{verb} the text message ({parts}) to {listed([*map(str, good)])}"
            told = "; ".join([told, *bad, *self.left_out])
            return Outcome(Result.DONE, told, gives, then=copies, bounced=stopped)
        if any(got.state == "unknown" for got in taken):
            return Outcome(Result.UNKNOWN, bad[0], gives, then=copies, bounced=stopped)
        said = f"the text message was not sent: {'; '.join(bad)}"
        return Outcome(Result.FAILED, said, gives, then=copies, bounced=stopped)

    def _each(self, taken: list[Taken]) -> "zip[tuple[Callee, Taken]]":
        return zip(self.to, taken, strict=True)

    def _people(self) -> str:
        return listed([str(callee) for callee in self.to])

    def _copy(self, callee: Callee, got: Taken, sent_at: str | None = None) -> RecordEffect:
        good = got.state in ("sent", "captured")
        values: dict[str, JsonValue] = {
            "to": callee.number,
            "text": self.text,
            "status": "failed" if got.state == "retry" else got.state,
            "message_id": got.id,
            "account": callee.account,
            "contact": callee.contact,
            "record": self.about or None,
            "run": self.run,
            "step": self.step,
            "error": got.detail,
            "sent_at": sent_at if good else None,
        }
        return CreateRecord(module="sms", title=f"the text message to {callee}", values=values)
