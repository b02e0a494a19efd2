"""The bell: what the user was told, and a form for how the user wants to be told."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.transaction import Transaction
from server.access.session import Posted, Signed, Visit, text
from server.operations.notices import bell, get_wishes, keep_wishes, read_all, told
from server.operations.queries import Stored
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults, size
from server.pages.frame.lists import ROWS, paging, place
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.views import FormField
from server.pages.me.views import NoticeRow, NoticesView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HERE = "/notices"


@router.get(HERE)
def show_notices(visit: Signed) -> Response:
    return _notices(visit, dict(get_wishes(visit.desk)))


@router.post(HERE)
def choose(visit: Signed, form: Posted) -> Response:
    """Keep how this user wants to be told."""
    on = {name: text(form, f"notify_{name}") == "true" for name in ("bell", "email", "digest")}
    at = text(form, "digest_at") or "08:00"
    try:
        keep_wishes(visit.desk, on["bell"], on["email"], on["digest"], at)
    except Invalid as invalid:
        given = {f"notify_{name}": wish for name, wish in on.items()}
        return _notices(visit, {**given, "digest_at": at}, faults(invalid.problems))
    return go(HERE, "Saved.")


@router.post(f"{HERE}/read")
def read(visit: Signed) -> Response:
    """Mark everything as read."""
    count = read_all(visit.desk)
    return go(HERE, f"{size(count, 'notice')} marked as read." if count else "All was read before.")


def _notices(visit: Visit, wishes: dict[str, Any], error: str = "") -> Response:
    with visit.desk.read() as tx:
        who, names = visit.session.principal, Names(tx)
        rows = bell(tx, who, ROWS, (place(visit) - 1) * ROWS)
        unread = told(tx, who, unread=True)
        view: NoticesView = {
            "rows": [_row(tx, names, row) for row in rows],
            "paging": paging(visit, len(rows), told(tx, who)),
            "read": {
                "label": "Mark all as read", "icon": "check", "href": f"{HERE}/read", "tone": "",
                "confirm": "",
            } if unread else None,
            "action": HERE,
            "fields": _questions(wishes),
            "error": error,
        }  # fmt: skip
        status = 422 if error else 200
        return page(visit, tx, "notices.html", view, title="Notices", here="notices", status=status)


def _row(tx: Transaction, names: Names, row: Stored) -> NoticeRow:
    module, _, id = str(row.record or "").partition("/")
    link, about = names.record(module, int(id)) if id.isdecimal() else (None, "")
    return {
        "text": row.text,
        "record": link,
        "about": about,
        "at": moment(tx, row.created_at),
        "fresh": row.read is not True,
    }


def _questions(wishes: dict[str, Any]) -> list[FormField]:
    def switch(name: str, label: str, help: str) -> FormField:
        value = "true" if wishes.get(name) else "false"
        return {
            "name": name, "label": label, "kind": "switch", "value": value, "choices": [],
            "help": help, "error": "", "required": False,
        }  # fmt: skip

    at: FormField = {
        "name": "digest_at", "label": "Digest at", "kind": "text",
        "value": str(wishes.get("digest_at") or "08:00"), "choices": [],
        "help": "A time of day by your own clock, such as 07:30.", "error": "", "required": True,
    }  # fmt: skip
    return [
        switch("notify_bell", "In Sayso", "Here, under the bell."),
        switch("notify_email", "By mail", "One mail for each notice, at once."),
        switch("notify_digest", "Daily digest", "One mail a day instead of single ones."),
        at,
    ]
