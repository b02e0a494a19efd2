"""A line of a run's story."""

from dataclasses import dataclass
from datetime import datetime

from engine.records.states import Act, Result


@dataclass(frozen=True)
class Line:
    """What happened to a run, at which step, in words.

    `tries` counts how often the step was tried by then; `until` is when it is looked at again.
    """

    what: Result | Act
    step: str | None
    said: str
    tries: int = 0
    until: datetime | None = None
