"""Whether an effect may leave the house now, asked in the transaction in which it takes off."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import exists, or_, select

from engine.blocks.communication import PATIENCE, Communication
from engine.company.message_limits import MESSAGES, RELEASED, Channel
from engine.effects import Outcome, OutwardEffect
from engine.outside.kill_switch import ALL, against, stops
from engine.phrases import figure, mark, say, say_count, worded
from engine.records.alerts import raise_alert
from engine.records.reader import reached_by
from engine.records.states import DRIVEN, Result
from engine.records.suppression import normal
from engine.records.tables import ENTRIES, RUNS
from engine.records.transaction import Transaction
from engine.runs.entry import Entry
from engine.runs.run import LIMITS, Run
from engine.runs.sending import quotas
from engine.schema.sql_types import Fold
from engine.workflows.library import Live

LOOK_AGAIN = timedelta(hours=1)
RECHECK = timedelta(minutes=15)
WAITED = frozenset({"time", "retry", *LIMITS})
SENDER = (
    "Set a sender on the page System, or start Sayso with SAYSO_SENDER; then it goes by itself."
)
NOT_READY = ("pause", "nothing")


class Gate:
    """Asked for each effect of one batch. Whoever is held is decided anew when the time comes."""

    def __init__(
        self,
        tx: Transaction,
        stopped: Collection[str] = (),
        lacks: Callable[[OutwardEffect], str | None] = lambda effect: None,
    ) -> None:
        self.tx, self._lacks, self._by_setting = tx, lacks, stopped
        self._ready: dict[tuple[int, Channel], int] = {}
        self._told: dict[tuple[str, int, Channel], tuple[str, str]] = {}
        self._lacking: dict[str, str] = {}

    @cached_property
    def _stopped(self) -> set[str]:
        return {*self._by_setting, *(row.scope for row in stops(self.tx))}

    def asks(self, run: Run, entry: Entry, effect: OutwardEffect) -> Outcome | None:
        """Why it has to wait, or never goes; None if it may go, and then it is counted."""
        step = run.live.parsed.route[entry.step][0]
        if why := against(self._stopped, effect.scope, run.live.workflow):
            said, again = f"not now: {why}, until an admin lets it go on", run.now + LOOK_AGAIN
            # What is no message is done later as it was planned: its receiver may know it already.
            return Outcome(
                Result.HELD if effect.channel else Result.RETRY, said, {}, again, cause="stop"
            )
        if why := self._lacks(effect):
            if entry.cause != "sender":
                self._lacking[effect.channel] = why
            return Outcome(Result.HELD, why, {}, run.now + RECHECK, cause="sender")
        if not isinstance(step, Communication):
            return None
        held = self._hour(run, entry, step, effect) or self._number(run, entry, step, effect)
        if held and held.cause in LIMITS and _too_long(run, entry):
            return effect.given_up(f"it was held for 72 hours ({held.said})")
        return held

    def tell(self) -> None:
        """Tell people what was held in this batch for being too much, or for want of a setting."""
        for channel, why in self._lacking.items():
            told = f"{why[:1].upper()}{why[1:]}."
            raise_alert(self.tx, "sender", f"sender/{channel}", told, SENDER)
        for (cause, workflow, channel), (told, remedy) in self._told.items():
            raise_alert(self.tx, cause, f"held/{workflow}/{channel}", told, remedy, workflow)

    # --- at which hour ---

    def _hour(
        self, run: Run, entry: Entry, step: Communication, effect: OutwardEffect
    ) -> Outcome | None:
        if entry.cause == RELEASED:
            return None
        calendar, waited = self.tx.company.calendar, entry.cause in WAITED
        if opens := step.opens(run.now, run.live.parsed.window, calendar, waited=waited):
            return self._later(opens, "it goes", "time")
        quiet = self.tx.company.quiet(step.channel)
        for address in effect.reaches if quiet else ():
            zone = self._zone(address, step.channel)
            if quiet and (ends := quiet.ends(run.now, calendar, zone)):
                return self._later(ends, "quiet hours: it goes", "quiet")
        return None

    def _later(self, moment: datetime, why: str, cause: str) -> Outcome:
        return Outcome(Result.HELD, f"{why} at {self._clock(moment)}", again_at=moment, cause=cause)

    def _clock(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.tx.company.calendar.timezone):%Y-%m-%d %H:%M}"

    def _zone(self, address: str, channel: Channel) -> ZoneInfo | None:
        """Where the person is who has this address, if their record says so."""
        for module in self.tx.schema:
            if "timezone" not in module.by_name:
                continue
            table = self.tx.schema.tables[module.name]
            known = [table.c[field.name] for field in reached_by(module, channel)]
            theirs = or_(*(Fold(column) == normal(address) for column in known))
            query = select(table.c.timezone).where(theirs, table.c.deleted_at.is_(None))
            if known and (name := self.tx.db.scalar(query.limit(1))):
                try:
                    return ZoneInfo(name)
                except (ValueError, OSError, KeyError):  # whatever is no time zone
                    return None
        return None

    # --- how many ---

    def _number(
        self, run: Run, entry: Entry, step: Communication, effect: OutwardEffect
    ) -> Outcome | None:
        channel, noun = step.channel, MESSAGES[step.channel]
        waiting, most = self._waiting(run.live, channel)
        tomorrow = step.next_day(
            run.now, entry.at or run.now, run.live.parsed.window, self.tx.company.calendar
        )
        if waiting > most:
            told = f"{waiting:,} {noun} wait, and {most:,} a day may go"
            self._tell("approval", run.live, channel, told)
            said = f"held until a person lets them go: {told}"
            return Outcome(Result.HELD, said, again_at=tomorrow, cause="approval")
        to, people = effect.reaches, effect.strangers
        message = quotas.Message(run.id, entry.step, run.live.workflow, channel, to, people)
        full = quotas.claim(self.tx, message)
        if full is None:
            return None
        self._tell("cap", run.live, channel, f"{noun} are held: {full.said}")
        until = tomorrow if full.day else full.until
        said = f"held until {self._clock(until)}: {full.said}"
        return Outcome(Result.HELD, said, again_at=until, cause="cap")

    def _tell(self, cause: str, live: Live, channel: Channel, told: str) -> None:
        remedy = (
            "Open the outbox: let them go, or switch the workflow off. After 72 hours they end."
        )
        self._told[cause, live.workflow, channel] = (f"“{live.name}”: {told}.", remedy)

    def _waiting(self, live: Live, channel: Channel) -> tuple[int, int]:
        """How many messages of a workflow are ready to go, and how many may today."""
        most = quotas.allowed(self.tx, live.workflow, channel)
        key = (live.workflow, channel)
        if key not in self._ready:
            self._ready[key] = ready(self.tx, live, channel, most)
        return self._ready[key], most


def rules(tx: Transaction, channel: Channel) -> Iterator[str]:
    """What is asked of each message of a channel, in words, with the numbers of today."""
    messages = worded(MESSAGES[channel])
    if {ALL, channel} & {row.scope for row in stops(tx)}:
        told = mark("No {messages} leave now: they are stopped until an admin lets them go on.")
        yield say(told, messages=messages)
    if quiet := tx.company.quiet(channel):
        yield quiet.words(channel)
    caps = tx.company.caps(channel)
    yield caps.words(channel)
    yield say_count(
        "If more than {most} {messages} are ready at once, a person has to let them go. What may "
        "not leave waits; after {count} hour it fails.",
        "If more than {most} {messages} are ready at once, a person has to let them go. What may "
        "not leave waits; after {count} hours it fails.",
        PATIENCE // timedelta(hours=1),
        most=figure(caps.workflow_day),
        messages=messages,
    )


def ready(tx: Transaction, live: Live, channel: Channel, enough: int = 0) -> int:
    """How many runs of a workflow stand at a message that may go; counted closely past `enough`."""
    route = live.parsed.route.items()
    steps = [
        id for id, (step, _) in route if isinstance(step, Communication) and step.channel == channel
    ]
    standing = (
        RUNS.c.workflow == live.workflow,
        RUNS.c.state.in_(DRIVEN),
        RUNS.c.step.in_(steps),
    )
    count = tx.count(RUNS, *standing)
    if count <= enough:
        return count
    here = (ENTRIES.c.run == RUNS.c.id, ENTRIES.c.step == RUNS.c.step)
    return tx.count(RUNS, *standing, ~exists().where(*here, ENTRIES.c.cause.in_(NOT_READY)))


def _too_long(run: Run, entry: Entry) -> bool:
    since = entry.since if entry.cause in LIMITS else None
    return since is not None and run.now - since > PATIENCE
