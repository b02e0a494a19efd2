"""The tasks that tell of unsent mails are done as soon as there is nothing left to do."""

from collections.abc import Iterable

from engine.effects.follow_up import DONE, open_tasks, unsent
from engine.records.states import Phase, Result, RunState
from engine.records.writer import Records
from engine.runs import story
from engine.runs.run import Run
from engine.runs.stages import RealStage
from engine.schema.own_modules import TASKS


def close_follow_ups(stage: RealStage, runs: Iterable[Run]) -> None:
    """Mark the tasks of those runs as done that failed before, and whose message is over now."""
    every = {run.id: run for run in runs if run.state != RunState.FAILED}
    for id, steps in story.failed(stage.tx, list(every)).items():
        if every[id].ended or all(_mended(every[id], step) for step in steps):
            _close(stage, every[id])


def _mended(run: Run, step: str) -> bool:
    entry = run.entries.get(step)
    return bool(entry and entry.phase == Phase.CLOSED and entry.outcome != Result.FAILED)


def _close(stage: RealStage, run: Run) -> None:
    about = f"{run.subjects.module.name}/{run.subjects.record}"
    records = Records(stage.tx, run.author, starts=False)
    for alike in open_tasks(unsent(run.live.name), about):
        for task in records.ids(TASKS, alike):
            records.note(TASKS, task, {"status": DONE})
