"""The web application: the pages, REST, MCP and the assets, behind one guard."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from engine.installation import House
from server import assets, hooks, mcp, rest, sms_hook
from server.guard import Guard, known_hosts
from server.operations.alerts import health
from server.release import VERSION


def create_app(house: House) -> FastAPI:
    """Everything that is answered over HTTP."""
    server = mcp.Server(house)
    spoken = mcp.over_http(server)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    app = FastAPI(
        title="Sayso",
        version=VERSION,
        description="Workflows for business records. Nothing runs without your say-so.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
    )
    app.state.house = house
    app.add_middleware(GZipMiddleware, minimum_size=800)
    app.add_middleware(Guard, hosts=known_hosts(house.settings))
    app.include_router(rest.router())
    app.include_router(assets.router)
    app.include_router(hooks.router)
    app.include_router(sms_hook.router)
    app.router.routes.append(Route("/mcp", spoken))
    app.add_api_route("/health", _health(house), include_in_schema=False)
    trouble = None
    if find_spec("server.pages.routes"):
        pages = import_module("server.pages.routes")
        app.include_router(pages.router)
        app.include_router(import_module("server.pages.unsubscribe").router)
        trouble = getattr(pages, "trouble", None)
    rest.install(app, trouble)
    return app


def _health(house: House) -> Callable[[], JSONResponse]:
    def alive() -> JSONResponse:
        told = health(house)
        return JSONResponse(told, 200 if told["status"] == "ok" else 503)

    return alive
