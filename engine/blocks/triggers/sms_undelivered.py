"""A text message that was not delivered starts the workflow."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from engine.blocks.triggers import Listen, Trigger
from engine.conditions import Binder, Compare, Condition
from engine.phrases import say
from engine.schema.own_modules import TEXT_MESSAGES


class SmsUndelivered(Trigger):
    """Starts when the provider reports that a text did not reach its phone (module sms)."""

    type: Literal["sms_undelivered"] = "sms_undelivered"
    example: ClassVar[dict[str, Any]] = {"type": "sms_undelivered"}
    icon: ClassVar[str] = "smartphone"
    about: ClassVar[str] = TEXT_MESSAGES
    minds_itself: ClassVar[bool] = True

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"), Listen("modified", frozenset({"status"})))

    def condition(self) -> Condition:
        return Compare(field="status", op="becomes", value="undelivered")

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"status": "undelivered"}

    def say(self, binder: Binder) -> str:
        return say("When a text message could not be delivered")
