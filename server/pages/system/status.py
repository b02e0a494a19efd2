"""The system: what is alive, what is set, what is off for want of it, the rules."""

from typing import Any

from babel import Locale
from fastapi import APIRouter
from starlette.responses import Response

from engine.company.company import Company
from engine.records.transaction import Transaction
from engine.settings import Settings
from server.access.session import Posted, Signed, text
from server.operations.alerts import changes_waiting, kind_of_database
from server.operations.company import set_four_eyes
from server.operations.people import active_logins
from server.operations.schedules import next_due
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import size
from server.pages.frame.moments import moment
from server.pages.frame.page import go, page
from server.pages.frame.views import Action, Fact
from server.pages.me.home import health
from server.pages.system.views import Setting, SystemView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SECRET = {"secret_key", "anthropic_api_key", "smtp_url", "imap_url", "sms_url", "database_url",
          "queue_url"}  # fmt: skip
OFF = {
    "smtp_url": "Mail is kept in the mailbox page instead of sent.",
    "imap_url": "No mail is received.",
    "sms_url": "No text message is sent.",
    "anthropic_api_key": "The AI action and the assistant are off.",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@router.get("/system")
def show_system(visit: Signed) -> Response:
    visit.desk.need("settings:write")
    settings = visit.installation.settings
    with visit.desk.read() as tx:
        view: SystemView = {
            "health": health(visit, tx),
            "off": [told for name, told in OFF.items() if not getattr(settings, name)],
            "settings": _settings(settings),
            "facts": _facts(tx, visit.installation.settings),
            "eyes_text": _eyes_text(tx.company),
            "eyes": _eyes(tx.company),
        }
        return page(visit, tx, "system.html", view, title="System", here="system")


@router.post("/system/four-eyes")
def choose_four_eyes(visit: Signed, form: Posted) -> Response:
    """Whether people may approve what they wrote themselves."""
    visit.desk.need("settings:write")
    wanted = text(form, "four_eyes") == "on"
    set_four_eyes(visit.desk, wanted)
    told = "Four eyes is on." if wanted else "Solo mode is on: every page says so."
    return go("/system", told, "ok" if wanted else "warn")


def _settings(settings: Settings) -> list[Setting]:
    """Every setting; what could hold a password is never shown."""
    found: list[Setting] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        alias = field.validation_alias
        given = name in settings.model_fields_set and bool(value)
        found.append(
            {
                "name": alias if isinstance(alias, str) else f"SAYSO_{name.upper()}",
                "text": field.description or "",
                "given": given,
                "value": "" if name in SECRET or not value else str(value),
                "off": "" if given else OFF.get(name, ""),
            }
        )
    return found


def _facts(tx: Transaction, settings: Settings) -> list[Fact]:
    company = tx.company
    pairs = (
        ("Company", company.name),
        ("Address", settings.address),
        ("Time zone", company.timezone),
        ("Time there", moment(tx, tx.now)["text"]),
        ("Working days", ", ".join(WEEKDAYS[day] for day in company.working_weekdays)),
        ("Holidays", _holidays(company)),
        ("Next schedule", moment(tx, next_due(tx), "none")["text"]),
        ("Mail comes from", company.sender),
        ("People", size(active_logins(tx), "user")),
        ("Changes to look at", f"{changes_waiting(tx):,}"),
        ("Database", kind_of_database(tx)),
    )
    calendar, senders = "/system/calendar", "/system/senders"
    links = {"Working days": calendar, "Holidays": calendar, "Mail comes from": senders}
    return [{"label": label, "text": text, "href": links.get(label, "")} for label, text in pairs]


def _holidays(company: Company) -> str:
    named = Locale("en").territories.get(company.country or "", company.country)
    of = f"the public ones of {named}" if named else "none of a country"
    extra = [f"{day.day} {day:%b %Y}" for day in company.holidays]
    return f"{of}, and {', '.join(extra)}" if extra else of


def _eyes_text(company: Company) -> str:
    if company.four_eyes:
        return "On: whoever took part in writing a version cannot approve it."
    return "Off (solo mode): people may approve what they wrote themselves. Agents still cannot."


def _eyes(company: Company) -> Action:
    """The button that turns it."""
    on: Any = company.four_eyes
    asked = "Turn four eyes off? People may then approve what they wrote themselves."
    return {
        "label": "Turn off" if on else "Turn on",
        "icon": "users",
        "href": "/system/four-eyes",
        "tone": "danger" if on else "main",
        "confirm": asked if on else "",
        "fields": {"four_eyes": "off" if on else "on"},
    }
