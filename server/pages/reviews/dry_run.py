"""Dry runs as a page shows them: for each record its path, and every effect in full."""

import re
from collections.abc import Hashable, Iterable

from engine.records.states import Result, RunState
from engine.runs.rehearsal import Rehearsed, Told
from engine.workflows.workflow import Workflow
from server.pages.frame.effects import effect
from server.pages.frame.field_values import sentence
from server.pages.frame.names import Names
from server.pages.frame.views import Chip, Effect, Tone
from server.pages.reviews.outcomes import badge, came_to
from server.pages.reviews.views import DryRun

LONGEST = 120
ENDED = re.compile(r"(.*) \((\w+): .*\)", re.DOTALL)
TONES: dict[str, Tone] = {
    Result.FAILED: "bad", Result.SKIPPED: "warn", Result.HELD: "warn", Result.UNKNOWN: "warn",
}  # fmt: skip


def dry_runs(names: Names, workflow: Workflow, tried: Iterable[Rehearsed]) -> list[DryRun]:
    """What would happen to each of these records, with nothing done."""
    shown, told = set[Hashable](), list[DryRun]()
    for found in tried:
        way = _way(found)
        told.append(_run(names, workflow, found, open=found.matches and way not in shown))
        shown.add(way)
    return told


def _way(found: Rehearsed) -> Hashable:
    """Where it went, how each step ended, and what was said there."""
    texts = ("text", "html", "body")
    said = ((told.step, told.outcome, *map(told.effect.get, texts)) for told in found.effects)
    return found.crossed, repr([*said])


def _run(names: Names, workflow: Workflow, found: Rehearsed, *, open: bool) -> DryRun:
    record, about = names.record(workflow.module, found.id)
    state, _, reason = found.ends.partition(": ")
    return {
        "record": record,
        "name": about,
        "outcome": badge(came_to(found)),
        "open": open,
        "why": _why(names, workflow, found),
        "path": _path(found, state, reason),
        "effects": [_effect(names, workflow, told) for told in found.effects],
    }


def _why(names: Names, workflow: Workflow, found: Rehearsed) -> str:
    if found.led_to:
        step = workflow.route[found.led_to][0]
        binder = names.tx.binder(names.tx.schema.module(workflow.module))
        told = f"No record comes to “{step.sentence(binder)}” now."
        return f"{told} Shown as if {found.number} did."
    supposed = f"As if {found.supposed}" if found.supposed else ""
    why = sentence(found.why.said)
    return "; ".join(filter(None, (supposed, "" if why == "always" else why)))


def _path(found: Rehearsed, state: str, reason: str) -> list[Chip]:
    if not found.matches:
        return []
    last = "End" if state == RunState.DONE else reason[:1].upper() + reason[1:]
    chips = [_chip(text) for text in found.path]
    return [*chips, {"text": last, "tone": "bad" if state == RunState.FAILED else ""}]


def _chip(text: str) -> Chip:
    """A step that was crossed; how it ended stands in brackets behind its heading."""
    ended = ENDED.fullmatch(text)
    said = f"{ended[1]}: {ended[2]}" if ended else text
    tone: Tone = TONES.get(ended[2], "") if ended else ""
    return {"text": said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…", "tone": tone}


def _ended(told: Told) -> str:
    """How it ended, where that is not just "done"."""
    if told.outcome == Result.DONE:
        return ""
    return f"{told.outcome}: {told.why}" if told.why else told.outcome


def _effect(names: Names, workflow: Workflow, told: Told) -> Effect:
    step = workflow.route[told.step][0]
    if told.effect:
        detail = "; ".join(filter(None, (_ended(told), told.warned)))
        return effect(
            told.effect, names, icon=step.icon, title=told.does, detail=detail, before=told.before
        )
    heading = step.sentence(names.tx.binder(names.tx.schema.module(workflow.module)))
    return {
        "icon": "circle-x" if told.outcome == Result.FAILED else "circle-minus",
        "title": heading, "detail": told.does, "fields": [], "mail": None, "code": "",
    }  # fmt: skip
