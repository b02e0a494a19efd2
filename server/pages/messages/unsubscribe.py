"""Where the reader of a mail ends all automatic mail, without signing in (RFC 8058)."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.records.signed_links import Claim
from server.access.session import house_of
from server.operations.unsubscribing import claim_in, end_mail
from server.pages.frame.errors import PageRoute
from server.pages.frame.page import door
from server.pages.messages.views import UnsubscribeView

# Beside the pages of people who are signed in: mail programs post here without any origin.
router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/unsubscribe/{token}")
def ask(request: Request, token: str) -> Response:
    """Ask; a program that only opens links ends nothing."""
    installation = house_of(request)
    claim = claim_in(installation, token)
    return _shown(request, claim, done=False)


@router.post("/unsubscribe/{token}")
def end(request: Request, token: str) -> Response:
    """End it: one click, by the reader or by their mail program."""
    installation = house_of(request)
    claim = claim_in(installation, token)
    if claim:
        end_mail(installation, claim)
    return _shown(request, claim, done=True)


def _shown(request: Request, claim: Claim | None, *, done: bool) -> Response:
    with house_of(request).database.read() as tx:
        company = tx.company.sender_name or tx.company.name
    view: UnsubscribeView = {
        "company": company,
        "address": claim.subject if claim else "",
        "done": done,
    }
    title = "No more mail" if done and claim else "Unsubscribe"
    return door(request, "unsubscribe.html", view, title, 200 if claim else 404)
