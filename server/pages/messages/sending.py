"""How much may leave the house, at which hours, and the switch that stops it: for admins."""

from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from engine.company.company import Company
from engine.company.message_limits import NAMES, Caps, Channel
from server.access.session import Posted, Signed, Visit, text
from server.operations import sending
from server.pages.frame.errors import PageRoute
from server.pages.frame.moments import moment
from server.pages.frame.page import go, page
from server.pages.messages.views import LimitGroup, LimitRow, SendingView, StopRow

router = APIRouter(route_class=PageRoute, include_in_schema=False)
TOLD = {
    "all": ("Everything", "mail, text messages, calls of other systems and of the model"),
    "email": ("Mail", "what workflows send by mail"),
    "sms": ("Text messages", "what workflows send to phones"),
    "webhook": ("Calls", "what workflows tell other systems"),
    "model": ("The model", "what workflows ask the model"),
}
CHANNELS: tuple[Channel, ...] = ("email", "sms")


@router.get("/system/sending")
def show_sending(visit: Signed) -> Response:
    return _shown(visit)


@router.post("/system/sending/stop")
def stop(visit: Signed, form: Posted) -> Response:
    visit.desk.need("settings:write")
    what = text(form, "what")
    sending.stop_sending(visit.desk, what, "stopped on the page Sending")
    return go("/system/sending", f"Stopped: {what}. Nothing is lost.", "warn")


@router.post("/system/sending/go-on")
def go_on(visit: Signed, form: Posted) -> Response:
    what = text(form, "what")
    sending.go_on(visit.desk, what, "on the page Sending")
    return go("/system/sending", f"Resumed: {what}.")


@router.post("/system/sending/{channel}")
def set_limits(visit: Signed, channel: Channel, form: Posted) -> Response:
    visit.desk.need("settings:write")
    caps = {name: text(form, name) for name in Caps.model_fields}
    begins, ends = text(form, "from"), text(form, "to")
    quiet = {"from": begins, "to": ends} if begins or ends else None
    try:
        sending.set_limits(visit.desk, {f"{channel}_caps": caps, f"{channel}_quiet": quiet})
    except ValidationError as invalid:
        where = ", ".join(str(fault["loc"][-1]).replace("_", " ") for fault in invalid.errors())
        return _shown(visit, f"Write whole numbers, and hours like 20:00: {where}.")
    return go("/system/sending", "Saved.")


def _shown(visit: Visit, error: str = "") -> Response:
    visit.desk.need("settings:write")
    with visit.desk.read() as tx:
        found = sending.stopped(tx)
        scopes = [*TOLD, *(scope for scope in found if scope not in TOLD)]
        view: SendingView = {
            "stops": [_stop(visit, tx, scope, found.get(scope)) for scope in scopes],
            "limits": [_limits(tx.company, channel) for channel in CHANNELS],
            "error": error,
        }
        status = 422 if error else 200
        title = "Sending"
        return page(
            visit, tx, "sending.html", view, title=title, here="system", status=status, error=error
        )


def _stop(visit: Visit, tx: Any, scope: str, row: Any) -> StopRow:
    name, told = TOLD.get(scope, (scope, "what one workflow does"))
    by_setting = scope in visit.installation.world.stopped
    note = f"{row.by}: {row.reason} ({moment(tx, row.at)['text']})" if row else ""
    verb = "go-on" if row else "stop"
    return {
        "name": name,
        "text": told,
        "stopped": row is not None or by_setting,
        "note": note or ("by the setting SAYSO_STOP" if by_setting else ""),
        "action": {
            "label": "Resume" if row else "Stop",
            "icon": "play" if row else "octagon-pause",
            "href": f"/system/sending/{verb}",
            "tone": "main" if row else "danger",
            "confirm": "" if row else f"Stop {told}? Nothing is lost: it waits.",
            "fields": {"what": scope},
        },
    }


def _limits(company: Company, channel: Channel) -> LimitGroup:
    caps, quiet = company.caps(channel), company.quiet(channel)
    rows: list[LimitRow] = [
        {
            "name": name,
            "label": (field.description or name).rstrip("."),
            "value": str(getattr(caps, name)),
            "kind": "number",
        }
        for name, field in Caps.model_fields.items()
    ]
    begins, ends = (quiet.from_, quiet.to) if quiet else ("", "")
    rows.append({"name": "from", "label": "Quiet hours from", "value": begins, "kind": "time"})
    rows.append({"name": "to", "label": "Quiet hours to", "value": ends, "kind": "time"})
    return {"channel": channel, "label": NAMES[channel].capitalize(), "rows": rows}
