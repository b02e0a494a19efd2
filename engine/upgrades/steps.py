"""The upgrade steps in their order. What was released is never changed: it has been taken."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.upgrades import step_1, step_2
from engine.upgrades.changing import Changing


@dataclass(frozen=True)
class Step:
    """What leads to schema `number` from the one before, all of it in one transaction."""

    number: int
    words: str
    take: Callable[[Changing], None]


# The newest is last, and its number is `schema_number.NUMBER`.
STEPS = (
    Step(1, "what 0.1.0 keeps, from any state before it", step_1.take),
    Step(2, "what was shown and what was tried is kept", step_2.take),
)
