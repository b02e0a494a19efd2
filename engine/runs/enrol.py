"""Start runs: at most one for each occasion of a record, whatever asks for it and how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select

from engine.records.states import RunState
from engine.records.transaction import Transaction
from engine.runs import episodes, store
from engine.runs.candidates import candidates
from engine.runs.histories import histories
from engine.workflows.history import History, When
from engine.workflows.library import Live


@dataclass(frozen=True)
class Cause:
    """What asks for a run: the change, the person, the chain of causes behind it."""

    actor: str
    event: int | None = None
    depth: int = 0
    chain: tuple[tuple[int, str], ...] = ()
    before: dict[str, JsonValue] | None = None


SCHEDULED = Cause("schedule")


def enrol(
    tx: Transaction, live: Live, record: int, mark: str, cause: Cause
) -> tuple[int | None, str]:
    """Start one run for one record. `mark` names this occasion where each occasion counts.

    Returns the run and "", or None and why there is none.
    """
    enrolment = Enrolment(tx, [(live, record)])
    enrolment.begins(live, record, holds=True)
    if why := enrolment.refusal(live, record):
        return None, why
    values = enrolment.row(live, record, mark, cause)
    enrolment.write()
    id = store.start(tx, values)
    return id, "" if id else "it has run for this occasion already"


def _row(tx: Transaction, live: Live, cause: Cause) -> dict[str, Any]:
    return {
        "workflow": live.workflow,
        "version": live.version,
        "module": live.parsed.module,
        "state": RunState.RUNNING,
        "step": live.parsed.start(),
        "due": tx.now,
        "outward": False,
        "reason": "",
        "event": cause.event,
        "actor": cause.actor,
        "before": cause.before,
        "depth": cause.depth,
        "chain": [list(link) for link in cause.chain] or None,
        "started_at": tx.now,
    }


class Enrolment:
    """Starts runs for many records as if each were looked at alone; all are written at once."""

    def __init__(
        self, tx: Transaction, pairs: Iterable[tuple[Live, int]], at: datetime | None = None
    ) -> None:
        self.tx = tx
        self.when = When(at or tx.now, tx.company.calendar)
        self._past = histories(tx, pairs, at if at and at < tx.now else None)
        self._rows: list[dict[str, Any]] = []
        self._turned: set[tuple[int, int]] = set()

    def begins(self, live: Live, subject: int, holds: bool) -> bool:
        """Whether that they hold is an occasion: for episodes, only if they did not before."""
        if not live.parsed.recurrence.of_episodes:
            return holds
        key = (live.workflow, subject)
        if not self._past[key].turn(holds):
            return False
        self._turned.add(key)
        return holds

    def refusal(self, live: Live, subject: int) -> str | None:
        """Why no run may start for this record now."""
        past, repeats = self._past[live.workflow, subject], live.parsed.trigger.repeats
        return live.parsed.recurrence.keeps(past, self.when, repeats=repeats)

    def enrol(self, live: Live, subject: int, mark: str, cause: Cause) -> str | None:
        """Start a run, or say why there is none."""
        if why := self.refusal(live, subject):
            return why
        self._rows.append(self.row(live, subject, mark, cause))
        self._past[live.workflow, subject].note(self.tx.now)
        return None

    def row(self, live: Live, subject: int, mark: str, cause: Cause) -> dict[str, Any]:
        """A run as it is written."""
        past = self._past[live.workflow, subject]
        mine = {"subject": subject, "record": subject, "members": None}
        occasion = live.parsed.recurrence.occasion(past, mark, self.when)
        return {**_row(self.tx, live, cause), **mine, "occasion": occasion}

    def write(self) -> None:
        """Write the runs that were started, and the episodes that began or ended."""
        store.start_all(self.tx, self._rows)
        turned = {key: self._past[key] for key in sorted(self._turned)}
        episodes.keep(
            self.tx, [(*key, past.episode or 0, past.holds) for key, past in turned.items()]
        )


# --- many records at once, for schedules ---


def enrol_matching(
    tx: Transaction,
    live: Live,
    mark: str,
    at: datetime,
    only: Iterable[int] | None = None,
    cause: Cause = SCHEDULED,
) -> int:
    """Start a run for every record, or group of records, that matches, in one statement."""
    chosen = candidates(tx, live.parsed, at, only).subquery()
    subject = chosen.c.subject
    recurrence, when = live.parsed.recurrence, When(tx.now, tx.company.calendar)
    if recurrence.of_episodes:
        matching = candidates(tx, live.parsed, at).subquery()
        episodes.turn(tx, live.workflow, select(matching.c.subject))
    history = History(live.workflow, subject)
    occasion = recurrence.named(history, mark, when).label("occasion")
    picked = select(subject, chosen.c.record, chosen.c.members, occasion)
    picked = picked.where(recurrence.lets(history, when, repeats=live.parsed.trigger.repeats))
    starting = store.start_groups if live.parsed.group_by else store.start_chosen
    return starting(tx, _row(tx, live, cause), picked.order_by(chosen.c.record))
