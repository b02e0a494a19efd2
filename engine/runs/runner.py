"""Carry a run forward, step by step, until it ends, waits, or must touch the world outside."""

from dataclasses import replace
from typing import Protocol

from engine.blocks.communication import Communication
from engine.blocks.step import Await, Do, End, Enter, Skip, Sleep, Step
from engine.effects import Effect, Outcome, OutwardEffect, RecordEffect
from engine.records.batch import ChangedMeanwhile
from engine.records.states import Phase, Result, RunState
from engine.runs.entry import Entry
from engine.runs.run import Run


class Stage(Protocol):
    """Where effects are performed: on real records, or in a rehearsal."""

    def perform(self, run: Run, effect: Effect, entry: Entry) -> Outcome | None:
        """The outcome; None for an effect that may only be performed once its plan is committed.

        Raises `Overtaken` if the step has to decide anew.
        """

    def change(self, run: Run, effect: RecordEffect) -> Outcome:
        """Make a change of records that belongs to an outcome. Returns what became of it."""


def advance(run: Run, stage: Stage) -> None:
    """Take every step that can be taken now.

    Call it as often as you like: a step that is done is never done again, and an effect that was
    planned but not finished is performed as it was first planned.
    """
    while step := run.next_step():
        entry = run.entry(step)
        if reason := _over(run, step, entry):
            return run.end(RunState.STOPPED, reason)
        entry = entry or _decide(run, step, stage)
        if entry is None:
            continue
        if awaited := _awaited(step, entry):
            if _stays(run, step, entry, awaited):
                return None
            continue
        match entry.move:
            case Do(effect):
                try:
                    outcome = stage.perform(run, effect, entry)
                except ChangedMeanwhile:
                    run.take_back(entry)
                    continue
                if outcome is None:
                    return None
                settle(run, step, entry, outcome, stage)
            case Enter(branch, why):
                run.close(entry, Outcome(Result.DONE, why))
                run.go(run.live.parsed.after(step, branch))
            case Sleep(until):
                if run.sleep(entry, until):
                    return None
                run.go(run.live.parsed.after(step))
            case End(reason):
                run.close(entry, Outcome(Result.DONE, reason))
                run.end(RunState.DONE, reason)
    return None


def settle(run: Run, step: Step, entry: Entry, outcome: Outcome, stage: Stage) -> None:
    """Make the outcome of a step part of the run: what it gives, and where the run goes."""
    if outcome.result == Result.RETRY and isinstance(step, Communication):
        outcome = _next_try(run, step, entry, outcome)
    made = [stage.change(run, change) for change in outcome.then]
    if outcome.made:
        outcome = _giving(outcome, made[0])
    if outcome.result in (Result.RETRY, Result.HELD) and not run.ended:
        return run.postpone(entry, outcome)
    run.close(entry, outcome)
    after = run.live.parsed.after(step)
    if run.ended:  # by a person, while the effect was being performed
        return None
    if outcome.result == Result.UNKNOWN:
        return run.hold_for_person(outcome.said)
    if outcome.result == Result.FAILED and step.on_error == "stop":
        return run.end(RunState.FAILED, outcome.said)
    awaited = entry.awaited(step) if outcome.result == Result.DONE and after else None
    if awaited and run.stay(entry, awaited):
        return None
    return run.go(after)


def _giving(outcome: Outcome, made: Outcome) -> Outcome:
    """An outcome whose whole point is a record: as good as that record, and what it gives."""
    if made.result == Result.FAILED:
        return replace(outcome, result=Result.FAILED, said=made.said)
    return replace(outcome, gives={**outcome.gives, **made.gives})


def _next_try(run: Run, step: Communication, entry: Entry, outcome: Outcome) -> Outcome:
    """A message that failed is sent again in its own time, or given up."""
    if outcome.again_at:
        return outcome
    if again := run.next_try(step, entry):
        return replace(outcome, again_at=again)
    effect = entry.effect
    assert isinstance(effect, OutwardEffect)
    return effect.given_up(outcome.said)


def _over(run: Run, step: Step, entry: Entry | None) -> str | None:
    """Why the run ends here. One that wakes up is asked at the step that it goes on to."""
    if entry is None or entry.phase != Phase.SLEEPING:
        return run.over(step)
    return run.subjects.stopped() if entry.awaited(step) else None


def _awaited(step: Step, entry: Entry) -> Await | None:
    """What this run stands and waits for; nothing, while the effect before it is not done."""
    waits = entry.phase == Phase.SLEEPING or isinstance(entry.move, Await)
    return entry.awaited(step) if waits else None


def _stays(run: Run, step: Step, entry: Entry, awaited: Await) -> bool:
    """Whether the run waits on; if not, it goes on to the next step."""
    late = awaited.until is not None and awaited.until <= run.now
    outcome = step.came(run.context(), entry.result, late=late)
    if outcome is None and run.stay(entry, awaited):
        return True
    came = outcome or Outcome(Result.DONE, "", {})
    said = "; ".join(filter(None, (entry.said, came.said)))
    run.close(entry, replace(came, said=said, gives={**entry.result, **came.gives}))
    run.go(run.live.parsed.after(step))
    return False


def _decide(run: Run, step: Step, stage: Stage) -> Entry | None:
    """Let the step decide and keep what it decided; None if that alone has settled it."""
    if isinstance(step, Communication) and (withheld := run.withheld(step)):
        settle(run, step, run.log(step, Skip(withheld)), withheld, stage)
        return None
    context = run.context()
    move = step.decide(context)
    entry = run.log(step, move)
    gaps = [f"{path} is empty" for path in dict.fromkeys(context.missing)]
    entry.warned = "; ".join([*gaps, *context.warnings])
    if isinstance(move, Skip):
        settle(run, step, entry, move.outcome, stage)
        if move.ends:
            run.end(RunState.STOPPED, move.outcome.said)
        return None
    return entry
