"""What went wrong, for whoever asked: problems as JSON, or a page."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from engine.problems import Invalid, Problem
from engine.records.schema_number import Outdated
from server.access.guard import for_programs
from server.access.rights import Refused
from server.operations import answers
from server.operations.registry import Missing

Trouble = Callable[[Request, int, Sequence[answers.Fault]], Response]
WORDS = {404: "There is nothing at this address.", 405: "This address does not do that."}
LIST = "/api/openapi.json lists the routes."


class Unknown(Exception):
    """There is no token, or none that opens anything."""


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
    """404 for what is not there, 409 for what somebody else was quicker at, 503 where nothing can
    be done before an upgrade, 422 for all else."""
    if isinstance(error, Outdated):
        return 503
    if isinstance(error, Missing):
        return 404
    if any(p.path == "record" and p.message.startswith("there is no") for p in error.problems):
        return 404
    return 409 if any(problem.path == "revision" for problem in error.problems) else 422
