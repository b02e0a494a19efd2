"""The words for how runs and their steps stand, as they are stored, sent and shown."""

from enum import StrEnum


class RunState(StrEnum):
    """How a run stands.

    `running`: goes on as soon as somebody carries it; `waiting`: not before its time, or until
    something comes about; `paused`: until a person says so. The others are its end; one that
    `failed` may be tried again.
    """

    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Phase(StrEnum):
    """How far an entry is, that is one step of one run.

    `planned`: decided, not done; `queued`: a message that is decided once more when it goes;
    `performing`: being done outside; `sleeping`: waits for a time or an event; `held`: is decided
    anew later; `closed`: over, with a result.
    """

    PLANNED = "planned"
    QUEUED = "queued"
    PERFORMING = "performing"
    SLEEPING = "sleeping"
    HELD = "held"
    CLOSED = "closed"


class Result(StrEnum):
    """How a step came out, in one word.

    `held` and `retry` are tried again; of what is `unknown` only a person can find out.
    """

    DONE = "done"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    HELD = "held"
    RETRY = "retry"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Act(StrEnum):
    """What was done to a run from outside: by a person, or by switching its workflow off and on.

    `again`: tried again after it failed; `released`: a held message was let go; `arrived` and
    `repeated`: a person said what became of a message; `moved`: it goes on at another time;
    `closed`: it failed, and a person left it at that;
    `paused`, `resumed`, `stopped`: it was held, went on, or was ended before its last step.
    """

    AGAIN = "again"
    RELEASED = "released"
    ARRIVED = "arrived"
    REPEATED = "repeated"
    MOVED = "moved"
    CLOSED = "closed"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"


# The runs that a worker carries on when they are due; and those that have not ended.
DRIVEN = (RunState.RUNNING, RunState.WAITING)
GOING_ON = (*DRIVEN, RunState.PAUSED)
ENDED = (RunState.DONE, RunState.FAILED, RunState.STOPPED)
