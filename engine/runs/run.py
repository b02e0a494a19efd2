"""A run as a state machine: what it may do next, and how each outcome moves it on."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from engine.blocks.communication import Communication, WaitDays
from engine.blocks.context import Context
from engine.blocks.step import Action, Await, Move, Step
from engine.company.company import Company
from engine.effects import Outcome
from engine.problems import BadValue
from engine.records.reader import paused
from engine.records.states import DRIVEN, ENDED, Act, Phase, Result, RunState
from engine.records.writer import Author
from engine.runs.entry import AHEAD, Entry, stored
from engine.runs.line import Line
from engine.runs.step_view import Standing, view
from engine.runs.subjects import Subjects
from engine.workflows.library import Live

DEEPEST = 5
SOON = timedelta(minutes=1)
LOOK_AGAIN = timedelta(minutes=15)
AN_HOUR = timedelta(hours=1)
# What holds messages by number or by hour: they are held so long at most for all of it together.
LIMITS = frozenset({"cap", "approval", "quiet"})


@dataclass
class Run:
    """One record, or a group, on its way through one version of a workflow, in memory.

    `step` is where it stands, None at its end; `due` when it goes on at the earliest, None for at
    once. `owner` marks the worker that claimed it, `awaits` the record (`tasks/12`) whose change
    may bring what it waits for. `chain` are the causes behind it: (workflow, record) each. `lines`
    are what happened to it since it was read.
    """

    id: int
    subjects: Subjects
    state: RunState
    step: str | None
    actor: str
    reason: str = ""
    due: datetime | None = None
    depth: int = 0
    chain: tuple[tuple[int, str], ...] = ()
    owner: str | None = None
    ended_at: datetime | None = None
    awaits: str | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    @property
    def live(self) -> Live:
        return self.subjects.live

    @property
    def now(self) -> datetime:
        return self.subjects.reader.at

    @property
    def company(self) -> Company:
        return self.subjects.reader.tx.company

    @property
    def author(self) -> Author:
        """Who a change made by this run is by: the workflow, in this chain of causes."""
        link = (self.live.workflow, f"{self.subjects.module.name}/{self.subjects.record}")
        name = f"workflow:{self.live.workflow}"
        return Author(
            name, "workflow", None, self.live.workflow, self.id, self.depth + 1, (*self.chain, link)
        )

    # --- what it may do next ---

    def next_step(self) -> Step | None:
        """The step to take now, if there is one."""
        if self.state not in DRIVEN or self.step is None:
            return None
        if self.due and self.due > self.now:
            return None
        self.state = RunState.RUNNING
        return self.live.parsed.route[self.step][0]

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def outward(self) -> Entry | None:
        """The entry of the effect outside that comes next in this run, now or at its next try."""
        entry = self.entries.get(self.step or "")
        stands = entry is not None and entry.phase in AHEAD
        return entry if stands and self.state in DRIVEN else None

    def start_performing(self) -> None:
        """Mark that the effect outside is being performed, before it is."""
        entry = self.entries[self.step or ""]
        entry.phase, entry.tries, entry.changed = Phase.PERFORMING, entry.tries + 1, True

    def over(self, step: Step) -> str | None:
        """Why the run has nothing more to do here; None if it goes on."""
        if reason := self.subjects.stopped():
            return reason
        if isinstance(step, Action) and self._idle() and self._gives_up(step):
            return f"no longer applies: {self._idle()}"
        return None

    def _idle(self) -> str | None:
        """Why no record of the run would be chosen any more; None if one would, or it just was."""
        if not self.rested() or self.fitting():
            return None
        return self.subjects.unfit()

    def _gives_up(self, step: Action) -> bool:
        """Whether the run ends at a step for which no record qualifies."""
        match getattr(step, "when_nothing_matches", "stop"):
            case "skip":
                return False
            case WaitDays(wait_days=days):
                entry = self.entries.get(step.id)
                began = entry.since if entry and entry.cause == "nothing" else None
                return began is not None and self.now - began >= timedelta(days=days)
        return True

    def withheld(self, step: Communication) -> Outcome | None:
        """Why nobody is written to at this step now: for good, or for the time being."""
        if why := self._idle():
            if step.when_nothing_matches == "skip":
                return Outcome(Result.SKIPPED, f"not sent: nothing is left to write about: {why}")
            return Outcome(
                Result.HELD, f"waits for something to write about: {why}", cause="nothing"
            )
        fitting = self.fitting()
        why = self.subjects.paused(fitting)
        if why is None and fitting and (left_out := self._left_out(fitting)).keys() == {*fitting}:
            why = left_out[fitting[0]]
        return None if why is None else Outcome(Result.HELD, f"paused because {why}", cause="pause")

    def fitting(self) -> list[int]:
        """The records of the run that would still be chosen; the one it has, if it just was."""
        if not self.subjects.members and not self.rested():
            return [self.subjects.record]
        return self.subjects.fitting()

    def rested(self) -> bool:
        """Whether time has passed since the run began, so that its record may be another by now."""
        return any(self._late(entry) for entry in self.entries.values())

    def _late(self, entry: Entry) -> bool:
        if entry.phase in (Phase.SLEEPING, Phase.HELD) or entry.tries > 1 or entry.waits:
            return True
        if entry.phase == Phase.CLOSED and entry.ended_at and entry.at:
            return entry.ended_at - entry.at > SOON
        waited = self.now - entry.at if entry.at else SOON
        return entry.phase != Phase.CLOSED and (entry.tries > 0 or waited > SOON)

    def entry(self, step: Step) -> Entry | None:
        """What was decided here before; nothing, if it was held back and is to be decided anew."""
        found = self.entries.get(step.id)
        return None if found is None or found.phase in (Phase.HELD, Phase.QUEUED) else found

    def log(self, step: Step, move: Move) -> Entry:
        """Keep a decision, before anything is done about it."""
        old = self.entries.get(step.id)
        place = old.position if old else len(self.entries) + 1
        at, fresh = (old.at, old.fresh) if old else (self.now, True)
        entry = Entry(self.id, step.id, place, stored(move), at=at, fresh=fresh)
        if old:
            entry.tries, entry.cause, entry.since = old.tries, old.cause, old.since
        entry.decided = move
        self.entries[step.id] = entry
        return entry

    def take_back(self, entry: Entry) -> None:
        """Let a step decide anew: of what it decided nothing is done, and nothing written."""
        if entry.fresh:
            del self.entries[entry.step]
        else:
            entry.phase = Phase.HELD

    def context(self) -> Context:
        """All that the next step may use. What a message to customers leaves out is warned of."""
        fitting = self.fitting() or [self.subjects.record]
        left_out = self._left_out(fitting)
        found = self._view(fitting, [id for id in fitting if id not in left_out])
        found.warnings.extend(f"left out: {why}" for why in left_out.values())
        return found

    def _view(self, fitting: list[int], taken: list[int]) -> Context:
        customers = partial(self._writes_to_customers, fitting)
        standing = Standing(
            self.id, self.subjects, self.entries, self.actor, fitting, taken, customers
        )
        return view(standing, (taken or fitting)[0])

    def _left_out(self, fitting: list[int]) -> dict[int, str]:
        """The records of a group that a message now is not about, each with why."""
        step = self.live.parsed.route[self.step or ""][0] if self.step else None
        if not self.subjects.members or not isinstance(step, Communication):
            return {}
        told = {id: why for id in fitting if (why := self.subjects.paused([id]))}
        stopped = {id: paused(facts) for id in fitting if (facts := self.subjects.facts(id))}
        if any(stopped.values()) and self._writes_to_customers(fitting):
            told |= {id: why for id, why in stopped.items() if why}
        return told

    def _writes_to_customers(self, fitting: list[int]) -> bool:
        """Whether the next step writes to anybody who is not a user of ours."""
        step = self.live.parsed.route[self.step or ""][0] if self.step else None
        if not isinstance(step, Communication):
            return False
        try:
            return step.reaches_customers(self._view(fitting, fitting))
        except BadValue:  # the step itself says what is wrong
            return True

    # --- what becomes of it ---

    def close(self, entry: Entry, outcome: Outcome) -> None:
        """The step is over, with this outcome; where the run goes is said apart."""
        entry.phase, entry.outcome, entry.said = Phase.CLOSED, outcome.result, outcome.said
        entry.result, entry.ended_at, entry.changed = dict(outcome.gives), self.now, True
        entry.cause, entry.since = outcome.cause, None
        self.lines.append(Line(outcome.result, entry.step, outcome.said, entry.tries))

    def postpone(self, entry: Entry, outcome: Outcome) -> None:
        """Try this step later: as planned after a failure, decided anew after it was held."""
        anew = outcome.anew or outcome.result == Result.HELD
        entry.phase = Phase.HELD if anew else Phase.PLANNED
        entry.outcome, entry.said, entry.changed = outcome.result, outcome.said, True
        if not (outcome.cause == entry.cause or {outcome.cause, entry.cause} <= LIMITS):
            entry.since = self.now
        entry.cause, entry.since = outcome.cause, entry.since or self.now
        self.due = outcome.again_at or self._look_again(entry)
        self.lines.append(Line(outcome.result, entry.step, outcome.said, entry.tries, self.due))
        if self.state == RunState.RUNNING and anew:
            self.state = RunState.WAITING

    def _look_again(self, entry: Entry) -> datetime:
        """In an hour; but not in the night: rather on the next day, when the step was reached."""
        calendar, soon = self.company.calendar, self.now + AN_HOUR
        if calendar.today(soon) == calendar.today(self.now):
            return soon
        reached = (entry.at or self.now).astimezone(calendar.timezone)
        return calendar.at(calendar.today(soon), reached.time().replace(tzinfo=None))

    def next_try(self, step: Communication, entry: Entry) -> datetime | None:
        """When to send a message again that failed just now; None if it was tried enough."""
        since = (entry.since if entry.cause == "retry" else None) or self.now
        calendar, window = self.company.calendar, self.live.parsed.window
        reached = entry.at or self.now
        return step.next_try(self.now, since, entry.tries, reached, window, calendar)

    def go(self, step: str | None) -> None:
        """Stand at another step, to be taken at once; None is the end of the workflow."""
        self.step, self.due, self.awaits = step, None, None
        if step is None:
            self.end(RunState.DONE, f"finished{self._skipped()}")

    def _skipped(self) -> str:
        """How many of its steps were skipped, if any were."""
        skipped = sum(entry.outcome == Result.SKIPPED for entry in self.entries.values())
        return f", {skipped} skipped" if skipped else ""

    def sleep(self, entry: Entry, until: datetime) -> bool:
        """Rest until then. True if that is still to come, so that the run stays where it is."""
        if until <= self.now:
            self.close(entry, Outcome(Result.DONE, entry.said))
            return False
        entry.phase, entry.changed = Phase.SLEEPING, True
        self.state, self.due = RunState.WAITING, until
        return True

    def stay(self, entry: Entry, awaited: Await) -> bool:
        """Rest until something has come about. True if the run stays where it is.

        It is looked at when the awaited record changes, and now and then: not all that a condition
        asks for is a change of one record.
        """
        if entry.phase != Phase.SLEEPING:
            entry.phase, entry.outcome, entry.changed = Phase.SLEEPING, "", True
        again = self.now + LOOK_AGAIN
        self.state, self.awaits = RunState.WAITING, awaited.record
        self.due = min(again, awaited.until) if awaited.until else again
        return True

    def end(self, state: RunState, reason: str) -> None:
        """Go on no more. One that failed keeps its step, where it may be tried again."""
        if state == RunState.STOPPED:
            self.lines.append(Line(Act.STOPPED, self.step, reason))
        self.awaits = None
        self.state, self.reason, self.ended_at, self.due = state, reason, self.now, None
        if state != RunState.FAILED:
            self.step = None

    def hold_for_person(self, reason: str) -> None:
        """Wait until a person says what became of the effect at this step."""
        self.state, self.reason, self.due = RunState.PAUSED, reason, None
