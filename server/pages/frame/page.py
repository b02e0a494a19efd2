"""What surrounds every page, and how it is sent: never kept, and 304 where nothing changed."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from engine.records.states import RunState
from engine.records.transaction import Transaction
from server.access.session import Visit, house_of
from server.operations.notices import told
from server.operations.queries import runs, versions
from server.operations.queries.runs import Wanted
from server.pages.frame.names import Names
from server.pages.frame.render import render
from server.pages.frame.views import Banner, Frame, Notice, Theme

Place = Literal[
    "",
    "home",
    "reviews",
    "workflows",
    "runs",
    "planner",
    "templates",
    "records",
    "mailbox",
    "tokens",
    "system",
    "notices",
]
Tone = Literal["ok", "warn", "bad", "info"]
NOTICE = "sayso_notice"
HEADERS = {"Cache-Control": "no-store", "Vary": "X-Fragment, Cookie"}


def page(
    visit: Visit,
    tx: Transaction,
    template: str,
    view: Mapping[str, Any],
    *,
    title: str,
    here: Place,
    status: int = 200,
    error: str = "",
) -> Response:
    """The page; 304 for a live region that has not changed. `error` is told in the corner."""
    fragment = "x-fragment" in visit.request.headers
    mark = f'"{_digest(view)}"'
    if fragment and visit.request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers={**HEADERS, "ETag": mark})
    notices = [] if fragment else _notices(visit.request)
    if error:
        notices.append({"tone": "bad", "text": error})
    frame = _frame(visit, tx, title, here, notices)
    answer = HTMLResponse(render(template, frame, view), status, {**HEADERS, "ETag": mark})
    if notices and not error:
        answer.delete_cookie(NOTICE)
    return answer


def door(
    request: Request, template: str, view: Mapping[str, Any], title: str, status: int = 200
) -> Response:
    """A page for somebody who is not signed in."""
    now = house_of(request).world.now().isoformat()
    frame: Frame = {
        "title": title, "here": "", "user": None, "reviews": 0, "failed": 0, "unread": 0,
        "banners": [], "notices": [], "theme": _theme(request), "now": now, "timezone": "",
    }  # fmt: skip
    return HTMLResponse(render(template, frame, view), status, HEADERS)


def go(address: str, notice: str = "", tone: Tone = "ok") -> Response:
    """To another page after something was done; the notice is shown there once."""
    answer = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
    if notice:
        told = quote(f"{tone}:{notice}"[:900])
        answer.set_cookie(NOTICE, told, max_age=60, httponly=True, samesite="lax")
    return answer


def _frame(visit: Visit, tx: Transaction, title: str, here: Place, notices: list[Notice]) -> Frame:
    yesterday = tx.now - timedelta(days=1)
    who = visit.session.principal
    return {
        "title": title,
        "here": here,
        "user": {
            "name": Names(tx).person(who.name), "handle": who.name, "roles": sorted(who.roles),
        },
        "reviews": versions.count(tx, "in_review"),
        "failed": runs.count(tx, Wanted(states=(RunState.FAILED,), ended=yesterday)),
        "unread": told(tx, who, unread=True),
        "banners": _banners(visit, tx),
        "notices": notices,
        "theme": _theme(visit.request),
        "now": tx.now.isoformat(),
        "timezone": tx.company.timezone,
    }  # fmt: skip


def _banners(visit: Visit, tx: Transaction) -> list[Banner]:
    if tx.company.four_eyes:
        return []
    link = {"text": "Change it", "href": "/system"} if visit.desk.may("settings:write") else None
    told = "Solo mode: people may approve what they wrote themselves, because four eyes is off."
    return [{"tone": "warn", "text": told, "link": link}]  # type: ignore[typeddict-item]  # mypy widens the conditional to dict


def _notices(request: Request) -> list[Notice]:
    tone, _, text = unquote(request.cookies.get(NOTICE, "")).partition(":")
    match tone:
        case "ok" | "warn" | "bad" | "info" if text:
            return [{"tone": tone, "text": text}]
    return []


def _theme(request: Request) -> Theme:
    match request.cookies.get("theme"):
        case "light":
            return "light"
        case "dark":
            return "dark"
    return "system"


def _digest(view: Mapping[str, Any]) -> str:
    """A mark of what the page says; how long ago things were is kept true by the browser."""
    told = json.dumps(_lasting(view), sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _lasting(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {key: _lasting(value) for key, value in part.items() if key != "ago"}
    return [_lasting(each) for each in part] if isinstance(part, list) else part
