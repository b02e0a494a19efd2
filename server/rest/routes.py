"""REST: every operation as a route under /api, with a token, and errors that teach."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from engine.installation import Installation
from engine.people.logins import Principal
from engine.problems import refuse
from engine.records.search import simple
from server.access.desk import Desk
from server.access.rights import holder
from server.operations import catalogue, modules
from server.operations.files import AttachedFile, hand_out, take
from server.operations.registry import Operation
from server.rest.errors import Unknown

# What `GET /records/{module}` takes beside fields to compare.
SEARCHING = ("where", "fields", "order_by", "limit", "cursor", "text")


def router() -> APIRouter:
    """All routes; those of records by the verbs one expects."""
    api = APIRouter(prefix="/api", include_in_schema=False)
    # What is written out goes before what is named: /workflows/test before /workflows/{workflow}.
    for operation in sorted(catalogue.every().values(), key=lambda each: each.path):
        api.add_api_route(operation.path, _endpoint(operation), methods=[operation.method])
    record = "/records/{module}/{record}"
    api.add_api_route(record, _endpoint(catalogue.every()["write_record"]), methods=["PATCH"])
    api.add_api_route(f"{record}/files", _attach, methods=["POST"])
    api.add_api_route("/files/{document}", _file, methods=["GET"], response_class=Response)
    return api


# --- files, which are no JSON ---


async def _attach(request: Request) -> Response:
    desk = await run_in_threadpool(_desk, request)
    async with request.form(max_files=1, max_fields=10) as form:
        named = request.path_params
        saved = await run_in_threadpool(take, desk, named["module"], named["record"], form)
    made: AttachedFile = {
        "id": saved.id,
        "number": saved.number,
        "file": f"/api/files/{saved.id}",
    }
    return JSONResponse(made, 201)


def _file(request: Request) -> Response:
    document = str(request.path_params["document"])
    if not document.isdecimal() or len(document) > 18:
        raise HTTPException(404)
    return hand_out(_desk(request), int(document))


def _desk(request: Request) -> Desk:
    installation: Installation = request.app.state.installation
    return Desk(installation, _principal(installation, _token(request)))


# --- one request ---


def _endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        token = _token(request)
        body = await request.body() if request.method in ("POST", "PATCH", "PUT") else b""
        return await run_in_threadpool(_answered, operation, request, token, body)

    return answer


def _answered(operation: Operation, request: Request, token: str, body: bytes) -> Response:
    installation: Installation = request.app.state.installation
    desk = Desk(installation, _principal(installation, token))
    given = {**_asked(operation, desk, request), **_sent(operation, body), **request.path_params}
    status = operation.status if request.method == operation.method else 200
    return JSONResponse(operation.call(desk, given), status)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unknown
    return token.strip()


def _principal(installation: Installation, token: str) -> Principal:
    who = holder(installation, token)
    if who is None:
        raise Unknown
    return who


def _asked(operation: Operation, desk: Desk, request: Request) -> dict[str, Any]:
    """What the address asks for. A search may also name fields: `?status=Sent`."""
    found: dict[str, Any] = {}
    fields: dict[str, str] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if operation.name == "search_records" and name not in SEARCHING:
            fields[name] = values[-1]
        elif "list" in str(operation.settings.model_fields.get(name)):
            found[name] = [part for value in values for part in value.split(",") if part]
        else:
            found[name] = values[-1]
    if fields:
        found["where"] = _both(desk, request.path_params["module"], fields, found.get("where"))
    return found


def _both(desk: Desk, module: str, fields: dict[str, str], where: str | None) -> Any:
    with desk.read() as tx:
        compared = simple(modules.found(tx, module), fields)
    return {"all": [compared, _parsed(where.encode())]} if where else compared


def _sent(operation: Operation, body: bytes) -> dict[str, Any]:
    """What the body holds: the parameters by name, or the one that may stand alone."""
    if not body.strip():
        return {}
    given = _parsed(body)
    if not isinstance(given, dict):
        raise refuse("", "the body is not an object.", 'Send JSON like {"values": {...}}.')
    alone = operation.body
    return {alone: given} if alone and alone not in given else given


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as bad:
        raise HTTPException(400, f"This is not JSON: {bad}") from None
