"""The company's clock and calendar: what everybody may see, and what an admin changes."""

from typing import Any

from typing_extensions import TypedDict

from engine.company.calendar import Calendar
from engine.company.calendar_settings import with_calendar
from engine.company.company import Company
from engine.company.schedule_checks import WEEKDAYS
from engine.people import audit
from engine.records.transaction import Transaction
from engine.runs.schedules.next_due import replan
from server.access.desk import Desk
from server.operations.registry import operation


class CompanyCalendar(TypedDict):
    """The company's clock, its working days and this year's holidays; days as YYYY-MM-DD."""

    timezone: str
    today: str
    country: str | None
    subdivision: str | None
    working_weekdays: list[str]
    holidays: list[str]
    days_off_this_year: list[str]
    scheduled_limit: int


@operation(
    "GET /calendar",
    scope="workflows:read",
)
def get_calendar(desk: Desk) -> CompanyCalendar:
    """Tell the company's time zone, its working days, and this year's holidays."""
    with desk.read() as tx:
        company = tx.company
        return {
            "timezone": company.timezone,
            "today": company.calendar.today(tx.now).isoformat(),
            "country": company.country,
            "subdivision": company.subdivision,
            "working_weekdays": [WEEKDAYS[day] for day in company.working_weekdays],
            "holidays": [day.isoformat() for day in company.holidays],
            "days_off_this_year": days_off(tx, company.calendar),
            "scheduled_limit": company.scheduled_limit,
        }


def days_off(tx: Transaction, calendar: Calendar) -> list[str]:
    """The days of this year that would be working days, and are holidays."""
    today = calendar.today(tx.now)
    first = today.replace(month=1, day=1).toordinal()
    last = today.replace(month=12, day=31).toordinal()
    days = (today.fromordinal(number) for number in range(first, last + 1))
    weekdays = calendar.working_weekdays
    return [
        day.isoformat()
        for day in days
        if day.weekday() in weekdays and not calendar.is_working_day(day)
    ]


def change_calendar(desk: Desk, given: dict[str, Any]) -> Company:
    """Give the company another clock or calendar; schedules follow at once. Pages only.

    Raises `Invalid` with all that is wrong.
    """
    desk.need("settings:write")
    with desk.installation.database.begin() as tx:
        old, company = tx.company, with_calendar(tx.company, given)
        desk.installation.database.save_company(tx, company)
        tx.company = company
        planned = replan(tx, desk.installation.library)
        changed = [key for key in given if getattr(company, key) != getattr(old, key)]
        detail = {"changed": changed, "schedules": planned}
        audit.record(tx, desk.who.name, "change calendar", "company", detail, desk.who.token)
    desk.installation.changed()
    return company
