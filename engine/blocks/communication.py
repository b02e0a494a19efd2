"""What all steps that write to people share: when it goes out, and what if nothing is left."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.blocks.checking import Checking
from engine.blocks.context import Context, Person
from engine.blocks.group_recipients import of_one
from engine.blocks.step import Action, Texts, texts
from engine.company.calendar import Calendar
from engine.company.message_limits import Channel
from engine.company.windows import Window
from engine.phrases import say, say_count
from engine.problems import Problem

AGAIN = timedelta(minutes=30)
TRIES_A_DAY, DAYS = 4, 4
PATIENCE = timedelta(hours=72)
GRACE = timedelta(minutes=15)  # a mail at 09:00 in a run that starts at 09:00 is not late
FURTHEST = 40  # days


class WaitDays(BaseModel):
    """Wait until something qualifies again, but not longer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait_days: int = Field(ge=1, le=365)


Otherwise = Literal["stop", "skip"] | WaitDays


class Communication(Action):
    """A step that writes to people, those of `to` first: it is held, not dropped, while it may not
    go out."""

    channel: ClassVar[Channel]
    outward: ClassVar[bool] = True

    to: Texts
    at: Annotated[str, Field(pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        "", description="Send it at this time of day, like 09:00; the window's days count."
    )
    as_soon_as_possible: bool = Field(
        False, description="Send it at once, whatever the workflow's `window` says."
    )
    when_nothing_matches: Otherwise = Field(
        "stop",
        description="When no record of the run qualifies any more: `stop` the run, `skip` this "
        'message, or {"wait_days": 5} for one to qualify again.',
    )

    def reachable(self, ctx: Context) -> list[Person]:
        """Whom it would go to as things stand, each once: those who can be reached through it."""
        raise NotImplementedError

    def check(self, checking: Checking) -> Iterator[Problem]:
        if self.at and self.as_soon_as_possible:
            remedy = "Leave one of the two out."
            yield Problem("at", "it cannot go at a set time and as soon as possible.", remedy)
        yield from of_one(self.to, "to", checking)
        window = checking.window
        if not self.at or window is None or any(window.problems()):
            return
        if not window.shows(time.fromisoformat(self.at)):
            told = f"the workflow writes {window.words()} only, and {self.at} is outside."
            yield Problem("at", told, "Choose a time inside the window, or widen the window.")

    def reaches_customers(self, ctx: Context) -> bool:
        """Whether anybody it is for is not one of our own users. Raises `BadValue`."""
        named = (*self.to, *getattr(self, "cc", ()))
        words = [word for given in named for word in texts(ctx.value(given))]
        found = (person for word in words for person in ctx.people(word, self.channel))
        return any(not person.handle for person in found)

    def timed(self, step: str) -> str:
        """What it does, with when it goes and what if nothing is left, where that is said."""
        if self.at:
            step = say("{step} at {clock}", step=step, clock=self.at)
        if self.as_soon_as_possible:
            step = say("{step} as soon as possible", step=step)
        match self.when_nothing_matches:
            case "skip":
                return say("{step}, or pass on if nothing is left to write about", step=step)
            case WaitDays(wait_days=days):
                return say_count(
                    "{step}, or wait up to {count} day if nothing is left to write about",
                    "{step}, or wait up to {count} days if nothing is left to write about",
                    days,
                    step=step,
                )
        return step

    def opens(
        self, now: datetime, window: Window | None, calendar: Calendar, *, waited: bool
    ) -> datetime | None:
        """When it may go out; None if it may now. `waited`: it was put off to this moment."""
        if self.as_soon_as_possible:
            return None
        if not self.at:
            return window.opens(now, calendar) if window else None
        today = calendar.today(now)
        if waited and _goes_on(today, window, calendar):
            return None
        first = next(
            calendar.at(day, time.fromisoformat(self.at))
            for day in _days(today, window, calendar)
            if calendar.at(day, time.fromisoformat(self.at)) >= now - GRACE
        )
        return first if first > now else None

    def next_try(
        self,
        now: datetime,
        since: datetime,
        tries: int,
        reached: datetime,
        window: Window | None,
        calendar: Calendar,
    ) -> datetime | None:
        """When to send it again, failing `since` then, after so many tries; None if that is enough.

        As soon as possible is every half hour for three days. All else is tried four times, and
        then at its time on the next day, for four days; a window that is shut at weekends counts.
        """
        if self.as_soon_as_possible:
            return now + AGAIN if now + AGAIN - since <= PATIENCE else None
        if tries % TRIES_A_DAY:
            return now + AGAIN
        if tries >= TRIES_A_DAY * DAYS:
            return None
        return self.next_day(now, reached, window, calendar)

    def next_day(
        self, now: datetime, reached: datetime, window: Window | None, calendar: Calendar
    ) -> datetime:
        """Its time on the next day it may go: the set one, or that at which it was reached."""
        clock = reached.astimezone(calendar.timezone).time().replace(tzinfo=None)
        at = time.fromisoformat(self.at) if self.at else clock
        tomorrow = calendar.today(now) + timedelta(days=1)
        return calendar.at(next(_days(tomorrow, window, calendar)), at)


def _days(first: date, window: Window | None, calendar: Calendar) -> Iterator[date]:
    """The days from then on which a message may go out; for a window that never opens, all."""
    ahead = [first + timedelta(days=days) for days in range(FURTHEST)]
    return iter([day for day in ahead if _goes_on(day, window, calendar)] or ahead)


def _goes_on(day: date, window: Window | None, calendar: Calendar) -> bool:
    return window is None or window.opens_on(day, calendar)
