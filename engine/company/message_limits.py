"""What a company allows its workflows to send: how many messages, and not at which hours."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from engine.company.calendar import Calendar
from engine.phrases import figure, mark, say, worded

Channel = Literal["email", "sms"]
NAMES: dict[Channel, str] = {"email": "e-mail", "sms": "text messages"}
MESSAGES: dict[Channel, str] = {"email": mark("e-mails"), "sms": mark("text messages")}
RELEASED = "now"  # the cause of a message that a person sends off, whatever the hour
Number = Annotated[int, Field(ge=0, le=1_000_000)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Caps(BaseModel):
    """How many people may be written to: by one workflow, by all of them, and one person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workflow_hour: Number = Field(description="People one workflow writes to in an hour.")
    workflow_day: Number = Field(description="People one workflow writes to in a day.")
    company_day: Number = Field(description="People all workflows write to in a day.")
    person_workflow_day: Number = Field(
        description="Messages one person gets from one workflow in a day."
    )
    person_day: Number = Field(description="Messages one person gets from all workflows in a day.")

    def words(self, channel: Channel) -> str:
        """The numbers in a sentence, each with whom it is for."""
        return say(
            "At most {hour} people an hour and {day} a day get {messages} from it, and {all} a day "
            "from all workflows; one person at most {person} a day from it, and {person_all} from "
            "all.",
            hour=figure(self.workflow_hour),
            day=figure(self.workflow_day),
            messages=worded(MESSAGES[channel]),
            all=figure(self.company_day),
            person=figure(self.person_workflow_day),
            person_all=figure(self.person_day),
        )


EMAIL = Caps(
    workflow_hour=100, workflow_day=500, company_day=2000, person_workflow_day=3, person_day=10
)
SMS = Caps(workflow_hour=20, workflow_day=50, company_day=100, person_workflow_day=1, person_day=3)


class Quiet(BaseModel):
    """The hours at which nobody is to be disturbed, as the clock of the one who would be shows."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: TimeOfDay = Field("20:00", alias="from", description="They begin then.")
    to: TimeOfDay = Field("08:00", description="They end then; before `from`: the next day.")

    def words(self, channel: Channel) -> str:
        """When nothing goes out, in a sentence."""
        return say(
            "No {messages} leave between {first} and {last}, by the reader's clock where their "
            "time zone is known: they wait until then.",
            messages=worded(MESSAGES[channel]),
            first=self.from_,
            last=self.to,
        )

    def ends(
        self, now: datetime, calendar: Calendar, zone: ZoneInfo | None = None
    ) -> datetime | None:
        """When they end, in UTC; None if they are not on. `zone` is where the person is."""
        there = replace(calendar, timezone=zone) if zone else calendar
        local = now.astimezone(there.timezone)
        first, last = time.fromisoformat(self.from_), time.fromisoformat(self.to)
        clock = local.time().replace(second=0, microsecond=0)
        over_night = last <= first
        if over_night and clock >= first:
            return there.at(local.date() + timedelta(days=1), last)
        on = clock < last if over_night else first <= clock < last
        return there.at(local.date(), last) if on else None
