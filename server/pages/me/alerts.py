"""Alerts: what needs a person, with the runs that it is about, and a way to settle it."""

from fastapi import APIRouter
from starlette.responses import Response

from engine.records.transaction import Transaction
from server.access.session import Posted, Signed, Visit, text
from server.operations.alerts import in_state, settle_alert, told
from server.operations.queries import Stored, runs
from server.operations.queries.runs import Wanted
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import sentence, size
from server.pages.frame.lists import filters, segment
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.me.views import AlertRow, AlertsView, Trouble

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HERE = "/alerts"
STATES = (("open", "Open"), ("settled", "Settled"), ("all", "All"))


@router.get(HERE)
def show_alerts(visit: Signed) -> Response:
    visit.desk.need("runs:read")
    return _alerts(visit)


@router.post(f"{HERE}/{{alert}}/settle")
def settle(visit: Signed, alert: int, form: Posted) -> Response:
    """Mark an alert as seen to; the reason tells the others why."""
    if not (reason := text(form, "reason")):
        return _alerts(visit, "Say why nobody has to look at it any more.")
    settle_alert(visit.desk, alert, reason)
    return go(HERE, "Settled. The same cause opens it again.")


def _alerts(visit: Visit, error: str = "") -> Response:
    asked = visit.asked("state")
    state = asked if asked in dict(STATES) else "open"
    with visit.desk.read() as tx:
        names, may = Names(tx), visit.desk.may("runs:control")
        view: AlertsView = {
            "filters": filters(visit, "alerts", "", segment("state", "State", STATES, state)),
            "rows": [_row(names, row, may) for row in in_state(tx, state)],
            "error": error,
        }
        status = 422 if error else 200
        return page(visit, tx, "alerts.html", view, title="Alerts", here="home", status=status)


def open_troubles(tx: Transaction) -> list[Trouble]:
    """What needs a person, the newest first."""
    return [_trouble(tx, row) for row in in_state(tx, "open")]


def _trouble(tx: Transaction, row: Stored) -> Trouble:
    return {
        "tone": "bad" if row.kind in ("failed", "loop") else "warn",
        "text": sentence(told(tx, row)),
        "detail": str(row.remedy),
        "href": _where(tx, row),
        "when": moment(tx, row.last_at),
    }


def _row(names: Names, row: Stored, may: bool) -> AlertRow:
    tx, times = names.tx, row._mapping["count"]  # `row.count` would be the method of a tuple
    return {
        **_trouble(tx, row),
        "id": str(row.id),
        "first": moment(tx, row.first_at),
        "count": size(times, "time") if times > 1 else "",
        "settle": f"{HERE}/{row.id}/settle" if may and row.state == "open" else "",
        "settled": _settled(names, row),
    }


def _settled(names: Names, row: Stored) -> str:
    if row.settled_at is None:
        return ""
    by = f"Settled by {names.person(row.settled_by)}" if row.settled_by else "Closed by itself"
    when = moment(names.tx, row.settled_at)["text"]
    return f"{by}, {when}" + (f": {row.settled_why}" if row.settled_why else "")


def _where(tx: Transaction, row: Stored) -> str:
    """The page of the very runs; of the workflow or the system, where it is about no runs."""
    found = runs.newest(tx, Wanted(alert=row.id), 2)
    if len(found) == 1:
        return f"/runs/{found[0].id}"
    if found:
        return f"/runs?alert={row.id}"
    return f"/workflows/{row.workflow}" if row.workflow else "/system"
