"""A person starts the workflow, on the records they choose, or all at once by approving it."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.triggers import Trigger
from engine.conditions import Binder
from engine.phrases import mark, say
from engine.schema.english import article


class Manual(Trigger):
    """Starts when a person asks for it; the conditions still count."""

    type: Literal["manual"] = "manual"
    on_approval: bool = Field(
        False, description="Also start it once for all that match, as soon as it is approved."
    )
    example: ClassVar[dict[str, Any]] = {"type": "manual"}
    icon: ClassVar[str] = "play"

    def say(self, binder: Binder) -> str:
        told = mark("When a person asks for it on {record}")
        if self.on_approval:
            told = mark(
                "For all at once when it is approved, and when a person asks for it on {record}"
            )
        return say(told, record=article(binder.module.singular))
