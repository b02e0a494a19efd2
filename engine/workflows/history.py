"""What a workflow did for a subject so far: known of one, and said in SQL of many.

The subject is what runs are counted for: the record, or whatever groups it with others.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from engine.company.calendar import Calendar
from engine.records.tables import EPISODES, RUNS


@dataclass(frozen=True)
class When:
    """The moment for which is asked whether a run may start, in the company's days."""

    now: datetime
    calendar: Calendar

    @property
    def today(self) -> date:
        return self.calendar.today(self.now)

    def since(self, days: int) -> datetime:
        """From when on a run is too recent; today is the first of these days."""
        return self.calendar.at(self.today - timedelta(days=days - 1), time.min)


@dataclass
class SubjectHistory:
    """What a workflow did for one subject, as far as its recurrence asks."""

    running: int | None = None  # a run that goes on right now; 0 for one without a number yet
    resting: int | None = None  # a run that waits or is held
    count: int = 0
    started: datetime | None = None  # the newest
    ended: datetime | None = None
    episode: int | None = None  # which one it is in, or was in last; 0 where nothing has begun
    holds: bool = False  # whether the conditions held when they were last asked
    ran: bool = False  # whether a run was started for that episode

    def turn(self, holds: bool) -> bool:
        """Note whether the conditions hold now. Returns whether that is new."""
        if self.holds == holds:
            return False
        self.holds = holds
        if holds:
            self.episode, self.ran = (self.episode or 0) + 1, False
        return True

    def note(self, now: datetime) -> None:
        """Note that a run begins."""
        self.running, self.started, self.ran = self.running or 0, now, True
        self.count += 1


@dataclass(frozen=True)
class History:
    """The same in SQL, for the subjects of a query."""

    workflow: int
    subject: ColumnElement[int]

    def ran(self, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether there is such a run."""
        return exists(select(RUNS.c.id).where(self._runs, *where).correlate_except(RUNS))

    def known(self, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether there is such an episode."""
        known = select(EPISODES.c.number).where(self._episodes, *where)
        return exists(known.correlate_except(EPISODES))

    @property
    def count(self) -> ColumnElement[int]:
        runs = select(func.count()).select_from(RUNS).where(self._runs)
        return runs.correlate_except(RUNS).scalar_subquery()

    @property
    def episode(self) -> ColumnElement[int]:
        number = select(EPISODES.c.number).where(self._episodes)
        return number.correlate_except(EPISODES).scalar_subquery()

    @property
    def _runs(self) -> ColumnElement[bool]:
        return and_(RUNS.c.workflow == self.workflow, RUNS.c.subject == self.subject)

    @property
    def _episodes(self) -> ColumnElement[bool]:
        return and_(EPISODES.c.workflow == self.workflow, EPISODES.c.subject == self.subject)
