"""One step of one run: what it decided, how far that is, and how it came out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from engine.blocks.step import Await, Do, End, Enter, Move, Skip, Sleep, Step
from engine.effects import Effect, Outcome, any_effect
from engine.records.states import Phase, Result

AHEAD = (Phase.PLANNED, Phase.QUEUED, Phase.PERFORMING)


@dataclass
class Entry:
    """What one step of a run decided and how it ended.

    `cause` is the word for why it waits or failed, `since` when that began. `warned` tells of what
    its templates found empty. `stored` is the move as it is kept, `fresh` an entry that has no row
    yet, `changed` one that differs from its row.
    """

    run: int
    step: str
    position: int
    stored: dict[str, JsonValue]
    phase: Phase = Phase.PLANNED
    outcome: Result | Literal[""] = ""
    said: str = ""
    warned: str = ""
    result: dict[str, JsonValue] = field(default_factory=dict)
    tries: int = 0
    at: datetime | None = None
    ended_at: datetime | None = None
    cause: str = ""
    since: datetime | None = None
    fresh: bool = True
    changed: bool = True
    decided: Move | None = None

    @property
    def key(self) -> str:
        """Under this key its effect changes the world once, however often it is performed."""
        return f"run-{self.run}-{self.step}"

    @property
    def move(self) -> Move:
        """What was decided. Raises `ValidationError` where an effect cannot be read any more."""
        if self.decided is None:
            self.decided = restored(self.stored, self.outcome)
        return self.decided

    @property
    def waits(self) -> bool:
        """Whether waiting is all it does. Reads no effect: one that is over may be of an older
        release."""
        return self.stored["move"] in ("sleep", "await")

    @property
    def effect(self) -> Effect:
        """The effect of a step that has one."""
        move = self.move
        assert isinstance(move, Do)
        return move.effect

    def seen(self) -> dict[str, JsonValue]:
        """What later steps can read of it."""
        return {**self.result, "outcome": str(self.outcome)}

    def awaited(self, step: Step) -> Await | None:
        """What the run waits for at this step, if it waits for something to come about."""
        match self.move:
            case Await() as awaited:
                return awaited
            case Do():
                return step.awaits(self.result)
        return None


def stored(move: Move) -> dict[str, JsonValue]:
    """A move as JSON."""
    match move:
        case Do(effect):
            return {"move": "do", "effect": effect.model_dump(mode="json")}
        case Enter(branch, why):
            return {"move": "enter", "branch": branch, "why": why}
        case Sleep(until):
            return {"move": "sleep", "until": until.isoformat()}
        case Await(record, said, until):
            ends = until.isoformat() if until else None
            return {"move": "await", "record": record, "why": said, "until": ends}
        case Skip(outcome):
            return {"move": "skip", "why": outcome.said}
        case End(reason):
            return {"move": "end", "why": reason}


def restored(kept: dict[str, JsonValue], result: Result | Literal[""] = "") -> Move:
    """A move from its JSON. Of a `Skip` its words are kept; `result` is what its entry says."""
    why = str(kept.get("why", ""))
    match kept:
        case {"move": "do", "effect": effect}:
            return Do(any_effect().validate_python(effect))
        case {"move": "enter", "branch": str(branch)}:
            return Enter(branch, why)
        case {"move": "sleep", "until": str(until)}:
            return Sleep(datetime.fromisoformat(until))
        case {"move": "await", "record": str(record), "until": until}:
            return Await(record, why, datetime.fromisoformat(str(until)) if until else None)
        case {"move": "skip"}:
            return Skip(Outcome(result or Result.SKIPPED, why))
        case {"move": "end"}:
            return End(why)
    raise ValueError(f"no move is stored as {kept}")
