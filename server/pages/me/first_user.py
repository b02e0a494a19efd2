"""The first minute without the demo: whoever holds the link that `sayso serve` printed comes in."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.people import audit, logins
from engine.problems import Invalid
from server.access.session import house_of, set_cookie
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.page import door, go
from server.pages.me.views import WelcomeView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
COME_IN = "Welcome. What is left to do stands on this page."


@router.get("/welcome")
def show_welcome(request: Request, secret: str = "") -> Response:
    """The form of the first user; the way to sign in for whoever comes later."""
    with house_of(request).database.read() as tx:
        opens = logins.first_link_opens(tx, secret)
    return _welcome(request, secret) if opens else go("/login")


@router.post("/welcome")
def come_in(
    request: Request,
    secret: Annotated[str, Form()] = "",
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
) -> Response:
    """Make the first user, who may do all there is to do, and sign them in."""
    installation, username = house_of(request), username.strip()
    given = {"name": name.strip(), "email": email.strip()}
    try:
        with installation.database.begin() as tx:
            logins.create_first_user(tx, secret, username, password, **given)
            audit.record(tx, username, "create the first user", f"user/{username}")
            cookie = logins.open_session(tx, username)
    except Invalid as invalid:
        return _welcome(request, secret, username, faults(invalid.problems), 422, **given)
    return set_cookie(go("/", COME_IN), installation, cookie)


def _welcome(
    request: Request,
    secret: str,
    username: str = "",
    error: str = "",
    status: int = 200,
    *,
    name: str = "",
    email: str = "",
) -> Response:
    view: WelcomeView = {
        "secret": secret, "username": username, "name": name, "email": email,
        "shortest": logins.SHORTEST_PASSWORD, "error": error,
    }  # fmt: skip
    return door(request, "welcome.html", view, "Welcome", status)
