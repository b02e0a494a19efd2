"""How often a workflow runs for one record: a class each, asked of one record or of many in SQL."""

import json
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_serializer
from sqlalchemy import String, and_, cast, literal, not_, or_, true
from sqlalchemy.sql.elements import ColumnElement

from engine.phrases import listed, mark, say, say_count
from engine.records.states import GOING_ON, RunState
from engine.records.tables import EPISODES, RUNS
from engine.schema.english import article
from engine.workflows.history import History, SubjectHistory, When

# What keeps runs apart: where there are no subjects, and for the same subject.
GOING = (
    mark("No run starts while another is still going on."),
    mark("No run starts for {subject} while another for it is still going on."),
)
WAITING = (
    mark("No run starts while another is waiting."),
    mark("No run starts for {subject} while another for it is waiting."),
)
RESTING = tuple(state for state in GOING_ON if state != RunState.RUNNING)


class Recurrence(BaseModel, ABC):
    """One answer to how often. Its two readings, of one subject and of many, must agree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: ClassVar[list[type["Recurrence"]]] = []
    example: ClassVar[JsonValue]  # as it is written in a document
    meaning: ClassVar[str] = ""
    # Whether several changes, one right after the other, start a run each.
    each_change: ClassVar[bool] = False
    # Whether it asks for the runs there were.
    of_runs: ClassVar[bool] = False
    # Whether it asks to know when the conditions stop to hold, so that they can hold anew.
    of_episodes: ClassVar[bool] = False
    # Whether records that match when the workflow is switched on can be left alone for it.
    takes_baseline: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        Recurrence.kinds.append(cls)

    def keeps(self, past: SubjectHistory, when: When, *, repeats: bool) -> str | None:
        """Why no run may start now, in words; `repeats`: a schedule asks, not a change."""
        waits = self.each_change and not repeats
        going = past.resting if waits or past.running is None else past.running
        if going is not None:
            if going:
                return say("run R-{run} of this workflow is still going on for it", run=going)
            return say("a run of this workflow is still going on for it")
        return self.refusal(past, when)

    def lets(self, history: History, when: When, *, repeats: bool) -> ColumnElement[bool]:
        """The same in SQL: true where nothing keeps a run from starting."""
        return and_(self._free(history, repeats), self.allowed(history, when))

    def foresees(
        self, history: History, when: When, *, repeats: bool, listens: bool
    ) -> ColumnElement[bool]:
        """As `lets`, of subjects for which the conditions hold, which is not noted yet.

        `listens`: it is a change that starts it.
        """
        return self.lets(history, when, repeats=repeats)

    def _free(self, history: History, repeats: bool) -> ColumnElement[bool]:
        """True where no run goes on that others have to wait for."""
        waits = self.each_change and not repeats
        return not_(history.ran(RUNS.c.state.in_(RESTING if waits else GOING_ON)))

    def one_at_a_time(self, subject: str, *, repeats: bool) -> str:
        """That a run keeps others from starting, in words; `subject` is what runs are for."""
        told = WAITING if self.each_change and not repeats else GOING
        return say(told[bool(subject)], subject=article(subject))

    @abstractmethod
    def refusal(self, past: SubjectHistory, when: When) -> str | None:
        """Why it does not let a run start, apart from one that is still going on."""

    @abstractmethod
    def allowed(self, history: History, when: When) -> ColumnElement[bool]:
        """The same in SQL: true where nothing is refused."""

    @abstractmethod
    def occasion(self, past: SubjectHistory, mark: str, when: When) -> str:
        """The word for this run, of which a subject has one; `mark` names what asks for it."""

    def named(self, history: History, mark: str, when: When) -> ColumnElement[str]:
        """The same in SQL; to be said anew only where it depends on the past."""
        return literal(self.occasion(SubjectHistory(), mark, when))

    @abstractmethod
    def words(self, subject: str, *, repeats: bool) -> str:
        """How often for a subject ("" where all records are one), after "It runs"."""

    @model_serializer
    def as_written(self) -> JsonValue:
        return {name: getattr(self, name) for name in type(self).model_fields} or self.example


class Every(Recurrence):
    """Each time."""

    example: ClassVar[JsonValue] = "every"
    meaning: ClassVar[str] = "each time"
    each_change: ClassVar[bool] = True

    def refusal(self, past: SubjectHistory, when: When) -> str | None:
        return None

    def allowed(self, history: History, when: When) -> ColumnElement[bool]:
        return true()

    def occasion(self, past: SubjectHistory, mark: str, when: When) -> str:
        return mark

    def words(self, subject: str, *, repeats: bool) -> str:
        if not subject:
            return say("every time that there are any")
        if repeats:
            told = mark("every time, also for {subject} that it ran for before")
            return say(told, subject=article(subject))
        return say("each time this happens")


class Once(Recurrence):
    """Once for ever."""

    example: ClassVar[JsonValue] = "once"
    meaning: ClassVar[str] = "for ever"
    of_runs: ClassVar[bool] = True
    takes_baseline: ClassVar[bool] = True

    def refusal(self, past: SubjectHistory, when: When) -> str | None:
        if past.count:
            return say("it has run for it already, and runs once for each record")
        if past.episode is not None:
            return say("it matched already when the workflow was switched on")
        return None

    def allowed(self, history: History, when: When) -> ColumnElement[bool]:
        return not_(history.ran() | history.known())

    def occasion(self, past: SubjectHistory, mark: str, when: When) -> str:
        return ""

    def words(self, subject: str, *, repeats: bool) -> str:
        return say("only once for each {subject}", subject=subject) if subject else say("only once")


class Episode(Recurrence):
    """Each time the conditions become true."""

    example: ClassVar[JsonValue] = "episode"
    meaning: ClassVar[str] = "each time the conditions become true"
    each_change: ClassVar[bool] = True
    of_episodes: ClassVar[bool] = True
    takes_baseline: ClassVar[bool] = True

    def refusal(self, past: SubjectHistory, when: When) -> str | None:
        if past.ran:
            return say("it has run since its conditions became true")
        if not past.episode:
            return say("its conditions were true already when the workflow was switched on")
        return None

    def allowed(self, history: History, when: When) -> ColumnElement[bool]:
        ran = history.ran(RUNS.c.occasion == self.named(history, "", when))
        return and_(history.known(EPISODES.c.number > 0), not_(ran))

    def foresees(
        self, history: History, when: When, *, repeats: bool, listens: bool
    ) -> ColumnElement[bool]:
        begins = or_(not_(history.known()), history.known(not_(EPISODES.c.holds)))
        starts = begins if listens else or_(begins, self.allowed(history, when))
        return and_(self._free(history, repeats), starts)

    def occasion(self, past: SubjectHistory, mark: str, when: When) -> str:
        return f"episode {past.episode or 0}"

    def named(self, history: History, mark: str, when: When) -> ColumnElement[str]:
        return episode_named(history.episode)

    def words(self, subject: str, *, repeats: bool) -> str:
        if not subject:
            return say("once, and once more each time there are such records again")
        told = mark(
            "once for each {subject}, and once more each time the conditions have stopped being "
            "true and become true again"
        )
        return say(told, subject=subject)


def episode_named(number: ColumnElement[int]) -> ColumnElement[str]:
    """The occasion of the run for this episode."""
    return literal("episode ") + cast(number, String)


class EveryDays(Recurrence):
    """At most once in so many days."""

    example: ClassVar[JsonValue] = {"every_days": 7}
    of_runs: ClassVar[bool] = True

    every_days: int = Field(ge=1, le=3650)

    def refusal(self, past: SubjectHistory, when: When) -> str | None:
        if past.started is not None and past.started >= when.since(self.every_days):
            return say_count(
                "it ran less than {count} day ago",
                "it ran less than {count} days ago",
                self.every_days,
            )
        return None

    def allowed(self, history: History, when: When) -> ColumnElement[bool]:
        return not_(history.ran(RUNS.c.started_at >= when.since(self.every_days)))

    def occasion(self, past: SubjectHistory, mark: str, when: When) -> str:
        return when.today.isoformat()

    def words(self, subject: str, *, repeats: bool) -> str:
        if not subject:
            return say_count(
                "at most once in {count} day",
                "at most once in {count} days",
                self.every_days,
            )
        return say_count(
            "at most once in {count} day for each {subject}",
            "at most once in {count} days for each {subject}",
            self.every_days,
            subject=subject,
        )


class AfterFinish(Recurrence):
    """Again so many days after the last run ended."""

    example: ClassVar[JsonValue] = {"after_finish_days": 4}
    of_runs: ClassVar[bool] = True

    after_finish_days: int = Field(ge=0, le=3650)

    def refusal(self, past: SubjectHistory, when: When) -> str | None:
        if past.ended is not None and past.ended >= when.since(self.after_finish_days):
            return say_count(
                "its last run ended less than {count} day ago",
                "its last run ended less than {count} days ago",
                self.after_finish_days,
            )
        return None

    def allowed(self, history: History, when: When) -> ColumnElement[bool]:
        return not_(history.ran(RUNS.c.ended_at >= when.since(self.after_finish_days)))

    def occasion(self, past: SubjectHistory, mark: str, when: When) -> str:
        return f"round {past.count + 1}"

    def named(self, history: History, mark: str, when: When) -> ColumnElement[str]:
        return literal("round ") + cast(history.count + 1, String)

    def words(self, subject: str, *, repeats: bool) -> str:
        days = self.after_finish_days
        if not days:
            told = mark("again for the same {subject} once its last run has ended")
            free = mark("again once its last run has ended")
            return say(told if subject else free, subject=subject)
        if not subject:
            return say_count(
                "again {count} day after its last run has ended",
                "again {count} days after its last run has ended",
                days,
            )
        return say_count(
            "again for the same {subject} {count} day after its last run has ended",
            "again for the same {subject} {count} days after its last run has ended",
            days,
            subject=subject,
        )


# --- as it is written ---


def recurrence(written: Any) -> Recurrence:
    """What a document says under `recurrence`. Raises ValueError where it is none."""
    if isinstance(written, Recurrence):
        return written
    for kind in Recurrence.kinds:
        if kind.model_fields:
            if isinstance(written, dict) and written.keys() == kind.model_fields.keys():
                return kind.model_validate(written)
        elif written == kind.example:
            return kind()
    raise ValueError("no recurrence")


AnyRecurrence = Annotated[Recurrence, BeforeValidator(recurrence)]


def choices(*, explained: bool = False) -> str:
    """Every recurrence as it is written; `explained`, with what it means where that is not plain.

    `"every" (each time), "once" (for ever) or {"every_days": 7}`
    """
    return listed((_choice(kind, explained) for kind in Recurrence.kinds), "or")


def _choice(kind: type[Recurrence], explained: bool) -> str:
    written = json.dumps(kind.example)
    return f"{written} ({kind.meaning})" if explained and kind.meaning else written
