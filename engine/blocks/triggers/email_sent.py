"""A mail that was sent starts the workflow."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from engine.blocks.triggers import Listen, Trigger
from engine.conditions import AllOf, AnyOf, Binder, Compare, Condition
from engine.phrases import say
from engine.schema.own_modules import EMAILS

SENT = ("sent", "captured")


class EmailSent(Trigger):
    """Starts for each mail that Sayso has sent (module emails), but never for its own.

    A mail that is kept in the mailbox, as there is no mail server, counts as sent.
    """

    type: Literal["email_sent"] = "email_sent"
    example: ClassVar[dict[str, Any]] = {"type": "email_sent"}
    icon: ClassVar[str] = "send"
    about: ClassVar[str] = EMAILS
    minds_itself: ClassVar[bool] = True

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"), Listen("modified", frozenset({"status"})))

    def condition(self) -> Condition:
        sent = tuple(Compare(field="status", op="becomes", value=word) for word in SENT)
        return AllOf(all=(Compare(field="direction", op="equals", value="out"), AnyOf(any=sent)))

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"direction": "out", "status": "sent"}

    def say(self, binder: Binder) -> str:
        return say("When a mail has been sent")
