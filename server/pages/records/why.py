"""Why workflows run for a record, or do not: each with its reason, and one in full."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from server.access.session import Signed
from server.operations.explaining import Asked, Explanation, explain
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults, sentence
from server.pages.frame.names import Names
from server.pages.frame.page import page
from server.pages.frame.views import Check, FormField, Link
from server.pages.records.views import WhyRow, WhyView

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/records/{module}/{record:int}/why")
def show_why(visit: Signed, module: str, record: int) -> Response:
    """All workflows of the record, or of a customer's records; with `workflow` one in full."""
    visit.desk.need("runs:read")
    asked, as_of = visit.asked("workflow"), visit.asked("as_of")
    workflow = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    here, error = f"{module}/{record}", ""
    try:
        told = explain(visit.desk, here, workflow, as_of or None)
    except Invalid as invalid:
        if not as_of:
            raise
        told, error = explain(visit.desk, here, workflow), faults(invalid.problems)
    with visit.desk.read() as tx:
        view = _view(Names(tx), told, f"/records/{here}", as_of)
        title = f"Why? {view['number']}"
        return page(visit, tx, "why.html", view, title=title, here="records", error=error)


def _view(names: Names, told: Explanation, record: str, as_of: str) -> WhyView:
    number, name = told["record"]["number"], told["record"]["name"]
    workflow = told.get("workflow")
    return {
        "number": number,
        "name": name if name != number else "",
        "back": {"text": number, "href": record},
        "all": {"text": "Why?", "href": f"{record}/why"} if workflow else None,
        "workflow": _workflow(workflow, names.workflow(workflow)) if workflow else None,
        "would": told["would_run"],
        "text": sentence(told["why"]),
        "rows": [_row(each, as_of) for each in told.get("verdicts", ())],
        "checks": list(_checks(told)),
        "path": told.get("path", []),
        "fields": [
            *([_field("workflow", "hidden", str(workflow))] if workflow else []),
            _day(as_of),
        ],
    }


def _workflow(id: int, name: str) -> Link:
    return {"text": name, "href": f"/workflows/{id}"}


def _day(as_of: str) -> FormField:
    told = "A day or a time, like 2026-03-16, 2026-03-10T09:00, today+7d or today-7d."
    return {**_field("as_of", "text", as_of), "label": "Day or time", "help": told}


def _field(name: str, kind: Literal["hidden", "text"], value: str) -> FormField:
    return {
        "name": name, "label": "", "kind": kind, "value": value, "choices": [], "help": "",
        "error": "", "required": False,
    }  # fmt: skip


def _row(asked: Asked, as_of: str) -> WhyRow:
    here = f"/records/{asked['module']}/{asked['record']['id']}"
    query = {"workflow": asked["workflow"], **({"as_of": as_of} if as_of else {})}
    return {
        "workflow": _workflow(asked["workflow"], asked["name"]),
        "record": {"text": asked["record"]["number"], "href": here},
        "would": asked["would_run"],
        "why": sentence(asked["why"]),
        "full": f"{here}/why?{urlencode(query)}",
    }


def _checks(told: Explanation) -> Iterator[Check]:
    """Condition by condition, then what else keeps it back, then what would not be sent."""
    for part in told.get("conditions", ()):
        yield _check("ok" if part["holds"] else "bad", part["words"])
    for why in told.get("blocked_by", ()):
        yield _check("bad", why)
    for why in told.get("not_sent", ()):
        yield _check("warn", why)


def _check(tone: Literal["ok", "warn", "bad"], text: str) -> Check:
    return {"tone": tone, "text": sentence(text), "detail": "", "remedy": ""}
