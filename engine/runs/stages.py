"""The stage of real runs: what happens to the effects that their steps plan."""

from engine.effects import Effect, Outcome, RecordEffect
from engine.records.alerts import raise_alert
from engine.records.batch import BatchedRecords, BatchedTransaction
from engine.records.reader import Reader
from engine.records.states import Result
from engine.records.writer import Author
from engine.runs.chained_start import begin
from engine.runs.entry import Entry
from engine.runs.run import Run
from engine.workflows.library import Library


class RealRecords(BatchedRecords):
    """The records as the effects of a real run change them, and the workflows they may start."""

    def __init__(
        self, tx: BatchedTransaction, author: Author, reader: Reader, library: Library
    ) -> None:
        super().__init__(tx, author, reader)
        self.library = library

    def start(self, workflow: int, module: str, id: int) -> tuple[int | None, str]:
        """Start a run of another workflow: its number, or None and why there is none."""
        live = self.library.live(self.transaction).get(workflow)
        return begin(self.transaction, self.author, live, module, id)


class RealStage:
    """The stage of real runs: record effects happen at once, outward ones after the commit."""

    def __init__(self, tx: BatchedTransaction, reader: Reader, library: Library) -> None:
        self.tx, self.reader, self.library = tx, reader, library

    def perform(self, run: Run, effect: Effect, entry: Entry) -> Outcome | None:
        if isinstance(effect, RecordEffect):
            return effect.apply(RealRecords(self.tx, run.author, self.reader, self.library))
        return None

    def change(self, run: Run, effect: RecordEffect) -> Outcome:
        outcome = effect.apply(RealRecords(self.tx, run.author, self.reader, self.library))
        if outcome.result == Result.FAILED:
            what = f"“{run.live.name}” could not keep what belongs to its run R-{run.id}"
            told = f"{what}: {outcome.said}"
            remedy = "Correct what it says, and look at the run."
            key = f"unkept/{run.live.workflow}"
            raise_alert(self.tx, "failed", key, told, remedy, run.live.workflow)
        return outcome
