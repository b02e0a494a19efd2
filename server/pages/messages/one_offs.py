"""Write to customers: choose them, see who gets it and who does not, and ask for approval."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from server.access.session import Posted, Signed, Visit, text
from server.operations.one_offs import OneOff, write_to_customers
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.lists import choice
from server.pages.frame.page import go, page
from server.pages.messages.views import Left, OneOffView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
OWING: dict[str, Any] = {"field": "balance_overdue", "op": "greater_than", "value": 0}
EVERYBODY: dict[str, Any] = {"field": "name", "op": "is_not_empty"}
WHO = {
    "these": "These customers",
    "owing": "Customers with something overdue",
    "all": "All customers",
}
NOTHING: dict[str, str] = {
    "who": "these", "customers": "", "subject": "", "body": "", "attach": "", "paused": "",
}  # fmt: skip


@router.get("/write")
def show(visit: Signed) -> Response:
    return _shown(visit, NOTHING)


@router.post("/write")
def write(visit: Signed, form: Posted) -> Response:
    """Show who gets it; or ask for approval, if that was pressed."""
    given = {name: text(form, name) for name in NOTHING}
    try:
        answer = _asked(visit, given, dry=text(form, "do") != "ask")
    except Invalid as invalid:
        return _shown(visit, given, error=faults(invalid.problems))
    if "link" in answer:
        place = str(answer["link"]).removeprefix(visit.installation.settings.address)
        return go(place, "Sent for review. It goes out once a person approves it.")
    return _shown(visit, given, answer)


def _asked(visit: Visit, given: dict[str, str], *, dry: bool) -> OneOff:
    visit.desk.need("workflows:write")
    lines = [line.strip() for line in given["customers"].replace(",", "\n").splitlines()]
    named = [line for line in lines if line] if given["who"] == "these" else None
    where = None if given["who"] == "these" else OWING if given["who"] == "owing" else EVERYBODY
    return write_to_customers(
        visit.desk,
        given["subject"],
        given["body"],
        customers=list(named) if named is not None else None,
        where=where,
        attach=[word for word in given["attach"].replace(",", " ").split() if word],
        paused=given["paused"] == "on",
        dry=dry,
    )


def _shown(
    visit: Visit, given: dict[str, str], answer: OneOff | None = None, error: str = ""
) -> Response:
    visit.desk.need("workflows:write")
    with visit.desk.read() as tx:
        names = {row["id"]: row["name"] for row in answer["customers"]} if answer else {}
        kept = (
            [(names.get(row["id"], ""), row["why"]) for row in answer["suppressed"]]
            if answer
            else []
        )
        paused = [(row["name"], row["why"]) for row in answer["left_out"]] if answer else []
        out: list[Left] = [{"name": name, "why": why} for name, why in (*paused, *kept)]
        view: OneOffView = {
            "who": [choice(name, label, given["who"] == name) for name, label in WHO.items()],
            "given": given,
            "count": answer["count"] if answer else None,
            "customers": list(names.values()),
            "out": out,
            "error": error,
        }
        status = 422 if error else 200
        title = "Write to customers"
        return page(visit, tx, "write.html", view, title=title, here="mailbox", status=status)
