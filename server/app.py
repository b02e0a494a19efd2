"""The web application: the pages, REST, MCP and the assets, behind one guard."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from engine.installation import Installation
from server.access.guard import Guard, known_hosts
from server.mcp import server as mcp
from server.operations.alerts import health
from server.pages import routes as pages
from server.pages.frame import assets
from server.pages.messages import unsubscribe
from server.rest import errors, hooks, sms_hook
from server.rest import routes as rest
from server.rest.openapi import Told
from server.version import VERSION


def create_app(installation: Installation) -> FastAPI:
    """Everything that is answered over HTTP."""
    server = mcp.Server(installation)
    spoken = mcp.over_http(server)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    app = Told(
        title="Sayso",
        version=VERSION,
        description="Workflows for business records. Nothing runs without your say-so.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
    )
    app.state.installation = installation
    app.add_middleware(GZipMiddleware, minimum_size=800)
    app.add_middleware(Guard, hosts=known_hosts(installation.settings))
    app.include_router(rest.router())
    app.include_router(assets.router)
    app.include_router(hooks.router)
    app.include_router(sms_hook.router)
    app.router.routes.append(Route("/mcp", spoken))
    app.add_api_route("/health", _health(installation), include_in_schema=False)
    app.include_router(pages.router)
    app.include_router(unsubscribe.router)
    errors.install(app, pages.trouble)
    return app


def _health(installation: Installation) -> Callable[[], JSONResponse]:
    def alive() -> JSONResponse:
        told = health(installation)
        return JSONResponse(told, 200 if told["status"] == "ok" else 503)

    return alive
