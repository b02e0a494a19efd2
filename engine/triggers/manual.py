"""A person starts the workflow, on the records they choose."""

from typing import Any, ClassVar, Literal

from engine.conditions import Binder
from engine.phrases import article
from engine.triggers import Trigger


class Manual(Trigger):
    """Starts when a person asks for it; the conditions still count."""

    type: Literal["manual"] = "manual"
    example: ClassVar[dict[str, Any]] = {"type": "manual"}

    def say(self, binder: Binder) -> str:
        return f"When a person asks for it on {article(binder.module)}"
