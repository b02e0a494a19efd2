"""Coming in and going out: the password, the one-time link, signing out, and the theme."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.installation import Installation
from server.access import sign_in
from server.access.password_attempts import Attempts
from server.access.rights import signed_in
from server.access.session import COOKIE, house_of, set_cookie
from server.pages.frame.errors import PageRoute
from server.pages.frame.page import door, go
from server.pages.me.views import LoginView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
OURS = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")
WRONG = "That user name and password do not belong together."
NOBODY = (
    "Nobody can sign in yet. When it starts, sayso serve prints a link for the first user; "
    "sayso user create makes one too."
)
PAUSE = "That was wrong too often. Wait ten minutes, then try again."
SPENT = (
    "This link was used already, or is older than an hour. Sign in with your password, "
    "or make another one: sayso user link NAME."
)


def inside(address: str) -> str:
    """An address on this site, or the first page for any other."""
    return address if OURS.fullmatch(address) else "/"


@router.get("/login")
def show_login(request: Request, next: str = "/") -> Response:
    if signed_in(house_of(request), request.cookies.get(COOKIE, "")):
        return go(inside(next))
    return _login(request, "", next)


@router.post("/login")
def login(
    request: Request,
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Open a session, under a new secret, where name and password belong together."""
    installation, name = house_of(request), username.strip()
    problem = wrong_password(request, installation, name, password)
    if problem:
        return _login(request, name, next, problem, 429 if problem == PAUSE else 401)
    cookie = sign_in.enter(installation, name, request.cookies.get(COOKIE))
    return set_cookie(go(inside(next)), installation, cookie)


@router.get("/login/link")
def use_link(request: Request, secret: str = "") -> Response:
    """Open a session for whoever was given this link; it works once."""
    installation = house_of(request)
    cookie = sign_in.enter_by_link(installation, secret)
    if cookie is None:
        return _login(request, "", "/", SPENT, 401)
    return set_cookie(go("/"), installation, cookie)


@router.post("/logout")
def logout(request: Request) -> Response:
    sign_in.leave(house_of(request), request.cookies.get(COOKIE, ""))
    answer = go("/login")
    answer.delete_cookie(COOKIE)
    return answer


@router.post("/theme")
def choose_theme(request: Request, theme: Annotated[str, Form()] = "system") -> Response:
    """For browsers without scripts; with one, the page does it alone."""
    answer = go(inside(urlsplit(request.headers.get("referer", "/")).path))
    if theme in ("light", "dark"):
        answer.set_cookie("theme", theme, max_age=31_536_000, samesite="lax")
    else:
        answer.delete_cookie("theme")
    return answer


def wrong_password(request: Request, installation: Installation, name: str, password: str) -> str:
    """Why this password does not let this user in; "" if it does."""
    attempts = _attempts(request)
    now, user = installation.world.now(), name.casefold()
    address = request.client.host if request.client else ""
    if attempts.too_many(now, user, address):
        return PAUSE
    with attempts.one_of_few():
        fits = sign_in.password_fits(installation, name, password)
    if fits:
        attempts.passed(user)
        return ""
    attempts.failed(now, user, address)
    return WRONG


def _attempts(request: Request) -> Attempts:
    """Those of this application: two in one process, as in tests, do not share them."""
    state = request.app.state
    if not hasattr(state, "attempts"):
        state.attempts = Attempts()
    kept: Attempts = state.attempts
    return kept


def _login(
    request: Request, username: str, next: str, error: str = "", status: int = 200
) -> Response:
    hint = NOBODY if sign_in.nobody_yet(house_of(request)) else ""
    view: LoginView = {
        "username": username, "next": inside(next), "error": error, "hint": hint,
    }  # fmt: skip
    return door(request, "login.html", view, "Sign in", status)
