"""The records that a run is about: which still belong to it, which are done, which pause it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.conditions import ALWAYS, Condition
from engine.conditions.readings import holds
from engine.conditions.words import reasons
from engine.records.reader import Reader, RecordFacts
from engine.runs.bindings import Bindings
from engine.schema.modules import Module
from engine.workflows.library import Live


@dataclass
class Subjects:
    """One record, or `members` that are taken together, in one version of a workflow.

    `before` are the values before the change that started the run; the whole record, if that was
    its deletion.
    """

    live: Live
    reader: Reader
    record: int
    members: list[int]
    before: Mapping[str, Any]
    started_at: datetime
    bindings: Bindings = field(default_factory=Bindings)

    @property
    def module(self) -> Module:
        return self.reader.tx.schema.module(self.live.parsed.module)

    @property
    def all(self) -> list[int]:
        return self.members or [self.record]

    def facts(self, id: int) -> RecordFacts | None:
        """A record as it is; as it was, if its deletion started the run."""
        values = self.reader.row(self.module, id)
        if values is None and "id" in self.before:
            values = self.before
        return RecordFacts(self.reader, self.module, values) if values is not None else None

    def present(self) -> list[RecordFacts]:
        """Those that there still are."""
        return [facts for id in self.all if (facts := self.facts(id))]

    def fitting(self) -> list[int]:
        """Those that would still be chosen, as of the day the run started."""
        asked = self._guard()
        found = []
        for id in self.all:
            facts = self.facts(id)
            if facts is None or self._done(facts):
                continue
            if asked == ALWAYS or self._holds(asked, facts, self.started_at, event=True):
                found.append(id)
        return found

    def unfit(self) -> str:
        """Why the first of them would not be chosen any more."""
        binder = self.reader.tx.binder(self.module, event=True, at=self.started_at)
        return reasons(self._guard(), binder, self.present()[0]).said

    def stopped(self) -> str | None:
        """Why the run must not go on at all: its record is gone, or is to be left alone."""
        present = self.present()
        if not present:
            return "no longer applies: the record was deleted"
        stop = self.live.parsed.stop_when
        if stop and all(self._done(facts) for facts in present):
            told = reasons(stop, self.reader.binder(self.module), present[0]).said
            return f"stopped because {told}"
        return None

    def pauses(self, id: int) -> bool:
        """Whether a record is not to be written about for now."""
        pause, facts = self.live.parsed.pause_when, self.facts(id)
        return bool(pause and facts and self._holds(pause, facts, self.reader.at))

    def paused(self, among: list[int]) -> str | None:
        """Why none of these is to be written about for now; None if some are, or there are none."""
        pause = self.live.parsed.pause_when
        if pause is None or not among or not all(self.pauses(id) for id in among):
            return None
        facts = self.facts(among[0])
        return reasons(pause, self.reader.binder(self.module), facts).said if facts else ""

    def _done(self, facts: RecordFacts) -> bool:
        """Whether there is nothing more to do for this one record."""
        stop = self.live.parsed.stop_when
        return stop is not None and self._holds(stop, facts, self.reader.at)

    def _guard(self) -> Condition:
        return self.bindings.guard(self.live, self.reader.tx.schema)

    def _holds(
        self, condition: Condition, facts: RecordFacts, at: datetime, *, event: bool = False
    ) -> bool:
        """Whether a condition holds of a record now; its words for days mean those of `at`."""
        tx = self.reader.tx
        return holds(self.bindings.of(tx, self.module, condition, at, event=event), facts)
