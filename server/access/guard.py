"""What stands before every door: names we answer to, how much we take, what browsers are told."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.settings import Settings

OURSELVES = ("localhost", "127.0.0.1", "::1")
PROGRAMS = ("/api", "/mcp", "/hooks")
MOST_JSON, MOST_UPLOAD = 1024 * 1024, 25 * 1024 * 1024
# A file of the largest size, and what a form writes around it.
MOST_FILE = MOST_UPLOAD + 64 * 1024
FILES = re.compile(r"(/api)?/records/[^/]+/[^/]+/files")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def for_programs(path: str) -> bool:
    """Whether a path belongs to REST, MCP or hooks, which know no cookies and answer in JSON."""
    return path.startswith(tuple(f"{door}/" for door in PROGRAMS)) or path in PROGRAMS


def _minds_sites(path: str) -> bool:
    """Whether pages of other web sites are kept out. Those with a form of ours bring its secret."""
    return for_programs(path) and not path.startswith("/hooks/")


def most_of(path: str) -> int:
    """How many bytes a request to this path may bring."""
    if FILES.fullmatch(path):
        return MOST_FILE
    if path.startswith("/hooks/mail/"):
        return MOST_UPLOAD
    return MOST_JSON if for_programs(path) else MOST_UPLOAD


def known_hosts(settings: Settings) -> frozenset[str]:
    """The names this installation goes by."""
    public = urlsplit(settings.address).hostname or ""
    listens = settings.host if settings.host not in ("0.0.0.0", "::") else ""
    return frozenset({*OURSELVES, public, listens} - {""})


def refused(status: int, message: str, remedy: str = "") -> JSONResponse:
    problem = {"path": "", "message": message, "remedy": remedy}
    return JSONResponse({"problems": [problem]}, status)


class Guard:
    """Refuses requests for other hosts, from other origins, or too large, and adds our headers."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app, self.hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        most = most_of(path)
        answer = self._refusal(headers, path, most) or self.app
        await answer(scope, _at_most(receive, most), _with_headers(send))

    def _refusal(self, headers: Headers, path: str, most: int) -> ASGIApp | None:
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            remedy = "Use the address of SAYSO_PUBLIC_URL, or set it to the one you use."
            return refused(421, f"“{host[:100]}” is not an address of this server.", remedy)
        origin = headers.get("origin")
        if origin and _minds_sites(path) and not self._ours(origin):
            return refused(403, "Other web sites may not call this.", "Call it from a program.")
        size = headers.get("content-length", "0")
        if not size.isdecimal() or int(size[:12]) > most:
            return refused(413, f"This is more than the {most // 1024} kB that are taken at once.")
        return None

    def _ours(self, origin: str) -> bool:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and (parts.hostname or "") in self.hosts


def _name(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    bare = name if colon and (port.isdecimal() and not host.endswith("]")) else host
    bare = bare.removeprefix("[").removesuffix("]").lower()
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare


def _at_most(receive: Receive, most: int) -> Receive:
    """The body as it comes in, up to a size, whatever was announced."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, f"This is more than {most // 1024} kB.")
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
