"""What is kept no longer than the settings say: old changes, what steps did, and acts of people.

Runs themselves are kept for ever, without what their steps did: recurrences ask whether there was
one. So are the newest changes of each record, which its page shows, all changes of documents, whose
past decides who may see a file, and the steps of runs that failed, which may be tried again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy.exc import OperationalError

from engine.people import audit
from engine.records import events
from engine.records.database import Database
from engine.records.transaction import Transaction
from engine.runs import store

BATCH = 500
PAUSE = timedelta(days=1)
log = logging.getLogger("sayso.retention")


@dataclass(frozen=True)
class Kind:
    """One kind of things that grow old.

    `expired` looks at some rows after an id, and gives those that may go and the last id it looked
    at, None where all that follows is newer than the moment it is given. `forget` deletes them.
    """

    age: timedelta
    expired: Callable[[Transaction, int, datetime, int], tuple[list[int], int | None]]
    forget: Callable[[Transaction, Sequence[int]], None]


@dataclass(frozen=True)
class Keep:
    """For how many days what is kept; 0 is for ever."""

    events: int = 0
    steps: int = 0
    audit: int = 0

    def kinds(self) -> list[Kind]:
        """What is not kept for ever."""
        every = ((self.events, events), (self.steps, store), (self.audit, audit))
        return [
            Kind(timedelta(days=days), where.expired, where.forget) for days, where in every if days
        ]


@dataclass
class Retention:
    """Goes through the tables once a day, a batch at a time, so that nobody waits for long."""

    keep: Keep = field(default_factory=Keep)
    _next_at: datetime | None = None
    _left: list[Kind] = field(default_factory=list)
    _after: int = 0
    _alone: Lock = field(default_factory=Lock)

    def due(self, now: datetime) -> bool:
        """Whether a round is going on, or a day has gone by since the last one."""
        waits = self._next_at is not None and now < self._next_at
        return bool(self.keep.kinds()) and (bool(self._left) or not waits)

    def sweep(self, database: Database) -> int:
        """Do one batch. Returns 0 at the end of the round, which comes too if a batch fails."""
        with self._alone:
            if not self._left:
                self._left, self._after = self.keep.kinds(), 0
                self._next_at = database.clock() + PAUSE
            try:
                self._batch(database, self._left[0])
            except OperationalError:
                raise
            except Exception:
                log.exception("what is old could not be deleted; it is tried again tomorrow")
                self._left = []
            return len(self._left)

    def _batch(self, database: Database, kind: Kind) -> None:
        with database.read() as tx:
            gone, last = kind.expired(tx, self._after, tx.now - kind.age, BATCH)
        if gone:
            with database.begin() as tx:
                kind.forget(tx, gone)
        self._after = last or 0
        if last is None:
            del self._left[0]
