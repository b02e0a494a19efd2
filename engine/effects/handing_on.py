"""The effect of starting another workflow for a record; that one's own rules still count."""

from typing import ClassVar, Literal

from engine.effects import Outcome, RecordEffect, Store
from engine.records.states import Result


class StartWorkflow(RecordEffect):
    """A run of another workflow for each of these records."""

    counted: ClassVar[str] = "started workflow"
    kind: Literal["start_workflow"] = "start_workflow"
    workflow: int
    name: str
    module: str
    records: tuple[tuple[int, str], ...]

    def say(self) -> str:
        return f"start “{self.name}” for {', '.join(title for _, title in self.records)}"

    def apply(self, store: Store) -> Outcome:
        begun, refused = [], []
        for id, title in self.records:
            run, why = store.start(self.workflow, self.module, id)
            if run is None:
                refused.append(f"not for {title}: {why}")
            else:
                begun.append((run, title))
        said = "; ".join(refused)
        if not begun:
            return Outcome(Result.SKIPPED, f"“{self.name}” was not started: {said}")
        told = ", ".join(f"{title} (R-{run})" for run, title in begun)
        gives = {"run": begun[0][0], "count": len(begun)}
        return Outcome(
            Result.DONE, "; ".join([f"started “{self.name}” for {told}", *refused]), gives
        )
