"""The path of a run on the flow of its workflow: a mark for each step, by its id."""

from collections.abc import Sequence
from typing import Any

from engine.blocks.step import Step
from engine.conditions import Binder
from engine.records.states import GOING_ON, Phase, Result
from engine.records.transaction import Transaction
from engine.workflows.workflow import Workflow
from server.operations.queries import Stored
from server.pages.frame.diagram import START, blocks
from server.pages.frame.moments import took
from server.pages.frame.views import Block

TONES = {
    Result.FAILED: "bad", Result.UNKNOWN: "warn", Result.HELD: "warn",
    Result.SKIPPED: "", Result.UNCHANGED: "",
}  # fmt: skip


def path(
    tx: Transaction, run: Stored, entries: Sequence[Stored], workflow: Workflow, binder: Binder
) -> list[Block]:
    """The flow with what each step came to, where the run is, and the ways not taken greyed."""
    marks: dict[str, dict[str, Any]] = {START: {"ran": ""}}
    seen = {entry.step for entry in entries}
    over = run.state not in GOING_ON
    for step, _ in workflow.route.values():
        if step.id not in seen and over and step.id != run.step:
            marks[step.id] = {"state": "off"}
    for entry in entries:
        step = workflow.route[entry.step][0]
        marks[step.id] = _mark(tx, entry)
        if entry.move["move"] == "enter":
            _leave_out(step, str(entry.move["branch"]), marks)
    if run.step and run.state in GOING_ON:
        here = marks.setdefault(run.step, {})
        here["state"] = "here"
    return blocks(workflow, binder, marks=marks)


def _mark(tx: Transaction, entry: Stored) -> dict[str, Any]:
    if entry.move["move"] == "enter":
        return {"ran": "Yes" if entry.move["branch"] == "then" else "No", "tone": "ok"}
    if entry.phase in (Phase.SLEEPING, Phase.HELD):
        return {"ran": "waiting", "tone": "info"}
    failed = entry.outcome == Result.FAILED
    tries = f"try {entry.tries}" if entry.tries > 1 else ""
    word = entry.outcome if entry.outcome != Result.DONE else ""
    span = took(entry.at, entry.ended_at, tx.now) if entry.ended_at else ""
    mark = {
        "ran": tries or word or span.replace("at once", "done"),
        "tone": TONES.get(entry.outcome, "ok"),
    }
    return {**mark, "state": "err"} if failed else mark


def _leave_out(step: Step, taken: str, marks: dict[str, dict[str, Any]]) -> None:
    """Grey the way that was not taken, and all that is on it."""
    for name, inside in step.branches().items():
        if name == taken:
            continue
        marks[f"{step.id}/{'Yes' if name == 'then' else 'No'}"] = {"off": True}
        for each in inside:
            marks[each.id] = {"state": "off"}
            _leave_out(each, "", marks)
