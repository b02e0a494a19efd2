"""The effect of calling a function of an installed package: its name and settings, as planned."""

import logging
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import JsonValue, ValidationError

from engine.effects import Outcome, OutwardEffect
from engine.effects.functions import FUNCTIONS, faults
from engine.outside.world import World
from engine.problems import BadValue
from engine.records.states import Result

PAUSE, TRIES = timedelta(minutes=5), 4
log = logging.getLogger("sayso.functions")


class RunFunction(OutwardEffect):
    """At least once; a function that says it is not idempotent is called at most once."""

    counted: ClassVar[str] = "function call"
    kind: Literal["call_function"] = "call_function"
    scope: ClassVar[str] = "webhook"
    name: str
    settings: dict[str, JsonValue]
    idempotent: bool = True

    def say(self) -> str:
        told = ", ".join(f"{name}: {value}" for name, value in self.settings.items())
        return f"call the function {self.name}" + (f" with {told}" if told else "")

    def preview(self) -> Outcome:
        return Outcome(Result.DONE, f"would {self.say()}", {"result": None})

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        known = FUNCTIONS.known.get(self.name)
        if known is None:
            told = f"the function {self.name} is not there any more (SAYSO_FUNCTIONS)."
            return Outcome(Result.FAILED, told)
        try:
            result = known.result(self.settings)
        except ValidationError as invalid:
            told = "; ".join(f"{place}: {what}" for place, what in faults(invalid))
            return Outcome(Result.FAILED, f"{self.name} was not called: {told}")
        except BadValue as bad:
            return Outcome(Result.FAILED, f"{self.name}: {bad.message}")
        except (ConnectionError, TimeoutError) as away:
            return self._away(world, f"{type(away).__name__}: {away}", tries)
        except Exception as error:  # whatever a foreign function raises is the outcome
            log.exception("the function %s failed", self.name)
            return Outcome(Result.FAILED, f"{self.name} failed: {type(error).__name__}: {error}")
        return Outcome(Result.DONE, f"{self.name} gave {_brief(result)}", {"result": result})

    def lost(self) -> Outcome:
        if self.idempotent:
            return super().lost()
        return Outcome(Result.UNKNOWN, f"whether {self.name} came to its end is not known")

    def _away(self, world: World, why: str, tries: int) -> Outcome:
        """What it needs is out of reach: it is called again, if that does no harm."""
        if not self.idempotent:
            return Outcome(
                Result.UNKNOWN, f"whether {self.name} came to its end is not known: {why}"
            )
        if tries >= TRIES:
            return Outcome(Result.FAILED, f"{self.name} failed {tries} times; the last time: {why}")
        return Outcome(Result.RETRY, f"try {tries}: {why}", again_at=world.now() + PAUSE)


def _brief(result: JsonValue) -> str:
    text = str(result)
    return text if len(text) <= 200 else f"{text[:200]}…"
