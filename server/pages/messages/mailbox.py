"""The mailbox: what workflows sent, or would have, and what came in."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.outside.smtp import paragraphs
from engine.records.transaction import Transaction
from server.access.session import Signed, Visit
from server.operations.files import carried_file, files_of, hand_out_sent, size_of
from server.operations.queries import mails, runs
from server.operations.queries.mails import Mail as Kept
from server.pages.frame.errors import PageRoute
from server.pages.frame.lists import ROWS, address, filters, paging, place, segment
from server.pages.frame.mail_html import safe_html
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import page
from server.pages.frame.rows import number
from server.pages.frame.views import Attachment, Fact, Link, Mail
from server.pages.messages.outbox import tabs
from server.pages.messages.views import MailboxView, MailRow, MailView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STATES = (
    ("", "All"), ("captured", "Captured"), ("sent", "Sent"), ("failed", "Failed"),
    ("unknown", "Not known"), ("received", "Received"),
)  # fmt: skip
SNIPPET = 110


@router.get("/mailbox")
def show_mailbox(visit: Signed) -> Response:
    visit.desk.need("records:read")
    with visit.desk.read() as tx:
        names, words, state = Names(tx), visit.asked("q"), visit.asked("state")
        state = state if state in dict(STATES) else ""
        rows = mails.listed(tx, state, words, ROWS, (place(visit) - 1) * ROWS)
        pick = segment("state", "State", STATES, state)
        view: MailboxView = {
            "note": _note(visit),
            "tabs": tabs(),
            "filters": filters(visit, "mails", "Address or subject", pick),
            "rows": [_row(names, row) for row in rows],
            "paging": paging(visit, len(rows), mails.count(tx, state, words)),
            "live": address(visit),
        }
        return page(visit, tx, "mailbox.html", view, title="Mailbox", here="mailbox")


@router.get("/mailbox/{mail:int}")
def show_mail(visit: Signed, mail: int) -> Response:
    visit.desk.need("records:read")
    with visit.desk.read() as tx:
        row, names = mails.one(tx, mail), Names(tx)
        view: MailView = {
            "state": row["status"] or "queued",
            "direction": _direction(row),
            "when": moment(tx, row["created_at"]),
            "mail": _mail(visit, tx, row),
            "why": _why(names, row),
            "facts": _facts(names, row),
            "actions": [],
        }
        title = str(row["subject"] or row["number"])
        return page(visit, tx, "mail.html", view, title=title, here="mailbox")


def _note(visit: Visit) -> str:
    if visit.installation.settings.smtp_url:
        return "Mail goes out through your mail server; this is the copy"
    return "Captured: no mail server is set, so nothing leaves this machine"


def _direction(row: Kept) -> Any:
    return "in" if row["direction"] == "in" else "out"


def _row(names: Names, row: Kept) -> MailRow:
    out = _direction(row) == "out"
    snippet = " ".join(str(row["body"] or "").split())
    return {
        "id": str(row["id"]),
        "href": f"/mailbox/{row['id']}",
        "state": row["status"] or "queued",
        "direction": _direction(row),
        "who": str((row["to"] if out else row.get("sender")) or "nobody"),
        "subject": str(row["subject"] or "(no subject)"),
        "snippet": snippet if len(snippet) <= SNIPPET else f"{snippet[: SNIPPET - 1]}…",
        "when": moment(names.tx, row["created_at"]),
        "source": _source(names, row),
    }


def _source(names: Names, row: Kept) -> Link:
    """The run that sent it, or the record it is about."""
    if row["run"]:
        return {"text": number(row["run"]), "href": f"/runs/{row['run']}"}
    return _about(names, row)[0]


def _about(names: Names, row: Kept) -> tuple[Link, str]:
    module, _, id = str(row["record"] or "").partition("/")
    return names.record(module, int(id)) if id.isdigit() else ({"text": "", "href": ""}, "")


@router.get("/mailbox/{mail:int}/files/{place:int}")
def save(visit: Signed, mail: int, place: int) -> Response:
    return hand_out_sent(visit.desk, mail, place)


def _mail(visit: Visit, tx: Transaction, row: Kept) -> Mail:
    text = str(row["body"] or "")
    return {
        "sender": _sender(tx, row),
        "to": _addresses(row["to"]),
        "cc": _addresses(row["cc"]),
        "subject": str(row["subject"] or "(no subject)"),
        "html": safe_html(str(row["html"] or "") or paragraphs(text)),
        "text": text,
        "plain": "",
        "attachments": _files(visit, tx, row),
    }


def _sender(tx: Transaction, row: Kept) -> str:
    """Who a mail says that it is from."""
    company, ours = tx.company, _direction(row) == "out"
    address = str(row.get("sender") or (company.sender if ours else "unknown"))
    name = str(row.get("sender_name") or (company.sender_name or company.name if ours else ""))
    return f"{name} <{address}>" if name else address


def _files(visit: Visit, tx: Transaction, row: Kept) -> list[Attachment]:
    """What went with a mail, as it was then."""
    if _direction(row) == "in":
        ours = files_of(visit.desk, tx, tx.schema.module("emails"), row["id"])
        return [
            {"name": name, "size": _kb(size), "href": f"/files/{id}"} for id, name, size in ours
        ]
    carried = row.get("attachments") or []
    found: list[Attachment] = []
    for position, told in enumerate(carried if isinstance(carried, list) else [], 1):
        digest, name = carried_file(told)
        size = size_of(visit.desk, digest) if digest else None
        shown = _kb(size) if size is not None else "not kept"
        href = f"/mailbox/{row['id']}/files/{position}"
        found.append({"name": name, "size": shown, "href": href})
    return [file for file in found if file["name"]]


def _kb(size: int) -> str:
    return f"{max(1, size // 1024)} kB"


def _addresses(given: str | None) -> list[str]:
    return [address.strip() for address in (given or "").split(",") if address.strip()]


def _why(names: Names, row: Kept) -> str:
    if not row["run"]:
        return "It came in from outside." if _direction(row) == "in" else "A person wrote it."
    found = runs.origin(names.tx, row["run"])
    if found is None:
        return "A run that is gone by now sent it."
    workflow, version = found
    return f"Version {version} of “{names.workflow(workflow)}” sent it in one of its runs."


def _facts(names: Names, row: Kept) -> list[Fact]:
    about, name = _about(names, row)
    run = number(row["run"]) if row["run"] else ""
    facts: list[Fact] = [
        {"label": "Run", "text": run, "href": f"/runs/{row['run']}"},
        {"label": "About", "text": f"{about['text']} {name}".strip(), "href": about["href"]},
        {"label": "Trouble", "text": str(row["error"] or ""), "href": ""},
        {"label": "Message id", "text": str(row["message_id"] or ""), "href": ""},
    ]
    return [fact for fact in facts if fact["text"]]
