"""Rehearsals that show a workflow whole: each arm, each language of readers, each text once.

What no record leads to is shown as if one did, so that nothing is approved unread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from engine.blocks.step import Action
from engine.records.reader import Reader, RecordFacts
from engine.runs.addressees import language_of
from engine.runs.rehearsal import Rehearsals, Rehearsed

TRIED, SHOWN, AS_IF = 20, 5, 8


@dataclass
class Samples:
    """What has been shown of a workflow so far, and what is still to be."""

    rehearsals: Rehearsals
    shown: list[Rehearsed] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)

    def of(self, ids: Sequence[int]) -> None:
        """Show those of these records that go another way, end otherwise, or are read in another
        language; records that are taken together are one run."""
        for id in ids[:TRIED]:
            if id in self.taken or len(self.shown) == SHOWN:
                continue
            found = self.rehearsals.of(id)
            self.taken |= {id, *found.members}
            if self._marks(found) - self.seen:
                self._show(found)

    def as_if(self, ids: Sequence[int]) -> None:
        """Show each action that no record came to with the first of these that it does something
        for."""
        for step in self.rehearsals.live.parsed.every_step:
            if not isinstance(step, Action) or step.id in self._told():
                continue
            tries = (self.rehearsals.as_if(id, step.id) for id in ids[:AS_IF])
            if found := next((each for each in tries if step.id in _steps(each)), None):
                self._show(found)

    def _told(self) -> set[str]:
        return {step for each in self.shown for step in _steps(each)}

    def _show(self, found: Rehearsed) -> None:
        self.shown.append(found)
        self.seen |= self._marks(found)

    def _marks(self, found: Rehearsed) -> set[str]:
        """All that a rehearsal shows: where it went, what failed there, the language of readers."""
        if not found.matches:
            return {"no match"}
        ended = {f"{told.step} {told.outcome}" for told in found.effects}
        tx = self.rehearsals.tx
        module = tx.schema.module(self.rehearsals.live.parsed.module)
        row = Reader(tx).row(module, found.id)
        spoken = language_of(RecordFacts(Reader(tx), module, row)) if row else ""
        return {*found.crossed, *ended, f"in {spoken}"}


def _steps(found: Rehearsed) -> Iterator[str]:
    """The steps of which an effect is shown in full."""
    return (told.step for told in found.effects if told.effect)


def samples(rehearsals: Rehearsals, ids: Sequence[int]) -> list[Rehearsed]:
    """Rehearsals of some of these records, those that are most likely meant first; and, as if a
    record led there, of each step that these do not come to."""
    found = Samples(rehearsals)
    found.of(ids)
    found.as_if([*ids] or _any(rehearsals))
    return found.shown


def _any(rehearsals: Rehearsals) -> list[int]:
    """Some records of the module, the newest first."""
    tx = rehearsals.tx
    table = tx.schema.tables[rehearsals.live.parsed.module]
    newest = select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id.desc())
    return list(tx.db.scalars(newest.limit(AS_IF)))
