"""A call from another system starts the workflow."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.blocks.checking import Checking
from engine.blocks.triggers import Listen, Trigger
from engine.conditions import AllOf, Binder, Compare, Condition
from engine.conditions.operators import alternatives
from engine.phrases import listed, mark, say
from engine.problems import Problem
from engine.schema.own_modules import WEBHOOK_CALLS


class WebhookReceived(Trigger):
    """Starts when another system calls the address of a hook (module webhook_calls).

    `sayso door hook NAME` prints that address. What the call brought is read in templates like
    `{{ record.body.customer.id }}`. A call is taken once, also if it is repeated.
    """

    type: Literal["webhook_received"] = "webhook_received"
    hook: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="The name of the hook, such as shop."
    )
    event: str = Field(
        "", description="Only for these events, by `type` or `event` of the body. A comma means or."
    )
    known_as: ClassVar[tuple[str, ...]] = ("webhook",)
    example: ClassVar[dict[str, Any]] = {
        "type": "webhook_received",
        "hook": "shop",
        "event": "order.paid",
    }
    icon: ClassVar[str] = "webhook"
    about: ClassVar[str] = WEBHOOK_CALLS
    from_outside: ClassVar[bool] = True

    def listens(self) -> tuple[Listen, ...]:
        return (Listen("created"),)

    def condition(self) -> Condition:
        asked = [Compare(field="hook", op="equals", value=self.hook)]
        if words := alternatives(self.event):
            asked.append(Compare(field="event", op="in", value=[*words]))
        return AllOf(all=tuple(asked))

    def supposed(self) -> Mapping[str, JsonValue]:
        return {"hook": self.hook, "event": next(iter(alternatives(self.event)), None)}

    def say(self, binder: Binder) -> str:
        events = [say("“{text}”", text=word) for word in alternatives(self.event)]
        if not events:
            return say("When another system calls the hook “{hook}”", hook=self.hook)
        told = mark("When another system calls the hook “{hook}” with the event {events}")
        return say(told, hook=self.hook, events=listed(events, "or"))

    def check(self, checking: Checking) -> Iterator[Problem]:
        yield from self.misplaced(checking)
        if self.event and not alternatives(self.event):
            yield Problem("event", "there is no event between the commas.", "Write one, or none.")
