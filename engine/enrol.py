"""Start runs: at most one for each occasion of a record, whatever asks for it and how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import (
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.elements import ColumnElement

from engine.columns import Json
from engine.conditions import bound
from engine.dependencies import standing
from engine.library import Live
from engine.readings import Columns, where
from engine.tables import EPISODES, RUNS
from engine.transaction import Transaction
from engine.workflow import AfterFinish, EveryDays, Workflow

ACTIVE = ("running", "waiting", "paused")


@dataclass(frozen=True)
class Cause:
    """What asks for a run: the change, the person, the chain of causes behind it."""

    actor: str
    event: int | None = None
    depth: int = 0
    chain: tuple[tuple[int, str], ...] = ()
    before: dict[str, JsonValue] | None = None


def enrol(
    tx: Transaction, live: Live, record: int, mark: str, cause: Cause
) -> tuple[int | None, str]:
    """Start one run for one record. `mark` names this occasion where each occasion counts.

    Returns the run and "", or None and why there is none.
    """
    if why := refusal(
        tx,
        live,
        record,
        waiting_only=live.parsed.recurrence == "every" and not live.parsed.trigger.repeats,
    ):
        return None, why
    values = {
        **_row(tx, live, cause),
        "subject": record,
        "record": record,
        "occasion": occasion(tx, live, record, mark),
        "members": None,
    }
    id = tx.db.scalar(_insert(tx).values(**values).on_conflict_do_nothing().returning(RUNS.c.id))
    return id, "" if id else "it has run for this occasion already"


def _insert(tx: Transaction) -> Any:
    return sqlite_insert(RUNS) if tx.db.dialect.name == "sqlite" else postgres_insert(RUNS)


def _row(tx: Transaction, live: Live, cause: Cause) -> dict[str, Any]:
    return {
        "workflow": live.workflow,
        "version": live.version,
        "module": live.parsed.module,
        "state": "running",
        "step": live.parsed.start(),
        "due": tx.now,
        "tries": 0,
        "reason": "",
        "event": cause.event,
        "actor": cause.actor,
        "before": cause.before,
        "depth": cause.depth,
        "chain": [list(link) for link in cause.chain] or None,
        "started_at": tx.now,
    }


def occasion(tx: Transaction, live: Live, subject: int, mark: str) -> str:
    """The word that makes this run unique for its record."""
    match live.parsed.recurrence:
        case "every":
            return mark
        case "once":
            return ""
        case "episode":
            return f"episode {episode(tx, live.workflow, subject)}"
        case EveryDays():
            return tx.company.calendar.today(tx.now).isoformat()
        case AfterFinish():
            mine = (RUNS.c.workflow == live.workflow, RUNS.c.subject == subject)
            return f"round {tx.count(RUNS, *mine) + 1}"


def refusal(tx: Transaction, live: Live, subject: int, *, waiting_only: bool) -> str | None:
    """Why no run may start for this record now."""
    mine = (RUNS.c.workflow == live.workflow, RUNS.c.subject == subject)
    busy = ("waiting", "paused") if waiting_only else ACTIVE
    if found := tx.db.scalar(select(RUNS.c.id).where(*mine, RUNS.c.state.in_(busy)).limit(1)):
        return f"run R-{found} of this workflow is still going on for it"
    match live.parsed.recurrence:
        case "once":
            if (
                tx.db.scalar(
                    select(EPISODES.c.number).where(
                        EPISODES.c.workflow == live.workflow, EPISODES.c.subject == subject
                    )
                )
                is not None
            ):
                return "it matched already when the workflow was switched on"
        case EveryDays(every_days=days):
            newest = tx.db.scalar(select(func.max(RUNS.c.started_at)).where(*mine))
            if newest and newest >= since(tx, days):
                return f"it ran less than {days} days ago"
        case AfterFinish(after_finish_days=days):
            newest = tx.db.scalar(select(func.max(RUNS.c.ended_at)).where(*mine))
            if newest and newest >= since(tx, days):
                return f"its last run ended less than {days} days ago"
    return None


def since(tx: Transaction, days: int) -> datetime:
    """The moment after which a run is too recent: days count as the company's calendar does."""
    calendar = tx.company.calendar
    first = calendar.today(tx.now) - timedelta(days=days - 1)
    return calendar.at(first, datetime.min.time())


# --- episodes: when a record's conditions become true, and when they stop ---


def episode(tx: Transaction, workflow: int, subject: int) -> int:
    """The number of the episode a record is in, 0 before its first."""
    mine = (EPISODES.c.workflow == workflow, EPISODES.c.subject == subject)
    return tx.db.scalar(select(EPISODES.c.number).where(*mine)) or 0


def becomes(tx: Transaction, workflow: int, subject: int, holds: bool) -> bool:
    """Note whether the conditions hold of a record now. True if they have just become true."""
    mine = (EPISODES.c.workflow == workflow, EPISODES.c.subject == subject)
    known = tx.db.execute(select(EPISODES.c.holds, EPISODES.c.number).where(*mine)).first()
    if known is None:
        if holds:
            tx.upsert(
                EPISODES,
                ["workflow", "subject"],
                {"workflow": workflow, "subject": subject, "number": 1, "holds": True},
            )
        return holds
    if known.holds != holds:
        number = known.number + (1 if holds else 0)
        tx.db.execute(update(EPISODES).where(*mine).values(holds=holds, number=number))
    return holds and not known.holds


# --- many records at once, for schedules ---


def enrol_matching(
    tx: Transaction, live: Live, mark: str, at: datetime, only: Iterable[int] | None = None
) -> int:
    """Start a run for every record, or group of records, that matches: one statement, whatever their number."""
    chosen = candidates(tx, live.parsed, at, only).subquery()
    subject = chosen.c.subject
    if live.parsed.recurrence == "episode":
        _turn_episodes(tx, live, select(subject))
    picked = select(
        *(
            literal(value, RUNS.c[name].type)
            for name, value in _row(tx, live, Cause("schedule")).items()
        ),
        subject,
        chosen.c.record,
        chosen.c.members,
        _occasions(tx, live, subject, mark),
    ).where(*_allowed(tx, live, subject))
    names = [*_row(tx, live, Cause("schedule")), "subject", "record", "members", "occasion"]
    return tx.db.execute(_insert(tx).from_select(names, picked).on_conflict_do_nothing()).rowcount


def candidates(
    tx: Transaction,
    workflow: Workflow,
    at: datetime,
    only: Iterable[int] | None = None,
) -> Select[Any]:
    """The records that match at a moment: `subject`, `record`, `members` (all of a group, or NULL)."""
    module = tx.schema.module(workflow.module)
    table = tx.schema.tables[module.name]
    binder = tx.binder(module, at=at)
    matches = [
        where(bound(standing(workflow.entry), binder), Columns(binder, table)),
        table.c.deleted_at.is_(None),
    ]
    if only is not None:
        matches.append(table.c.id.in_(list(only)))
    if not workflow.group_by:
        nothing = literal(None, Json)
        return select(
            table.c.id.label("subject"), table.c.id.label("record"), nothing.label("members")
        ).where(*matches)
    group = func.coalesce(table.c[workflow.group_by], -table.c.id)
    if tx.db.dialect.name == "sqlite":
        members: ColumnElement[Any] = func.json_group_array(
            aggregate_order_by(table.c.id, table.c.id)
        )
    else:
        members = func.jsonb_agg(aggregate_order_by(table.c.id, table.c.id))
    return (
        select(
            group.label("subject"), func.min(table.c.id).label("record"), members.label("members")
        )
        .where(*matches)
        .group_by(group)
    )


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
        not_(exists(select(RUNS.c.id).where(mine, RUNS.c.state.in_(ACTIVE))))
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


def _turn_episodes(tx: Transaction, live: Live, matching: Select[Any]) -> None:
    """Close the episodes of records that no longer match, open one for each that matches and had none open."""
    mine = EPISODES.c.workflow == live.workflow
    stopped = and_(mine, EPISODES.c.holds, EPISODES.c.subject.not_in(matching))
    tx.db.execute(update(EPISODES).where(stopped).values(holds=False))
    again = and_(mine, not_(EPISODES.c.holds), EPISODES.c.subject.in_(matching))
    tx.db.execute(update(EPISODES).where(again).values(holds=True, number=EPISODES.c.number + 1))
    begin(tx, live.workflow, matching, number=1)


def begin(tx: Transaction, workflow: int, matching: Select[Any], number: int) -> int:
    """Note that the conditions hold of these records; number 0 means that this alone starts nothing (a baseline)."""
    known = select(EPISODES.c.subject).where(EPISODES.c.workflow == workflow)
    subject = matching.subquery().c[0]
    rows = select(literal(workflow), subject, literal(number), literal(True)).where(
        subject.not_in(known)
    )
    return tx.db.execute(
        insert(EPISODES).from_select(["workflow", "subject", "number", "holds"], rows)
    ).rowcount
