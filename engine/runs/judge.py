"""Whether a workflow starts for records, and all that keeps it from it: asked, nothing is noted.

It is asked by whoever starts runs by hand, by dry runs, audiences, explain, and for what a save
would start, so that all of them say the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from engine.blocks.triggers.schedule import Schedule
from engine.company.windows import next_inside
from engine.conditions import Compare, bind
from engine.conditions.comparing import shown
from engine.conditions.parts import required
from engine.conditions.readings import holds
from engine.conditions.words import Reason, reasons
from engine.records.past_values import values_at
from engine.records.reader import Reader, RecordFacts
from engine.records.transaction import Transaction
from engine.runs.candidates import subjects_of
from engine.runs.enrol import Enrolment
from engine.runs.reply_loops import ReplyLimit, hours
from engine.workflows.fingerprint import old, standing
from engine.workflows.library import Live
from engine.workflows.workflow import Workflow

TO = ("changed_to", "becomes")


@dataclass(frozen=True)
class Verdict:
    """Whether a workflow starts for one record at the moment that was asked about.

    `fits` are its conditions with what the record has; `kept` says what else keeps back every
    start, and `awaits` what keeps back its trigger alone: by hand it starts all the same.
    """

    record: int
    fits: Reason
    kept: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()

    @property
    def starts(self) -> bool:
        return self.fits.holds and not self.blocked

    @property
    def blocked(self) -> tuple[str, ...]:
        """All that keeps it back, beside the conditions."""
        return (*self.kept, *self.awaits)

    @property
    def why(self) -> str:
        """Why it starts, or why not."""
        return ("; ".join(self.blocked) if self.fits.holds else "") or self.fits.said

    @property
    def refusal(self) -> str | None:
        """Why it does not start by hand either."""
        return next(iter(self.kept), None) if self.fits.holds else self.fits.said


@dataclass
class Judge:
    """Asked about some records of one workflow, as of now or of another moment.

    `as_it_was`: of a moment that is past the values count that the records had then.
    """

    tx: Transaction
    live: Live
    records: Sequence[int]
    at: datetime | None = None
    as_it_was: bool = False

    def __post_init__(self) -> None:
        tx, workflow = self.tx, self.live.parsed
        moment = starting(tx, workflow, self.at) if self.at else None
        self._moment = moment or self.at or tx.now
        self._never = not_then(tx, workflow, self.at) if self.at else None
        self._reader = Reader(tx, self._moment)
        self._binder = self._reader.binder(tx.schema.module(workflow.module))
        self._asked = standing(workflow.entry)
        self._condition = bind(self._asked, self._binder)
        self._subjects = subjects_of(tx, workflow, self.records)
        pairs = [(self.live, subject) for subject in self._subjects.values()]
        self._enrolment = Enrolment(tx, pairs, self._moment)
        self._begins = {
            subject: self._enrolment.begins(self.live, subject, holds=True)
            for subject in dict.fromkeys(self._subjects.values())
        }

    def verdicts(self) -> list[Verdict]:
        """One for each record, in their order."""
        self._reader.load(self._binder.module, self.records)
        return [self._verdict(id) for id in self.records]

    def held_back(self, record: int) -> list[str]:
        """What keeps a change of a record of which the conditions hold from starting it."""
        return [*self._kept(record), *self._begun(record), *self._sender(record)]

    def _verdict(self, id: int) -> Verdict:
        facts = self._facts(id)
        if facts is None:
            gone = "was no such record then" if self._past else "is no such record any more"
            return Verdict(id, Reason(f"there {gone}", False))
        fits = reasons(self._asked, self._binder, facts)
        if not holds(self._condition, facts):
            return Verdict(id, fits, tuple(self._kept(id)))
        awaits = (*self._begun(id), *self._sender(id), *self._brought(facts), *self._day())
        return Verdict(id, fits, tuple(self._kept(id)), awaits)

    @property
    def _past(self) -> bool:
        return self.as_it_was and self._moment < self.tx.now

    def _facts(self, id: int) -> RecordFacts | None:
        module = self._binder.module
        values = self._reader.row(module, id)
        if values is not None and self._past:
            values = values_at(self.tx, module, values, self._moment)
        return None if values is None else RecordFacts(self._reader, module, values)

    # --- what keeps every start back ---

    def _kept(self, id: int) -> Iterator[str]:
        if why := self._enrolment.refusal(self.live, self._subjects.get(id, id)):
            yield why

    # --- what keeps its trigger back ---

    def _begun(self, id: int) -> Iterator[str]:
        """That the conditions were true before, where it starts as they become true."""
        begins = self._begins.get(self._subjects.get(id, id), True)
        if not begins and self.live.parsed.trigger.listens() and not any(self._kept(id)):
            yield "its conditions were true already, and it runs when they become true"

    def _sender(self, id: int) -> Iterator[str]:
        """That a mail of the same sender has just started it."""
        if hours(self.tx, self.live.parsed):
            row = self._reader.row(self._binder.module, id)
            if row and (why := ReplyLimit(self.tx).refusal(self.live, row)):
                yield why

    def _brought(self, facts: RecordFacts) -> Iterator[str]:
        """That the change it looks for was made before."""
        for part in brought(self.live.parsed):
            path = self._binder.schema.path(self._binder.module, part.field)
            have = shown(path.field, facts.value(path), self._binder)
            yield f"{path.title.lower()} is {have} already: it starts when it becomes that"

    def _day(self) -> Iterator[str]:
        if self._never:
            yield self._never


def judged(
    tx: Transaction, live: Live, records: Sequence[int], at: datetime | None = None
) -> list[Verdict]:
    """Whether a workflow starts for each of these records as they are, in their order."""
    return Judge(tx, live, records, at).verdicts()


def brought(workflow: Workflow) -> list[Compare]:
    """What a change has to bring, of a record that is there already: "status becomes Resolved"."""
    if all(listen.kind == "created" for listen in workflow.trigger.listens()):
        return []
    return [part for part in required(workflow.entry) if part.op in TO and not old(part)]


def starting(tx: Transaction, workflow: Workflow, day: datetime) -> datetime | None:
    """When a schedule first starts on a day, given by its first moment; None if it does not."""
    calendar = tx.company.calendar
    begins = calendar.at(calendar.today(day), time(0))
    return _first(tx, workflow, begins) if day == begins else None


def not_then(tx: Transaction, workflow: Workflow, moment: datetime) -> str | None:
    """That a schedule does not start on the day of a moment, and when it does next."""
    calendar = tx.company.calendar
    day = calendar.today(moment)
    begins = calendar.at(day, time(0))
    if not isinstance(workflow.trigger, Schedule) or _first(tx, workflow, begins):
        return None
    following = next_inside(workflow.trigger, workflow.window, begins, calendar)
    after = f", but on {calendar.today(following):%A %Y-%m-%d}" if following else ""
    return f"its schedule does not start on {day:%A %Y-%m-%d}{after}"


def _first(tx: Transaction, workflow: Workflow, begins: datetime) -> datetime | None:
    calendar, trigger = tx.company.calendar, workflow.trigger
    if not isinstance(trigger, Schedule):
        return None
    before = begins - timedelta(microseconds=1)
    found = next_inside(trigger, workflow.window, before, calendar)
    same = found is not None and calendar.today(found) == calendar.today(begins)
    return found if same else None
