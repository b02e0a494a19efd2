"""Carry a run forward, step by step, until it ends, waits, or must touch the world outside."""

from datetime import datetime
from typing import Protocol

from engine.effects import Effect, Outcome, RecordEffect
from engine.ledger import Entry, Run
from engine.steps import Step
from engine.writes import Overtaken


class Stage(Protocol):
    """Where effects are performed: on real records, or in a rehearsal."""

    def perform(self, run: Run, effect: Effect, entry: Entry) -> Outcome | None:
        """The outcome; None for an effect that may only be performed once its plan is committed.

        Raises `Overtaken` if the step has to decide anew.
        """

    def change(self, run: Run, effect: RecordEffect) -> None:
        """Make a change of records that belongs to an outcome."""


def advance(run: Run, stage: Stage) -> None:
    """Take every step that can be taken now.

    Call it as often as you like: a step that is done is never done again, and an effect that was
    planned but not finished is performed as it was first planned.
    """
    while step := run.next_step():
        entry = run.entry(step)
        if (entry is None or entry.phase != "sleeping") and (reason := run.over(step)):
            return run.end("stopped", reason)
        entry = entry or _decide(run, step, stage)
        if entry is None:
            continue
        match entry.move["move"]:
            case "do":
                try:
                    outcome = stage.perform(run, entry.effect(), entry)
                except Overtaken:
                    run.take_back(entry)
                    continue
                if outcome is None:
                    return None
                settle(run, step, entry, outcome, stage)
            case "enter":
                run.close(entry, Outcome("done", str(entry.move["why"])))
                run.go(run.live.parsed.after(step, str(entry.move["branch"])))
            case "sleep":
                until = datetime.fromisoformat(str(entry.move["until"]))
                if run.sleep(entry, until):
                    return None
                run.go(run.live.parsed.after(step))
            case "end":
                run.close(entry, Outcome("done", str(entry.move["why"])))
                run.end("done", str(entry.move["why"]))
    return None


def settle(run: Run, step: Step, entry: Entry, outcome: Outcome, stage: Stage) -> None:
    """Make the outcome of a step part of the run: what it gives, and where the run goes."""
    for change in outcome.then:
        stage.change(run, change)
    if outcome.result in ("retry", "held") and not run.ended:
        return run.postpone(entry, outcome)
    run.close(entry, outcome)
    if run.ended:  # by a person, while the effect was being performed
        return None
    if outcome.result == "unknown":
        return run.hold_for_person(outcome.said)
    if outcome.result == "failed" and step.on_error == "stop":
        return run.end("failed", outcome.said)
    return run.go(run.live.parsed.after(step))


def _decide(run: Run, step: Step, stage: Stage) -> Entry | None:
    """Let the step decide and keep what it decided; None if that alone has settled it."""
    context = run.context()
    move = step.decide(context)
    entry = run.log(step, move)
    entry.warned = "; ".join(f"{path} is empty" for path in dict.fromkeys(context.missing))
    if outcome := getattr(move, "outcome", None):
        settle(run, step, entry, outcome, stage)
        return None
    return entry
