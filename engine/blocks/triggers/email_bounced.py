"""A mail that came back starts the workflow."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from engine.blocks.triggers import Listen, Trigger
from engine.conditions import AllOf, AnyOf, Binder, Compare, Condition
from engine.phrases import say
from engine.schema.own_modules import EMAILS


class EmailBounced(Trigger):
    """Starts when a mail of ours could not be delivered (module emails).

    `{{ record.bounced }}` names the addresses that it did not reach, `{{ record.error }}` says why.
    """

    type: Literal["email_bounced"] = "email_bounced"
    example: ClassVar[dict[str, Any]] = {"type": "email_bounced"}
    icon: ClassVar[str] = "mail-open"
    about: ClassVar[str] = EMAILS
    minds_itself: ClassVar[bool] = True

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"), Listen("modified", frozenset({"status", "bounced"})))

    def condition(self) -> Condition:
        # A mail that reached some of its readers is sent, and tells of the others from the first.
        told = (
            Compare(field="bounced", op="changed"),
            Compare(field="status", op="becomes", value="sent"),
        )
        some = (Compare(field="bounced", op="is_not_empty"), AnyOf(any=told))
        back = Compare(field="status", op="becomes", value="bounced")
        return AllOf(
            all=(
                Compare(field="direction", op="equals", value="out"),
                AnyOf(any=(back, AllOf(all=some))),
            )
        )

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"direction": "out", "status": "bounced"}

    def say(self, binder: Binder) -> str:
        return say("When a mail comes back because it could not be delivered")
