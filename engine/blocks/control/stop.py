"""The step that ends a run."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.blocks.context import Context
from engine.blocks.step import End, Look, Move, Step
from engine.conditions import Binder
from engine.phrases import say


class Stop(Step):
    """End the run here."""

    type: Literal["stop"] = "stop"
    reason: str = Field("", description="Why, for the run's history.")
    example: ClassVar[dict[str, Any]] = {
        "id": "enough",
        "type": "stop",
        "reason": "Nothing more to do",
    }
    icon: ClassVar[str] = "flag"
    look: ClassVar[Look] = "end"

    def say(self, binder: Binder) -> str:
        return say("stop: {reason}", reason=self.reason) if self.reason else say("stop here")

    def decide(self, ctx: Context) -> Move:
        return End(self.reason or "stopped by the workflow")
