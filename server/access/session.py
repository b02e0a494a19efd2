"""Who is looking at a page: the session behind the cookie, and the guard against other sites."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from engine.installation import Installation
from engine.people.logins import SESSION_MOST, Session
from server.access.desk import Desk
from server.access.rights import signed_in

COOKIE = "sayso_session"
SAFE = ("GET", "HEAD", "OPTIONS")


class SignInFirst(Exception):
    """Nobody is signed in, or not any more."""


class OtherSite(Exception):
    """A form that stood on another site; nothing was done."""


@dataclass(frozen=True)
class Visit:
    """One request of a person who is signed in, and the desk they work at."""

    request: Request
    desk: Desk
    session: Session
    cookie: str

    @property
    def installation(self) -> Installation:
        return self.desk.installation

    @property
    def name(self) -> str:
        return self.session.principal.name

    def asked(self, name: str) -> str:
        """A parameter of the address, "" without one."""
        return self.request.query_params.get(name, "").strip()


def house_of(request: Request) -> Installation:
    installation: Installation = request.app.state.installation
    return installation


def visit(request: Request) -> Visit:
    """The visit behind this request. Raises `SignInFirst`."""
    installation, cookie = house_of(request), request.cookies.get(COOKIE, "")
    found = signed_in(installation, cookie) if cookie else None
    if found is None:
        raise SignInFirst
    return Visit(request, Desk(installation, found.principal), found, cookie)


async def posted(request: Request) -> AsyncIterator[FormData]:
    """What the form holds, its file included, until the answer is sent."""
    async with request.form(max_files=1, max_fields=500) as form:
        yield form


Signed = Annotated[Visit, Depends(visit)]
Posted = Annotated[FormData, Depends(posted)]


def text(form: FormData, name: str) -> str:
    """One answer of a form, "" without one."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> list[str]:
    """All answers to one question."""
    return [value for value in form.getlist(name) if isinstance(value, str)]


def same_origin(request: Request) -> None:
    """Let a write through unless the browser says that another site asks for it.

    A program that has the cookie and says nothing of where it comes from is no browser.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise OtherSite
    if site is None and origin is not None and urlsplit(origin).netloc not in _ours(request):
        raise OtherSite


def _ours(request: Request) -> tuple[str, ...]:
    return request.headers.get("host", ""), urlsplit(house_of(request).settings.address).netloc


def set_cookie(response: Response, installation: Installation, cookie: str) -> Response:
    """Let the browser keep the session: out of reach of scripts, and of other sites' forms."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SESSION_MOST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=installation.settings.address.startswith("https://"),
    )
    return response
