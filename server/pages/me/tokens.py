"""Access tokens: make one, see it once, take it back."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.transaction import Transaction
from server.access.rights import rights
from server.access.session import Posted, Signed, Visit, text, texts
from server.operations.people import end_token, make_token, tokens_shown
from server.operations.queries import Stored
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.lists import choice
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.views import Choice
from server.pages.me.clients import client_help
from server.pages.me.views import ClientsView, NewToken, TokenRow, TokensView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MAY = {
    "records:read": ("Read records", ""),
    "records:write": ("Change records", "Each change is in the record's history under your name."),
    "workflows:read": ("Read workflows", ""),
    "workflows:write": ("Draft workflows and send them for review", ""),
    "workflows:test": ("Try workflows without effect", ""),
    "workflows:toggle": ("Pause workflows, and resume what was approved", ""),
    "workflows:run": ("Run approved workflows for chosen records", ""),
    "runs:read": ("Read runs", ""),
    "runs:control": ("Pause, skip and stop runs", ""),
    "audit:read": ("Read who did what", ""),
}
USUAL = {"records:read", "workflows:read", "workflows:write", "workflows:test", "runs:read"}
DAYS = ("7", "30", "90")
PLACE = "YOUR_TOKEN"


@router.get("/tokens")
def show_tokens(visit: Signed) -> Response:
    return _tokens(visit)


@router.get("/tokens/clients")
def show_clients(visit: Signed) -> Response:
    """What to paste into each AI client, with a word where its token goes."""
    view: ClientsView = {"clients": client_help(visit.installation, PLACE), "place": PLACE}
    with visit.desk.read() as tx:
        return page(visit, tx, "clients.html", view, title="Connect an AI client", here="tokens")


@router.post("/tokens")
def make(visit: Signed, form: Posted) -> Response:
    """A new token, shown this once."""
    name, scopes, days = text(form, "name"), texts(form, "scope"), text(form, "days")
    chosen = int(days) if days in DAYS else int(DAYS[-1])
    try:
        answer = make_token(visit.desk, name, scopes, chosen)
    except Invalid as invalid:
        told = faults(invalid.problems)
        return _tokens(visit, name=name, scopes=set(scopes), days=days, error=told)
    token = str(answer["token"])
    clients = client_help(visit.installation, token)
    return _tokens(visit, made={"name": name, "token": token, "clients": clients})


@router.post("/tokens/{token}/revoke")
def revoke(visit: Signed, token: int) -> Response:
    end_token(visit.desk, token)
    return go("/tokens", "Revoked: it opens nothing any more.")


def _tokens(
    visit: Visit,
    made: NewToken | None = None,
    name: str = "",
    scopes: set[str] | None = None,
    days: str = DAYS[-1],
    error: str = "",
) -> Response:
    with visit.desk.read() as tx:
        names = Names(tx)
        view: TokensView = {
            "made": made,
            "rows": [_row(tx, names, row) for row in tokens_shown(visit.desk, tx)],
            "name": name,
            "scopes": _scopes(visit, USUAL if scopes is None else scopes),
            "days": [choice(day, f"{day} days", day == days) for day in DAYS],
            "error": error,
        }
        status = 422 if error else 200
        return page(
            visit, tx, "tokens.html", view, title="Access tokens", here="tokens", status=status
        )


def _scopes(visit: Visit, chosen: set[str]) -> list[Choice]:
    """What a token of this person could do; its roles decide again at each use."""
    mine = rights(visit.session.principal)
    return [
        choice(scope, label, scope in chosen, help)
        for scope, (label, help) in MAY.items()
        if scope in mine
    ]


def _row(tx: Transaction, names: Names, row: Stored) -> TokenRow:
    over = row.expires_at <= tx.now
    state: Any = "revoked" if row.revoked_at else "expired" if over else "active"
    return {
        "name": row.label,
        "owner": names.person(row.username),
        "hint": f"no. {row.id}",
        "scopes": [MAY.get(scope, (scope, ""))[0] for scope in row.scopes],
        "made": moment(tx, row.created_at),
        "used": moment(tx, row.used_at, "never"),
        "expires": moment(tx, row.expires_at),
        "state": state,
        "revoke": {
            "label": "Revoke", "icon": "ban", "href": f"/tokens/{row.id}/revoke", "tone": "danger",
            "confirm": f"Revoke “{row.label}”? Whatever uses it stops at once.",
        } if state == "active" else None,
    }  # fmt: skip
