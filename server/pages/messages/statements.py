"""The public page of a customer's statement: no sign-in, the link alone, until it ends."""

from threading import BoundedSemaphore

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from engine.outside.subprocesses import TooMuch, run_isolated
from engine.runs.statement import Opening, claimed, opened
from engine.templates.filters.headings import heading
from server.access.rate_limit import Pace
from server.access.session import house_of
from server.pages.frame.assets import STATIC
from server.pages.frame.render import PAGES

router = APIRouter()

# Whoever holds the link reads it: it must not be kept, found by a search, or told to other sites.
ALONE = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
}
STATUS = {"open": 200, "over": 410, "unknown": 404}
PRINTING, PRINTS = BoundedSemaphore(2), Pace(6, 60)


@router.get("/statements/{token}")
def show(token: str, request: Request) -> Response:
    """The open invoices of the customer whom the link is for."""
    found = _opened(request, token)
    pdf = f"/statements/{token}/pdf" if found.statement else ""
    return HTMLResponse(_drawn(found, pdf), STATUS[found.state], ALONE)


@router.get("/statements/{token}/pdf")
def download(token: str, request: Request) -> Response:
    """The same as a file to keep."""
    found = _opened(request, token)
    if found.statement is None:
        return HTMLResponse(_drawn(found), STATUS[found.state], ALONE)
    # One that has to wait would keep a thread that others need.
    if not PRINTS.allows(token) or not PRINTING.acquire(blocking=False):
        return HTMLResponse(_drawn(found), 429, {**ALONE, "Retry-After": "60"})
    try:
        file = run_isolated("print_pdf", _drawn(found, inside=_style()).encode())
    except TooMuch:
        return HTMLResponse(_drawn(found), 503, ALONE)
    finally:
        PRINTING.release()
    named = {"Content-Disposition": 'attachment; filename="statement.pdf"'}
    return Response(file, headers={**ALONE, **named}, media_type="application/pdf")


def _opened(request: Request, token: str) -> Opening:
    database = house_of(request).database
    # Who only guesses links must not keep those waiting who write.
    if claimed(database.links, token) is None:
        return Opening("unknown")
    with database.begin() as tx:
        return opened(tx, token)


def _drawn(found: Opening, pdf: str = "", inside: str = "") -> str:
    view = {
        "it": found.statement,
        "language": found.language,
        "word": lambda name: heading(name, found.language),
        "pdf": pdf,
        "style": inside,
        "over": found.state == "over",
    }
    return PAGES.get_template("statement.html").render(view=view)


def _style() -> str:
    """For the printer alone, which fetches nothing; the page has its style from a file."""
    return f"<style>{(STATIC / 'statement.css').read_text(encoding='utf-8')}</style>"
