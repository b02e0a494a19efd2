"""The company that Sayso works for: its name, its clock, its calendar and its sender address."""

from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from engine.calendar import Calendar


class Company(BaseModel):
    """What every workflow may count on. Kept in the database, changed by an admin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "My company"
    timezone: str = "UTC"
    language: str = "en"
    currency: str = "EUR"
    country: str | None = None
    holidays: tuple[date, ...] = ()
    working_weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    sender: str = "sayso@localhost.localdomain"
    sender_name: str = ""
    four_eyes: bool = True
    scheduled_limit: int = 200

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar.of(
            ZoneInfo(self.timezone),
            country=self.country,
            extra_holidays=self.holidays,
            working_weekdays=frozenset(self.working_weekdays),
        )
