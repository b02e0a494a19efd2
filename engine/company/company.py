"""The company that Sayso works for: its name, its clock, its calendar and its sender address."""

from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from engine.company.calendar import Calendar
from engine.company.message_limits import EMAIL, SMS, Caps, Channel, Quiet

PLACEHOLDER = "sayso@localhost.localdomain"


class Sender(BaseModel):
    """In whose name mail can be sent; `connection` names the secret that holds a server for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    address: str
    reply_to: str = ""
    connection: str = ""


class Company(BaseModel):
    """What every workflow may count on. Kept in the database, changed by an admin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "My company"
    timezone: str = "UTC"
    language: str = "en"
    currency: str = "EUR"
    country: str | None = None
    subdivision: str | None = None
    holidays: tuple[date, ...] = ()
    working_weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    sender: str = PLACEHOLDER
    sender_name: str = ""
    senders: tuple[Sender, ...] = ()
    four_eyes: bool = True
    scheduled_limit: int = 200
    email_caps: Caps = EMAIL
    sms_caps: Caps = SMS
    email_quiet: Quiet | None = None
    sms_quiet: Quiet | None = Quiet()

    def caps(self, channel: Channel) -> Caps:
        """How many messages may leave through a channel."""
        return self.email_caps if channel == "email" else self.sms_caps

    def quiet(self, channel: Channel) -> Quiet | None:
        """When nobody is to be disturbed through a channel."""
        return self.email_quiet if channel == "email" else self.sms_quiet

    def sender_named(self, name: str) -> Sender | None:
        """The sender of this name; without a name the company itself."""
        if not name:
            return Sender(name=self.sender_name or self.name, address=self.sender)
        same = (each for each in self.senders if each.name.casefold() == name.strip().casefold())
        return next(same, None)

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar.of(
            ZoneInfo(self.timezone),
            country=self.country,
            subdivision=self.subdivision,
            extra_holidays=self.holidays,
            working_weekdays=frozenset(self.working_weekdays),
        )
