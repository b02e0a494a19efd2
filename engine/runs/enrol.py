"""Start runs: at most one for each occasion of a record, whatever asks for it and how often."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import (
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    not_,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from engine.records.states import GOING_ON, RunState
from engine.records.tables import EPISODES, RUNS
from engine.records.transaction import Transaction
from engine.runs import episodes, store
from engine.runs.candidates import candidates
from engine.workflows.library import Live
from engine.workflows.workflow import AfterFinish, EveryDays


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
    if why := enrolment.refusal(live, record):
        return None, why
    values = enrolment.row(live, record, mark, cause)
    id = store.start(tx, values)
    return id, "" if id else "it has run for this occasion already"


def refusal(tx: Transaction, live: Live, subject: int) -> str | None:
    """Why no run may start for this record now."""
    return Enrolment(tx, [(live, subject)]).refusal(live, subject)


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


GOING = select(RUNS.c.id, RUNS.c.workflow, RUNS.c.subject, RUNS.c.state).where(
    RUNS.c.workflow.in_(bindparam("workflows", expanding=True)),
    RUNS.c.subject.in_(bindparam("subjects", expanding=True)),
    RUNS.c.state.in_(GOING_ON),
)


@dataclass
class Past:
    """What one workflow did for a record: runs going on, their number, the newest; its episode."""

    going: int | None = None
    resting: int | None = None
    count: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    episode: int | None = None
    holds: bool = False


class Enrolment:
    """Starts runs for many records as if each were looked at alone; all are written at once."""

    def __init__(self, tx: Transaction, pairs: Iterable[tuple[Live, int]]) -> None:
        self.tx = tx
        self._past: dict[tuple[int, int], Past] = defaultdict(Past)
        self._rows: list[dict[str, Any]] = []
        self._turned: set[tuple[int, int]] = set()
        asked = [(live, subject) for live, subject in pairs]
        lives = {live.workflow: live for live, _ in asked}
        subjects = {subject for _, subject in asked}
        if asked:
            self._read_runs(list(lives), subjects)
            self._read_history([n for n, live in lives.items() if _counts(live)], subjects)
            self._read_episodes([n for n, live in lives.items() if _watches(live)], subjects)

    def _read_runs(self, workflows: list[int], subjects: set[int]) -> None:
        asked = {"workflows": workflows, "subjects": sorted(subjects)}
        for row in self.tx.db.execute(GOING, asked):
            past = self._past[row.workflow, row.subject]
            past.going = row.id
            past.resting = past.resting if row.state == RunState.RUNNING else row.id

    def _read_history(self, workflows: list[int], subjects: set[int]) -> None:
        if not workflows:
            return
        mine = (RUNS.c.workflow.in_(workflows), RUNS.c.subject.in_(subjects))
        newest = (func.max(RUNS.c.started_at), func.max(RUNS.c.ended_at))
        query = select(RUNS.c.workflow, RUNS.c.subject, func.count(), *newest).where(*mine)
        for row in self.tx.db.execute(query.group_by(RUNS.c.workflow, RUNS.c.subject)):
            past = self._past[row.workflow, row.subject]
            past.count, past.started, past.ended = row[2:]

    def _read_episodes(self, workflows: list[int], subjects: set[int]) -> None:
        if not workflows:
            return
        mine = (EPISODES.c.workflow.in_(workflows), EPISODES.c.subject.in_(subjects))
        for row in self.tx.db.execute(select(EPISODES).where(*mine)):
            past = self._past[row.workflow, row.subject]
            past.episode, past.holds = row.number, row.holds

    def begins(self, live: Live, subject: int, holds: bool) -> bool:
        """Whether that they hold is an occasion: for episodes, only if they did not before."""
        if live.parsed.recurrence != "episode":
            return holds
        key = (live.workflow, subject)
        past = self._past[key]
        if past.holds == holds:
            return False
        past.holds, past.episode = holds, (past.episode or 0) + holds
        self._turned.add(key)
        return holds

    def refusal(self, live: Live, subject: int) -> str | None:
        """Why no run may start for this record now."""
        past = self._past[live.workflow, subject]
        each = live.parsed.recurrence in ("every", "episode")
        changes_count = each and not live.parsed.trigger.repeats
        busy = past.resting if changes_count else past.going
        if busy is not None:
            which = (
                f"run R-{busy}" if busy else "a run"
            )  # one that has just begun has no number yet
            return f"{which} of this workflow is still going on for it"
        match live.parsed.recurrence:
            case "once" if past.episode is not None:
                return "it matched already when the workflow was switched on"
            case EveryDays(every_days=days) if past.started and past.started >= since(
                self.tx, days
            ):
                return f"it ran less than {days} days ago"
            case AfterFinish(after_finish_days=days) if past.ended and past.ended >= since(
                self.tx, days
            ):
                return f"its last run ended less than {days} days ago"
        return None

    def enrol(self, live: Live, subject: int, mark: str, cause: Cause) -> str | None:
        """Start a run, or say why there is none."""
        if why := self.refusal(live, subject):
            return why
        self._rows.append(self.row(live, subject, mark, cause))
        past = self._past[live.workflow, subject]
        past.going, past.count, past.started = past.going or 0, past.count + 1, self.tx.now
        return None

    def row(self, live: Live, subject: int, mark: str, cause: Cause) -> dict[str, Any]:
        """A run as it is written."""
        mine = {"subject": subject, "record": subject, "members": None}
        return {
            **_row(self.tx, live, cause),
            **mine,
            "occasion": self.occasion(live, subject, mark),
        }

    def occasion(self, live: Live, subject: int, mark: str) -> str:
        """The word that makes this run unique for its record."""
        past = self._past[live.workflow, subject]
        match live.parsed.recurrence:
            case "every":
                return mark
            case "once":
                return ""
            case "episode":
                return f"episode {past.episode or 0}"
            case EveryDays():
                return self.tx.company.calendar.today(self.tx.now).isoformat()
            case AfterFinish():
                return f"round {past.count + 1}"

    def write(self) -> None:
        """Write the runs that were started, and the episodes that began or ended."""
        store.start_all(self.tx, self._rows)
        turned = {key: self._past[key] for key in sorted(self._turned)}
        episodes.keep(
            self.tx, [(*key, past.episode or 0, past.holds) for key, past in turned.items()]
        )


def _counts(live: Live) -> bool:
    return isinstance(live.parsed.recurrence, (EveryDays, AfterFinish))


def _watches(live: Live) -> bool:
    return live.parsed.recurrence in ("once", "episode")


def since(tx: Transaction, days: int) -> datetime:
    """The moment after which a run is too recent: days count as the company's calendar does."""
    calendar = tx.company.calendar
    first = calendar.today(tx.now) - timedelta(days=days - 1)
    return calendar.at(first, datetime.min.time())


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
    if live.parsed.recurrence == "episode":
        episodes.turn(tx, live.workflow, select(subject))
    occasion = _occasions(tx, live, subject, mark).label("occasion")
    picked = select(subject, chosen.c.record, chosen.c.members, occasion)
    picked = picked.where(*_allowed(tx, live, subject)).order_by(chosen.c.record)
    return store.start_chosen(tx, _row(tx, live, cause), picked)


def _occasions(tx: Transaction, live: Live, subject: Any, mark: str) -> ColumnElement[str]:
    match live.parsed.recurrence:
        case "episode":
            mine = and_(EPISODES.c.workflow == live.workflow, EPISODES.c.subject == subject)
            number = select(EPISODES.c.number).where(mine).scalar_subquery()
            return literal("episode ") + cast(number, String)
        case AfterFinish():
            mine = and_(RUNS.c.workflow == live.workflow, RUNS.c.subject == subject)
            before = select(func.count()).select_from(RUNS).where(mine).scalar_subquery()
            return literal("round ") + cast(before + 1, String)
        case "once":
            return literal("")
        case EveryDays():
            return literal(tx.company.calendar.today(tx.now).isoformat())
    return literal(mark)


def _allowed(tx: Transaction, live: Live, subject: Any) -> list[ColumnElement[bool]]:
    """No run goes on for the record, and its recurrence lets it run again."""
    mine = and_(RUNS.c.workflow == live.workflow, RUNS.c.subject == subject)
    rules: list[ColumnElement[bool]] = [
        not_(exists(select(RUNS.c.id).where(mine, RUNS.c.state.in_(GOING_ON))))
    ]
    known = and_(EPISODES.c.workflow == live.workflow, EPISODES.c.subject == subject)
    match live.parsed.recurrence:
        case "once":
            rules.append(not_(exists(select(EPISODES.c.number).where(known))))
        case "episode":
            rules.append(exists(select(EPISODES.c.number).where(known, EPISODES.c.number > 0)))
        case EveryDays(every_days=days):
            rules.append(
                not_(exists(select(RUNS.c.id).where(mine, RUNS.c.started_at >= since(tx, days))))
            )
        case AfterFinish(after_finish_days=days):
            rules.append(
                not_(exists(select(RUNS.c.id).where(mine, RUNS.c.ended_at >= since(tx, days))))
            )
    return rules
