"""The company's clock and calendar, shown to an admin to be changed."""

from datetime import date
from typing import Any

from babel import Locale
from fastapi import APIRouter
from holidays import list_supported_countries
from starlette.datastructures import FormData
from starlette.responses import Response

from engine.company.company import Company
from engine.company.schedule import WEEKDAY_NAMES, WEEKDAYS
from engine.problems import Invalid
from server.access.session import Posted, Signed, Visit, text, texts
from server.operations.calendars import change_calendar, days_off
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.lists import choice
from server.pages.frame.page import go, page
from server.pages.frame.views import FormField, FormView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HERE = "/system/calendar"
NEEDED = ("timezone", "scheduled_limit")


@router.get(HERE)
def show_calendar(visit: Signed) -> Response:
    visit.desk.need("settings:write")
    return _form(visit)


@router.post(HERE)
def save_calendar(visit: Signed, form: Posted) -> Response:
    """Keep another clock or calendar; every schedule that is not due yet follows at once."""
    visit.desk.need("settings:write")
    given = _given(form)
    try:
        change_calendar(visit.desk, given)
    except Invalid as invalid:
        return _form(visit, given, faults(invalid.problems))
    return go("/system", "Saved. Schedules follow the new calendar.")


def _given(form: FormData) -> dict[str, Any]:
    days = text(form, "holidays").replace(",", " ").split()
    limit = text(form, "scheduled_limit")
    return {
        "timezone": text(form, "timezone"),
        "country": text(form, "country"),
        "subdivision": text(form, "subdivision"),
        "working_weekdays": texts(form, "working_weekdays"),
        "holidays": days,
        "scheduled_limit": int(limit) if limit.isdecimal() and len(limit) < 9 else -1,
    }


def _form(visit: Visit, given: dict[str, Any] | None = None, error: str = "") -> Response:
    with visit.desk.read() as tx:
        shown = given or _kept(tx.company)
        days = [date.fromisoformat(day) for day in days_off(tx, tx.company.calendar)]
        off = ", ".join(f"{day.day} {day:%b}" for day in days) or "none"
        view: FormView = {
            "title": "Calendar",
            "back": {"text": "System", "href": "/system"},
            "action": HERE,
            "submit": "Save",
            "fields": _questions(shown, off),
            "error": error,
        }
        status = 422 if error else 200
        return page(
            visit, tx, "calendar.html", view, title="Calendar", here="system", status=status
        )


def _kept(company: Company) -> dict[str, Any]:
    return {
        "timezone": company.timezone,
        "country": company.country or "",
        "subdivision": company.subdivision or "",
        "working_weekdays": [WEEKDAYS[day] for day in company.working_weekdays],
        "holidays": [day.isoformat() for day in company.holidays],
        "scheduled_limit": company.scheduled_limit,
    }


def _questions(shown: dict[str, Any], off: str) -> list[FormField]:
    names = Locale("en").territories
    countries = sorted((names.get(code, code), code) for code in list_supported_countries())
    known = [("", "none"), *((code, name) for name, code in countries)]
    limit = "" if shown["scheduled_limit"] < 0 else str(shown["scheduled_limit"])
    weekdays = zip(WEEKDAYS, WEEKDAY_NAMES, strict=True)
    return [
        _field("timezone", "Time zone", "text", shown["timezone"], "Like Europe/Paris."),
        {
            **_field("working_weekdays", "Working days", "checks"),
            "choices": [
                choice(day, name, day in shown["working_weekdays"]) for day, name in weekdays
            ],
        },
        {
            **_field("country", "Public holidays of", "select"),
            "choices": [choice(code, name, code == shown["country"]) for code, name in known],
        },
        _field(
            "subdivision", "Part of the country", "text", shown["subdivision"],
            "Its code, like BY for Bavaria, where it has holidays of its own.",
        ),
        _field(
            "holidays", "Other days off", "longtext", "\n".join(shown["holidays"]),
            f"One date a line, like 2026-12-24. Not worked this year: {off}.",
        ),
        _field(
            "scheduled_limit", "Scheduled workflows on at once, at most", "number", limit,
            "Each looks at all records of its module.",
        ),
    ]  # fmt: skip


def _field(name: str, label: str, kind: Any, value: str = "", help: str = "") -> FormField:
    return {
        "name": name, "label": label, "kind": kind, "value": value, "choices": [], "help": help,
        "error": "", "required": name in NEEDED,
    }  # fmt: skip
