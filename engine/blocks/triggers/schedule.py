"""The clock starts the workflow, for every record that matches at that moment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Literal

from engine.blocks.checking import Checking
from engine.blocks.triggers import Trigger
from engine.company.schedule import Recurring
from engine.company.windows import Window, next_dates
from engine.conditions import Binder
from engine.phrases import say
from engine.problems import Problem


class Schedule(Recurring, Trigger):
    """Starts at set times, by a rhythm, a date or cron, for all records that match then."""

    type: Literal["schedule"] = "schedule"
    known_as: ClassVar[tuple[str, ...]] = ("cron", "timer", "daily")
    example: ClassVar[dict[str, Any]] = {"type": "schedule", "every": "day", "at": "09:00"}
    icon: ClassVar[str] = "calendar-clock"
    repeats: ClassVar[bool] = True

    def say(self, binder: Binder) -> str:
        when = self.words(binder.calendar)
        when, record = f"{when[:1].upper()}{when[1:]}", binder.module.singular.lower()
        return say("{when}, for each {record}", when=when, record=record)

    def next_dates(self, window: Window | None, binder: Binder) -> list[datetime]:
        return next_dates(self, window, binder.now, binder.calendar)

    def check(self, checking: Checking) -> Iterator[Problem]:
        for path, message, remedy in self.problems():
            yield Problem(path, message, remedy)
        now, calendar = checking.binder.now, checking.binder.calendar
        if self.past(now, calendar):
            yield Problem("date", f"{self.date} is past.", "Give a day to come.")
        elif self.never(now, calendar):
            told = f"it never starts: no day will come that is {self.words(calendar)}."
            yield Problem(self._day_key, told, "Choose days that come.")

    @property
    def _day_key(self) -> str:
        """The setting that says on which days."""
        known = ("cron", "working_day", "nth_weekday", "days", "dates")
        return next((key for key in known if getattr(self, key) is not None), "every")
