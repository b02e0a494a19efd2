"""REST: every operation as a route under /api, with a token, and errors that teach."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from engine.installation import Installation
from engine.people.logins import Principal
from engine.problems import Invalid, Problem, refuse
from engine.records.search import simple
from server.access.desk import Desk
from server.access.guard import for_programs
from server.access.rights import Refused, holder
from server.operations import (
    alerts,
    answers,
    calendars,
    modules,
    notices,
    one_offs,
    records,
    runs,
    schedules,
    sending,
    templates,
    trials,
    variables,
    workflows,
)
from server.operations.files import hand_out, take
from server.operations.registry import OPERATIONS, Missing, Operation

ALL = (
    alerts,
    calendars,
    modules,
    notices,
    one_offs,
    records,
    runs,
    schedules,
    sending,
    templates,
    trials,
    variables,
    workflows,
)
Trouble = Callable[[Request, int, Sequence[dict[str, Any]]], Response]
WORDS = {404: "There is nothing at this address.", 405: "This address does not do that."}
LIST = "/api/openapi.json lists the routes."
MAKING = ("write_record", "create_module", "add_field")
# What `GET /records/{module}` takes beside fields to compare.
SEARCHING = ("where", "fields", "order_by", "limit", "cursor")


class Unknown(Exception):
    """There is no token, or none that opens anything."""


def router() -> APIRouter:
    """All routes; those of records by the verbs one expects."""
    api = APIRouter(prefix="/api", dependencies=[Depends(HTTPBearer(auto_error=False))])
    for operation in OPERATIONS.values():
        api.add_api_route(
            operation.path,
            _endpoint(operation),
            methods=[operation.method],
            status_code=201 if operation.name in MAKING else 200,
            operation_id=operation.name,
            summary=operation.name.replace("_", " ").capitalize(),
            description=operation.words,
            openapi_extra=_described(operation),
            response_class=JSONResponse,
        )
    change = OPERATIONS["write_record"]
    path = "/records/{module}/{record}"
    api.add_api_route(
        path,
        _endpoint(change),
        methods=["PATCH"],
        operation_id="change_record",
        summary="Change record",
        description="Change fields of a record.",
        openapi_extra=_described(change, path),
        response_class=JSONResponse,
    )
    api.add_api_route(
        "/records/{module}/{record}/files",
        _attach,
        methods=["POST"],
        status_code=201,
        operation_id="attach_file",
        summary="Attach file",
        description="Attach a file of at most 25 MB to a record.",
        openapi_extra=_ATTACHING,
        response_class=JSONResponse,
    )
    api.add_api_route(
        "/files/{document}",
        _file,
        methods=["GET"],
        operation_id="get_file",
        summary="Get file",
        description="The bytes of a file, by the id of its document.",
        openapi_extra=_HANDING_OUT,
        response_class=Response,
    )
    return api


# --- files, which are no JSON ---


async def _attach(request: Request) -> Response:
    desk = await run_in_threadpool(_desk, request)
    async with request.form(max_files=1, max_fields=10) as form:
        named = request.path_params
        saved = await run_in_threadpool(take, desk, named["module"], named["record"], form)
    made = {"id": saved.id, "number": saved.number, "file": f"/api/files/{saved.id}"}
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
    made = request.method == "POST" and operation.name in MAKING
    return JSONResponse(operation.call(desk, given), 201 if made else 200)


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


# --- what went wrong ---


def install(app: FastAPI, trouble: Trouble) -> None:
    """Answer for errors: in JSON under /api and /mcp, in a page everywhere else."""

    async def told(
        request: Request, status: int, problems: Sequence[Problem], headers: Any = None
    ) -> Response:
        shown = answers.problems(problems)
        if for_programs(request.url.path):
            return JSONResponse({"problems": shown}, status, headers)
        return await run_in_threadpool(trouble, request, status, shown)

    @app.exception_handler(Unknown)
    async def unknown(request: Request, error: Unknown) -> Response:
        remedy = "Send `Authorization: Bearer atp_...`; a token is made on the page Tokens."
        problem = Problem("", "This takes a token that is still good.", remedy)
        return await told(request, 401, [problem], {"WWW-Authenticate": 'Bearer realm="sayso"'})

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        lacking = f'Bearer error="insufficient_scope", scope="{error.right}"'
        problem = Problem("", error.message, error.remedy)
        return await told(request, 403, [problem], {"WWW-Authenticate": lacking})

    @app.exception_handler(Invalid)
    async def invalid(request: Request, error: Invalid) -> Response:
        return await told(request, status_of(error), error.problems)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> Response:
        problems = [
            Problem(".".join(map(str, fault["loc"])), f"{fault['msg']}.")
            for fault in error.errors()
        ]
        return await told(request, 422, problems)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        said = WORDS.get(error.status_code, str(error.detail))
        remedy = LIST if error.status_code in WORDS and for_programs(request.url.path) else ""
        return await told(request, error.status_code, [Problem("", said, remedy)], error.headers)

    @app.exception_handler(OperationalError)
    async def busy(request: Request, error: OperationalError) -> Response:
        problem = Problem("", "The database does not answer.", "Try again in a moment.")
        return await told(request, 503, [problem], {"Retry-After": "5"})

    @app.exception_handler(Exception)
    async def ours(request: Request, error: Exception) -> Response:
        problem = Problem("", "Sayso made a mistake; it is in the log.", "Nothing was half done.")
        return await told(request, 500, [problem])


def status_of(error: Invalid) -> int:
    """404 for what is not there, 409 for what somebody else was quicker at, 422 for all else."""
    if isinstance(error, Missing):
        return 404
    if any(p.path == "record" and p.message.startswith("there is no") for p in error.problems):
        return 404
    return 409 if any(problem.path == "revision" for problem in error.problems) else 422


# --- what OpenAPI says ---


def _described(operation: Operation, path: str = "") -> dict[str, Any]:
    """Parameters, body and answer of a route."""
    schema = operation.settings.model_json_schema(ref_template="#/components/schemas/{model}")
    known, needed = schema["properties"], schema.get("required", [])
    where = path or operation.path
    inside = [name for name in known if f"{{{name}}}" in where]
    rest = [name for name in known if name not in inside]
    made = operation.name in MAKING and not path
    told: dict[str, Any] = {
        "parameters": [_parameter(name, known[name], "path", True) for name in inside],
        "responses": {"201" if made else "200": _answer(operation), **_FAULTS},
    }
    if operation.method == "GET":
        told["parameters"] += [
            _parameter(name, known[name], "query", name in needed) for name in rest
        ]
    elif operation.method != "DELETE":
        body = {
            "type": "object",
            "properties": {name: known[name] for name in rest},
            "required": [name for name in rest if name in needed],
        }
        content = {"application/json": {"schema": body}}
        told["requestBody"] = {"content": content, "required": bool(body["required"])}
    return told


def _parameter(name: str, schema: Any, place: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _answer(operation: Operation) -> dict[str, Any]:
    schema = answer_schema(operation)
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def answer_schema(operation: Operation) -> dict[str, Any]:
    """The keys of an answer, and which are always there."""
    keys = {name.removesuffix("?"): kind for name, kind in operation.gives.items()}
    always = [name for name in operation.gives if not name.endswith("?")]
    shown = {name: {"type": kind} for name, kind in keys.items()}
    return {"type": "object", "properties": shown, "required": always}


_PROBLEMS = {
    "type": "object",
    "properties": {
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in ("path", "message", "remedy")},
            },
        }
    },
    "required": ["problems"],
}
_FAULTS = {
    status: {"description": words, "content": {"application/json": {"schema": _PROBLEMS}}}
    for status, words in {
        "400": "Not JSON.",
        "401": "No token that is good.",
        "403": "The token or its user may not do this.",
        "404": "Not there.",
        "409": "Somebody else was quicker.",
        "413": "Too large.",
        "422": "Cannot be done as it stands: every problem, with its remedy.",
    }.items()
}
_ATTACHING: dict[str, Any] = {
    "parameters": [_parameter(n, {"type": "string"}, "path", True) for n in ("module", "record")],
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
        "required": True,
    },
    "responses": {
        "201": {
            "description": "Attached: its document, and where its bytes are.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "integer"},
                            "number": {"type": "string"},
                            "file": {"type": "string"},
                        },
                        "required": ["id", "number", "file"],
                    }
                }
            },
        },
        **_FAULTS,
    },
}
_HANDING_OUT: dict[str, Any] = {
    "parameters": [_parameter("document", {"type": "integer"}, "path", True)],
    "responses": {
        "200": {
            "description": "The file.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        **_FAULTS,
    },
}
