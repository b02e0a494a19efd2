"""The doors without sign-in: mail, calls of other systems and public forms, each by a secret."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from engine.installation import Installation
from engine.outside.hooks import NAME, Hooks, Kind, take_call, take_form
from engine.outside.receiving import receive
from engine.problems import refuse
from server.access.guard import refused
from server.access.rate_limit import Pace
from server.operations.registry import unkeepable

router = APIRouter(prefix="/hooks", include_in_schema=False)
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
MOST_FORM = 64 * 1024
CALLS, VISITORS, FORMS = Pace(600, 60), Pace(10, 60), Pace(120, 60)
# Any web site may hold our form; its browser may only read whether it was taken.
OPEN = {"Access-Control-Allow-Origin": "*"}
THANKS = "Thank you. Your message has been received."
UNSIGNED = "This call has neither the secret word of the address nor a signature."
SIGN = "`sayso door hook NAME` prints the address, and the secret to sign with."


@router.post("/mail/{word}")
async def mail(request: Request, word: str) -> Response:
    """A mail, as it came over the wire (message/rfc822)."""
    installation = _house(request)
    if not _opens(installation, word, "mail"):
        return _unknown()
    raw = await request.body()
    if not raw.strip():
        return refused(400, "There is no mail.", "Send it whole, as the body of the request.")

    def take() -> Response:
        with installation.database.begin() as tx:
            kept = receive(tx, installation.settings.data_dir, raw, installation.own_addresses)
        installation.changed()
        return JSONResponse({"taken": kept is not None, "number": kept.number if kept else None})

    return await run_in_threadpool(take)


@router.post("/in/{name}/{word}")
async def called(request: Request, name: str, word: str) -> Response:
    """A call of another system, to an address that holds the secret."""
    if not (NAME.fullmatch(name) and _opens(_house(request), word, "in", name)):
        return _unknown()
    told = (request.headers.get(header) for header in ("webhook-id", "idempotency-key"))
    return await _call(request, name, next(filter(None, told), ""))


@router.post("/in/{name}")
async def signed(request: Request, name: str) -> Response:
    """A call of another system that is signed as Standard Webhooks describes."""
    headers = {header: request.headers.get(header, "") for header in SIGNED}
    if not all(headers.values()):
        return refused(401, UNSIGNED, SIGN)
    secret = _hooks(_house(request)).secret(name)
    try:
        Webhook(secret).verify(await request.body(), headers)
    except (WebhookVerificationError, ValueError):
        return refused(403, "The signature is not good, or too old.", SIGN)
    return await _call(request, name, headers["webhook-id"])


async def _call(request: Request, name: str, webhook_id: str) -> Response:
    installation = _house(request)
    if not NAME.fullmatch(name):
        return _unknown()
    if not CALLS.allows(name):
        return _too_often()
    body = _json(await request.body())

    def take() -> Response:
        with installation.database.begin() as tx:
            kept = take_call(tx, name, body, webhook_id[:200])
        installation.changed()
        return JSONResponse({"taken": kept is not None, "number": kept.number if kept else None})

    return await run_in_threadpool(take)


@router.post("/form/{name}/{word}")
async def form(request: Request, name: str, word: str) -> Response:
    """What a visitor wrote in a form of a public page: a new lead."""
    installation, visitor = _house(request), request.client.host if request.client else ""
    if not (NAME.fullmatch(name) and _opens(installation, word, "form", name)):
        return _unknown()
    if not (VISITORS.allows(visitor) and FORMS.allows(name)):
        return _too_often()
    given = await _written(request)

    def take() -> Response:
        with installation.database.begin() as tx:
            take_form(tx, given)
        installation.changed()
        if "text/html" in request.headers.get("accept", ""):
            return PlainTextResponse(THANKS, headers=OPEN)
        return JSONResponse({"taken": True}, headers=OPEN)

    return await run_in_threadpool(take)


async def _written(request: Request) -> Mapping[str, Any]:
    """The fields of a form, or of a JSON object. Raises `Invalid`."""
    raw = await request.body()
    if len(raw) > MOST_FORM:
        raise HTTPException(413, f"This is more than {MOST_FORM // 1024} kB.")
    if request.headers.get("content-type", "").startswith("application/json"):
        found = _json(raw)
        if not isinstance(found, dict):
            raise refuse("", "the body is not an object.", 'Send JSON like {"name": "Ana Lopez"}.')
        return found
    async with request.form(max_files=0, max_fields=40) as fields:
        return {name: value for name, value in fields.items() if isinstance(value, str)}


def _json(raw: bytes) -> Any:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as bad:
        raise HTTPException(400, f"This is not JSON: {bad}") from None
    if why := unkeepable(found):
        raise refuse("", f"{why}.", "Send what people can read.")
    return found


def _house(request: Request) -> Installation:
    installation: Installation = request.app.state.installation
    return installation


def _hooks(installation: Installation) -> Hooks:
    return Hooks(installation.settings.address, installation.settings.key())


def _opens(installation: Installation, word: str, kind: Kind, name: str = "") -> bool:
    return _hooks(installation).opens(word, kind, name)


def _unknown() -> Response:
    return refused(403, "This address is not ours.", "`sayso door` prints those that are.")


def _too_often() -> Response:
    answer = refused(429, "This is too often.", "Wait a minute, then try again.")
    answer.headers["Retry-After"] = "60"
    return answer
