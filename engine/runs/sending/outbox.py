"""The outbox: messages that are written but not gone, each with where it stands, why and when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from engine.blocks.communication import Communication
from engine.company.message_limits import Channel
from engine.outside import kill_switch
from engine.records.alerts import raise_alert, settle_cause
from engine.records.states import DRIVEN, Phase, Result, RunState
from engine.records.tables import ENTRIES, RUNS, UNSENT
from engine.records.transaction import Transaction
from engine.records.visibility import seen_runs
from engine.runs import store
from engine.runs.sending import quotas
from engine.runs.store import CROWDED, HERE, IN_HAND
from engine.schema.english import count
from engine.workflows.library import Library, Live

MOST = 200
OLD = timedelta(hours=1)
KEY = "queue"
Standing = Literal["queued", "sending", "held", "failed", "unknown"]


@dataclass(frozen=True)
class WaitingMessage:
    """One message: of which run, to whom, how it stands, and when it goes or is looked at again."""

    run: int
    workflow: int
    name: str
    channel: Channel
    record: str
    to: tuple[str, ...]
    subject: str
    standing: Standing
    cause: str
    why: str
    since: datetime
    next_at: datetime | None
    tries: int


def waiting(
    tx: Transaction, library: Library, standing: str = "", run: int | None = None
) -> list[WaitingMessage]:
    """The messages that have not gone out, those that go first in front."""
    asked: list[ColumnElement[bool]] = [
        or_(
            and_(
                IN_HAND,
                ENTRIES.c.phase.in_((Phase.PLANNED, Phase.QUEUED, Phase.PERFORMING, Phase.HELD)),
            ),
            and_(RUNS.c.state == RunState.PAUSED, ENTRIES.c.outcome == Result.UNKNOWN),
            and_(RUNS.c.state == RunState.FAILED, ENTRIES.c.outcome == Result.FAILED),
        )
    ]
    asked += [*seen_runs(tx.schema), *([RUNS.c.id == run] if run is not None else [])]
    query = select(RUNS, ENTRIES).join(ENTRIES, HERE).where(*asked)
    ordered = query.order_by(RUNS.c.due.is_(None), RUNS.c.due, RUNS.c.id.desc())
    found = _messages(tx, library, tx.db.execute(ordered.limit(MOST * 5)))
    return [each for each in found if standing in ("", each.standing)][:MOST]


def _messages(
    tx: Transaction, library: Library, rows: Iterable[Row[Any]]
) -> Iterator[WaitingMessage]:
    for row in rows:
        live = library.version(tx, row.workflow, row.version)
        step = live.parsed.route.get(row.step)
        if step is not None and isinstance(step[0], Communication):
            yield _message(row, live, step[0])


def _message(row: Row[Any], live: Live, step: Communication) -> WaitingMessage:
    effect = row.move.get("effect") or {}
    return WaitingMessage(
        row.id,
        row.workflow,
        live.name,
        step.channel,
        f"{row.module}/{row.record}",
        tuple(_people(row.move)),
        str(effect.get("subject") or effect.get("text") or ""),
        _standing(row),
        row.cause,
        row.said or row.move.get("why") or "",
        row.since or row.at,
        row.due if row.state in DRIVEN else None,
        row.tries,
    )


def _standing(row: Row[Any]) -> Standing:
    if row.state in (RunState.FAILED, RunState.PAUSED):
        return "failed" if row.state == RunState.FAILED else "unknown"
    if row.phase == Phase.PERFORMING:
        return "sending"
    return "held" if row.phase == Phase.HELD else "queued"


def send_now(tx: Transaction, run: int, by: str) -> bool:
    """Send a message off whatever the hour; what else keeps it is still asked. False if none is."""
    return store.release(tx, run, by)


def let_go(tx: Transaction, workflow: int, channel: Channel, by: str) -> int:
    """Let all messages go today that are held for being too many. Returns how many there are."""
    mine = (RUNS.c.workflow == workflow, IN_HAND)
    held = list(tx.db.scalars(select(ENTRIES.c.move).join(RUNS, HERE).where(*mine, CROWDED)))
    if held:
        people = sum(max(len(_people(move)), 1) for move in held)
        quotas.release(tx, workflow, channel, quotas.used(tx, workflow, channel) + people, by)
        store.wake_crowded(tx, workflow, by)
        settle_cause(tx, f"held/{workflow}/{channel}")
    return len(held)


def lift_stop(tx: Transaction, scope: str, by: str) -> bool:
    """Let go on what was stopped, and look at all of it at once. False if it was not stopped."""
    if not kill_switch.lift(tx, scope):
        return False
    store.wake_stopped(tx, by)
    return True


def _people(move: Any) -> list[str]:
    """Whom a planned message is for."""
    effect = move.get("effect") or {}
    named = (*(effect.get("to") or ()), *(effect.get("cc") or ()))
    return [each["number"] if isinstance(each, dict) else str(each) for each in named]


def tell_age(tx: Transaction) -> None:
    """Tell people of messages that fail again and again, with the age of the oldest; or that all
    is well again."""
    failing = select(func.count(), func.min(ENTRIES.c.since)).join(RUNS, HERE)
    row = tx.db.execute(failing.where(IN_HAND, ENTRIES.c.cause == "retry", UNSENT)).one()
    number, since = row
    if not number:
        settle_cause(tx, KEY)
    elif tx.now - since >= OLD:
        hours = count(int((tx.now - since) / timedelta(hours=1)), "hour")
        told = f"{count(number, 'message')} cannot be sent; the oldest has waited for {hours}."
        remedy = "See in the outbox what the mail server says. They are sent when it answers again."
        raise_alert(tx, "queue", KEY, told, remedy)
