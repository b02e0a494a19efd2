"""How many messages may still leave: counted in the database, so that no two processes overdraw."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.company.message_limits import MESSAGES, Channel
from engine.records.suppression import normal
from engine.records.tables import CLAIMS, QUOTAS, RELEASES
from engine.records.transaction import Transaction

KEPT = timedelta(days=8)


@dataclass(frozen=True)
class Message:
    """One message that is about to leave: of which step, to whom; `people` are not our users."""

    run: int
    step: str
    workflow: int
    channel: Channel
    recipients: Sequence[str]
    people: Sequence[str]


@dataclass(frozen=True)
class Full:
    """Why a message has to wait, and until when; `day` tells that it is for another day."""

    said: str
    until: datetime
    day: bool


@dataclass(frozen=True)
class Counter:
    """What is counted, in which hour or day, how many more now, and how many at most."""

    key: str
    period: str
    more: int
    most: int
    told: str


def claim(tx: Transaction, message: Message) -> Full | None:
    """Take the message's place among those that may leave now; where there is none, why.

    Call it in the transaction in which the message takes off. A second try in the same hour takes
    no second place; whom a step has written to is kept for good.
    """
    day, hour = _periods(tx)
    mine = (CLAIMS.c.run == message.run, CLAIMS.c.step == message.step)
    known = {row.recipient: row for row in tx.db.execute(select(CLAIMS).where(*mine))}
    to = {normal(each): None for each in message.recipients}
    to_day = [each for each in to if each not in known or known[each].day != day]
    to_hour = [each for each in to if each not in known or known[each].hour != hour]
    people = {normal(each) for each in message.people} & set(to_day)
    taken: list[Counter] = []
    for counter in _counters(tx, message, day, hour, len(to_day), len(to_hour), sorted(people)):
        if not _take(tx, counter):
            _give_back(tx, taken)
            return _full(tx, counter)
        taken.append(counter)
    _note(tx, message, to, day, hour)
    return None


def release(tx: Transaction, workflow: int, channel: Channel, number: int, by: str) -> None:
    """Let one workflow write to so many people today."""
    day, _ = _periods(tx)
    keys = {"workflow": workflow, "channel": channel, "day": day}
    row = {"number": number, "by": by, "at": tx.now}
    tx.upsert(RELEASES, list(keys), {**keys, **row}, row)


def allowed(tx: Transaction, workflow: int, channel: Channel) -> int:
    """How many people one workflow may write to today."""
    return max(tx.company.caps(channel).workflow_day, _released(tx, channel, workflow))


def used(tx: Transaction, workflow: int, channel: Channel) -> int:
    """How many people it has written to today."""
    day, _ = _periods(tx)
    mine = (QUOTAS.c.key == f"workflow/{workflow}/{channel}", QUOTAS.c.period == day)
    return tx.db.scalar(select(QUOTAS.c.used).where(*mine)) or 0


def _counters(
    tx: Transaction,
    message: Message,
    day: str,
    hour: str,
    to_day: int,
    to_hour: int,
    people: Iterable[str],
) -> Iterator[Counter]:
    """All that counts this message, in the same order for everybody: nobody waits in a circle."""
    channel, caps = message.channel, tx.company.caps(message.channel)
    extra = _released(tx, channel)
    mine = _released(tx, channel, message.workflow)
    name = f"workflow/{message.workflow}/{channel}"
    noun = MESSAGES[channel]
    most = caps.company_day + extra
    yield Counter(channel, day, to_day, most, f"{noun} to {most:,} people a day in all")
    most = max(caps.workflow_day, mine)
    yield Counter(name, day, to_day, most, f"{noun} to {most:,} people a day by one workflow")
    most = max(caps.workflow_hour, mine)
    yield Counter(name, hour, to_hour, most, f"{noun} to {most:,} people an hour by one workflow")
    for person in people:
        most = caps.person_day
        yield Counter(f"{channel}/{person}", day, 1, most, f"{most} {noun} a day to {person}")
        most = caps.person_workflow_day
        told = f"{most} {noun} a day to {person} by one workflow"
        yield Counter(f"{name}/{person}", day, 1, most, told)


def _take(tx: Transaction, counter: Counter) -> bool:
    if not counter.more:
        return True
    insert: Any = sqlite_insert if tx.db.dialect.name == "sqlite" else postgres_insert
    begin = insert(QUOTAS).values(key=counter.key, period=counter.period, used=0)
    if tx.db.execute(begin.on_conflict_do_nothing()).rowcount:
        old = QUOTAS.c.period < _day(tx, tx.now - KEPT)
        tx.db.execute(delete(QUOTAS).where(QUOTAS.c.key == counter.key, old))
    this = (QUOTAS.c.key == counter.key, QUOTAS.c.period == counter.period)
    fits = QUOTAS.c.used + counter.more <= counter.most
    more = update(QUOTAS).where(*this, fits).values(used=QUOTAS.c.used + counter.more)
    return tx.db.execute(more).rowcount == 1


def _give_back(tx: Transaction, taken: Iterable[Counter]) -> None:
    for counter in taken:
        this = (QUOTAS.c.key == counter.key, QUOTAS.c.period == counter.period)
        less = update(QUOTAS).where(*this).values(used=QUOTAS.c.used - counter.more)
        tx.db.execute(less)


def _note(tx: Transaction, message: Message, to: Iterable[str], day: str, hour: str) -> None:
    """Whom the step writes to, before it does."""
    for recipient in to:
        keys = {"run": message.run, "step": message.step, "recipient": recipient}
        row = {"channel": message.channel, "workflow": message.workflow, "at": tx.now}
        when = {"day": day, "hour": hour}
        new = {**keys, **row, **when, "tries": 1}
        tx.upsert(CLAIMS, list(keys), new, {**when, "tries": CLAIMS.c.tries + 1})


def _full(tx: Transaction, counter: Counter) -> Full:
    local = tx.now.astimezone(tx.company.calendar.timezone)
    by_hour = len(counter.period) > len("2026-03-10")
    if by_hour:
        hour = tx.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return Full(counter.told, hour, day=False)
    midnight = tx.company.calendar.at(local.date() + timedelta(days=1), time.min)
    return Full(counter.told, midnight, day=True)


def _released(tx: Transaction, channel: Channel, workflow: int | None = None) -> int:
    day, _ = _periods(tx)
    query = select(func.sum(RELEASES.c.number)).where(
        RELEASES.c.channel == channel, RELEASES.c.day == day
    )
    if workflow is not None:
        query = query.where(RELEASES.c.workflow == workflow)
    return tx.db.scalar(query) or 0


def _periods(tx: Transaction) -> tuple[str, str]:
    local = tx.now.astimezone(tx.company.calendar.timezone)
    return f"{local:%Y-%m-%d}", f"{local:%Y-%m-%dT%H}"


def _day(tx: Transaction, moment: datetime) -> str:
    return f"{moment.astimezone(tx.company.calendar.timezone):%Y-%m-%d}"
