"""What went wrong, as a page in words, with a way back."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from engine.problems import Invalid, Problem
from engine.records.schema_number import Outdated
from server.access.rights import Refused
from server.access.session import OtherSite, SignInFirst, visit
from server.operations.answers import Fault
from server.operations.registry import Missing
from server.pages.frame.field_values import sentence
from server.pages.frame.page import HEADERS, door, page
from server.pages.frame.views import ErrorView

WORDS = {
    400: ("That could not be read", "The address or the form does not say what it should."),
    403: ("You may not do this", ""),
    404: ("There is nothing here", "It was moved, deleted, or never was."),
    405: ("That is not possible here", "This address only shows something."),
    413: ("That is too large", "The form or the file holds more than Sayso takes."),
    422: ("That could not be done", ""),
    429: ("Too many tries", "Wait a few minutes, then try again."),
    503: ("That is not possible now", ""),
}
OURS = (
    "Sayso made a mistake",
    "It is in the log. Nothing was half done: a change is whole or not.",
)


class PageRoute(APIRoute):
    """A route whose refusals are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await answer(request)
            except SignInFirst:
                return sign_in_first(request)
            except OtherSite:
                told = Problem(
                    "", "This form came from another site.", "Open the page here, then try again."
                )
                return await run_in_threadpool(said, request, 403, [told])
            except Refused as refused:
                told = Problem("", refused.message, refused.remedy)
                return await run_in_threadpool(said, request, 403, [told])
            except Invalid as invalid:
                status = 404 if isinstance(invalid, Missing) else 422
                status = 503 if isinstance(invalid, Outdated) else status
                return await run_in_threadpool(said, request, status, invalid.problems)
            except RequestValidationError:
                return await run_in_threadpool(said, request, 404, [])
            except HTTPException as refused:
                return await run_in_threadpool(said, request, refused.status_code, [])

        return handle


def sign_in_first(request: Request) -> Response:
    """To the sign-in page and back again; a region that refreshes itself just hears no."""
    if "x-fragment" in request.headers:
        return PlainTextResponse("Sign in first.", 401, HEADERS)
    back = request.url.path if request.method == "GET" else "/"
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    where = "/login" if back == "/" else f"/login?next={quote(back + query, safe='')}"
    return RedirectResponse(where, 303, {"Cache-Control": "no-store"})


def trouble(request: Request, status: int, problems: Sequence[Fault]) -> Response:
    """The page for what no route of ours has answered."""
    told = [Problem("", str(it.get("message", "")), str(it.get("remedy", ""))) for it in problems]
    return said(request, status, told)


def said(request: Request, status: int, problems: Sequence[Problem]) -> Response:
    """The error page."""
    title, text = WORDS.get(status, WORDS[404] if status < 500 else OURS)
    told = " ".join(sentence(problem.message) for problem in problems) or text
    remedy = " ".join(dict.fromkeys(problem.remedy for problem in problems if problem.remedy))
    view: ErrorView = {
        "code": status, "title": title, "text": told, "remedy": remedy,
        "links": [{"text": "Go to the start", "href": "/"}],
    }  # fmt: skip
    try:
        found = visit(request)
    except (SignInFirst, Outdated):
        return door(request, "error.html", view, title, status)
    with found.desk.read() as tx:
        return page(found, tx, "error.html", view, title=title, here="", status=status)
