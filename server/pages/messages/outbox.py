"""The outbox: what waits to go out and why; and the list of those who are not written to."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.company.message_limits import Channel
from engine.records import suppression
from engine.records.transaction import Transaction
from engine.runs.sending.outbox import WaitingMessage
from server.access.session import Posted, Signed, Visit, text
from server.operations import sending
from server.pages.frame.errors import PageRoute
from server.pages.frame.lists import address, filters, segment
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.rows import number
from server.pages.frame.views import Action, Tab
from server.pages.messages.views import BlockedRow, BlockedView, OutboxRow, OutboxView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STATES = (
    ("", "All"), ("queued", "Queued"), ("sending", "Being sent"), ("held", "Held back"),
    ("failed", "Failed"), ("unknown", "Not known"),
)  # fmt: skip
TOO_MANY = ("cap", "approval")
CHANNELS = {"all": "anything", "email": "mail", "sms": "text messages"}


@router.get("/outbox")
def show_outbox(visit: Signed) -> Response:
    visit.desk.need("runs:read")
    state = visit.asked("state")
    with visit.desk.read() as tx:
        found = sending.waiting(visit.desk, tx, state if state in dict(STATES) else "")
        names = Names(tx)
        pick = segment("state", "State", STATES, state)
        view: OutboxView = {
            "write": "/write" if visit.desk.may("workflows:write") else "",
            "tabs": tabs(),
            "filters": filters(visit, "outbox", "Address or subject", pick),
            "held": _held(visit, found),
            "rows": [_row(visit, names, each) for each in found if _asked(visit, each)],
            "live": address(visit),
        }
        return page(visit, tx, "outbox.html", view, title="Outbox", here="mailbox")


@router.post("/outbox/{run}/now")
def send_now(visit: Signed, run: int) -> Response:
    sending.send_now(visit.desk, run)
    return go("/outbox", "It goes now, unless something else keeps it.")


@router.post("/outbox/let-go/{workflow}/{channel}")
def let_go(visit: Signed, workflow: int, channel: Channel) -> Response:
    many = sending.let_go(visit.desk, workflow, channel)["messages"]
    return go("/outbox", f"{many:,} messages released.")


@router.get("/outbox/blocked")
def show_blocked(visit: Signed) -> Response:
    visit.desk.need("records:read")
    words = visit.asked("q")
    with visit.desk.read() as tx:
        may = visit.desk.may("records:write")
        view: BlockedView = {
            "tabs": tabs(),
            "filters": filters(visit, "blocked", "Address or number"),
            "add": "/outbox/blocked" if may else "",
            "rows": [_blocked(tx, row, may=may) for row in sending.listed(tx, words)],
        }
        return page(visit, tx, "blocked.html", view, title="Blocked", here="mailbox")


@router.post("/outbox/blocked")
def block(visit: Signed, form: Posted) -> Response:
    visit.desk.need("records:write")
    wanted = text(form, "address")
    sending.suppress_address(visit.desk, wanted, text(form, "reason"))
    return go("/outbox/blocked", f"{wanted} is blocked: it gets no automatic messages.")


@router.post("/outbox/blocked/{id}/lift")
def lift(visit: Signed, id: int, form: Posted) -> Response:
    found = sending.lift_suppression(visit.desk, id, text(form, "reason"))
    return go("/outbox/blocked", f"{found['address']} is not blocked any more.")


def tabs() -> list[Tab]:
    """The pages about messages."""
    pages = (("", "Mailbox", "/mailbox"), ("outbox", "Outbox", "/outbox"),
             ("blocked", "Blocked", "/outbox/blocked"))  # fmt: skip
    return [{"name": name, "label": label, "href": at, "count": None} for name, label, at in pages]


def _asked(visit: Visit, each: WaitingMessage) -> bool:
    words = visit.asked("q").casefold()
    return words in " ".join((*each.to, each.subject)).casefold()


def _row(visit: Visit, names: Names, each: WaitingMessage) -> OutboxRow:
    now: Action = {
        "label": "Send now", "icon": "send", "href": f"/outbox/{each.run}/now", "tone": "",
        "confirm": "Send it now, whatever the hour?",
    }  # fmt: skip
    waits = each.standing in ("held", "queued") and each.cause not in TOO_MANY
    return {
        "id": str(each.run),
        "state": each.standing,
        "to": ", ".join(each.to) or "not decided yet",
        "subject": each.subject,
        "why": each.why,
        "workflow": each.name,
        "run": {"text": number(each.run), "href": f"/runs/{each.run}"},
        "since": moment(names.tx, each.since),
        "when": moment(names.tx, each.next_at, ""),
        "actions": [now] if waits and visit.desk.may("runs:control") else [],
    }


def _held(visit: Visit, found: list[WaitingMessage]) -> list[Action]:
    """A button for each workflow that has too many messages."""
    if not visit.desk.may("reviews:decide"):
        return []
    held = {(each.workflow, each.channel, each.name) for each in found if each.cause in TOO_MANY}
    return [
        {
            "label": f"Release the messages of “{name}”",
            "icon": "send",
            "href": f"/outbox/let-go/{workflow}/{channel}",
            "tone": "main",
            "confirm": f"Release all held messages of “{name}” today?",
        }
        for workflow, channel, name in sorted(held)
    ]


def _blocked(tx: Transaction, row: Any, *, may: bool) -> BlockedRow:
    told = suppression.WORDS[row.kind]
    return {
        "id": str(row.id),
        "address": row.address,
        "channel": CHANNELS[row.channel],
        "why": f"{told}{f': {row.detail}' if row.detail else ''}",
        "by": Names(tx).person(row.by),
        "at": moment(tx, row.at),
        "lift": f"/outbox/blocked/{row.id}/lift" if may else "",
    }
