"""The effect of giving a record to whoever of a group is next, so that each gets as many."""

from dataclasses import replace
from typing import Literal

from engine.effects import Outcome, RecordEffect, Store
from engine.effects.records import UpdateRecord, together
from engine.records.states import Result


class AssignInTurn(RecordEffect):
    """The next member of a group gets the role. `expected` is who it would be, as of the plan."""

    kind: Literal["assign_in_turn"] = "assign_in_turn"
    group: str
    field: str
    module: str
    records: tuple[tuple[int, str], ...]
    expected: str

    def say(self) -> str:
        told = ", ".join(title for _, title in self.records)
        return f"set {self.field} to the next of {self.group} (now {self.expected}) on {told}"

    def apply(self, store: Store) -> Outcome:
        chosen = store.next_in_turn(self.group)
        if not isinstance(chosen, str):
            told = f"nobody of the group {self.group} is there to take {self.records[0][1]}."
            return Outcome(Result.FAILED, f"{told} Add an active user to it.")
        ended = together([self._change(*record, chosen) for record in self.records]).apply(store)
        return replace(ended, gives={**ended.gives, "assigned": chosen})

    def _change(self, id: int, title: str, chosen: str) -> UpdateRecord:
        return UpdateRecord(module=self.module, id=id, title=title, values={self.field: chosen})
