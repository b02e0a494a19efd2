"""In whose name mail is sent: the company's own sender, and the others an admin adds."""

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from engine.company.company import PLACEHOLDER, Sender
from engine.problems import Invalid, Problem
from engine.records.transaction import Transaction
from server.access.session import Posted, Signed, Visit, text
from server.operations import company
from server.pages.frame.errors import PageRoute
from server.pages.frame.page import go, page
from server.pages.frame.views import FormField
from server.pages.messages.views import SenderRow, SendersView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HERE = "/system/senders"
OWN = ("own_name", "own_address")
NEW = ("name", "address", "reply_to", "connection")


@router.get(HERE)
def show_senders(visit: Signed) -> Response:
    visit.desk.need("settings:write")
    return _shown(visit, {}, ())


@router.post(HERE)
def save_own(visit: Signed, form: Posted) -> Response:
    """The sender of all mail whose step names no other. Mail that waited for one goes out."""
    visit.desk.need("settings:write")
    given = _given(form, OWN)
    try:
        address = company.set_own_sender(visit.desk, given["own_name"], given["own_address"])
    except Invalid as invalid:
        return _shown(visit, given, invalid.problems)
    return go(HERE, f"Mail comes from {address} now.")


@router.post(f"{HERE}/new")
def add_sender(visit: Signed, form: Posted) -> Response:
    visit.desk.need("settings:write")
    given = _given(form, NEW)
    try:
        company.add_sender(visit.desk, Sender(**given))
    except Invalid as invalid:
        return _shown(visit, given, invalid.problems)
    return go(HERE, f"Workflows can send in the name of {given['name']} now.")


@router.post(f"{HERE}/remove")
def remove_sender(visit: Signed, form: Posted) -> Response:
    visit.desk.need("settings:write")
    name = text(form, "name")
    try:
        company.remove_sender(visit.desk, name)
    except Invalid as invalid:
        return go(HERE, f"{invalid}", "bad")
    return go(HERE, f"{name} is removed.")


def _given(form: FormData, names: tuple[str, ...]) -> dict[str, str]:
    return {name: text(form, name) for name in names}


def _shown(visit: Visit, given: dict[str, str], problems: tuple[Problem, ...]) -> Response:
    errors = {each.path: f"{each.message} {each.remedy}".strip() for each in problems}
    with visit.desk.read() as tx:
        kept, unset = tx.company, tx.company.sender == PLACEHOLDER
        name = kept.sender_name or kept.name
        known = {"own_name": name, "own_address": "" if unset else kept.sender, **given}
        view: SendersView = {
            "unset": unset,
            "rows": [_row(tx, sender) for sender in kept.senders],
            "own": [
                _field("own_name", "Name", known, errors, "What readers see."),
                _field("own_address", "Address", known, errors, "Answers come here."),
            ],
            "new": [
                _field("name", "Name", known, errors, "What readers see, and workflows name."),
                _field("address", "Address", known, errors, "Your mail server must allow it."),
                _field("reply_to", "Answers go to", known, errors, "", required=False),
                _field(
                    "connection", "Secret with a mail server of its own", known, errors,
                    "Its name without SAYSO_SECRET_, in small letters.", required=False,
                ),
            ],
        }  # fmt: skip
        status = 422 if problems else 200
        return page(visit, tx, "senders.html", view, title="Senders", here="system", status=status)


def _row(tx: Transaction, sender: Sender) -> SenderRow:
    users = company.users_of_sender(tx, sender.name)
    return {
        "name": sender.name,
        "address": sender.address,
        "reply_to": sender.reply_to,
        "connection": sender.connection or "the common mail server",
        "users": users,
        "remove": None if users else {
            "label": "Remove", "icon": "trash-2", "href": f"{HERE}/remove", "tone": "quiet",
            "confirm": f"Remove the sender {sender.name}?", "fields": {"name": sender.name},
        },
    }  # fmt: skip


def _field(
    name: str,
    label: str,
    given: dict[str, str],
    errors: dict[str, str],
    help: str,
    *,
    required: bool = True,
) -> FormField:
    return {
        "name": name,
        "label": label,
        "kind": "email" if name.endswith("address") or name == "reply_to" else "text",
        "value": given.get(name, ""),
        "choices": [],
        "help": help,
        "error": errors.get(name, ""),
        "required": required,
    }
