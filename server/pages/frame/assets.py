"""What a browser needs besides pages: style, script, icons, font; built once, cached for ever."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from engine.workflows.catalogue import icons

STATIC = Path(__file__).parents[2] / "static"

ICONS = (
    "activity",
    "archive",
    "ban",
    "bell",
    "bot",
    "box",
    "braces",
    "calendar",
    "calendar-clock",
    "check",
    "chevron-left",
    "chevron-right",
    "chevrons-up-down",
    "circle-alert",
    "circle-check",
    "circle-dashed",
    "circle-minus",
    "circle-question-mark",
    "circle-stop",
    "circle-x",
    "clock",
    "copy",
    "database",
    "download",
    "ellipsis",
    "eye",
    "file-text",
    "file-up",
    "flag",
    "flask-conical",
    "folder-input",
    "git-compare",
    "history",
    "hourglass",
    "house",
    "inbox",
    "info",
    "key-round",
    "keyboard",
    "link",
    "list-todo",
    "loader-circle",
    "lock",
    "log-out",
    "mail",
    "mail-open",
    "monitor",
    "moon",
    "octagon-pause",
    "paperclip",
    "pause",
    "pencil-line",
    "play",
    "plus",
    "quote",
    "rotate-ccw",
    "search",
    "send",
    "settings",
    "shield-check",
    "shuffle",
    "skip-forward",
    "smartphone",
    "sparkles",
    "split",
    "square-function",
    "sticky-note",
    "sun",
    "tag",
    "text-align-start",
    "trash-2",
    "triangle-alert",
    "undo-2",
    "user-check",
    "users",
    "webhook",
    "workflow",
    "x",
    "zap",
)
# What steps and triggers show as stands in their own files.
SPRITE = tuple(sorted({*ICONS, *icons()}))

MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    '<rect width="24" height="24" rx="7" fill="#2a53c9"/>'
    '<path d="M6 7h12v8.5h-6.5L8 18.5v-3H6z" fill="#fff"/>'
    '<path d="m9 11.2 2 2 4-4" fill="none" stroke="#2a53c9" stroke-width="1.8"/></svg>'
)

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
}


@dataclass(frozen=True)
class Asset:
    """One file as it is sent: plain, compressed, and the version that its address carries."""

    name: str
    body: bytes
    packed: bytes
    version: str

    @property
    def url(self) -> str:
        return f"/assets/{self.version}/{self.name}"


def asset(name: str) -> str:
    """The address of a file in `static/`; it changes when the content does."""
    if name not in ASSETS:
        raise LookupError(f'There is no asset "{name}". There are: {", ".join(sorted(ASSETS))}.')
    return ASSETS[name].url


def icon(name: str) -> Markup:
    """An icon for a template: decoration, always beside a word or in something with a label."""
    if name not in SPRITE:
        raise LookupError(f'The icon "{name}" is not in the sprite. Add it to ICONS in {__name__}.')
    return Markup('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        asset("icons.svg"), name
    )


def sprite(names: tuple[str, ...]) -> str:
    """All these icons as one SVG of symbols. A name that lucide does not know is an error."""
    with ZipFile(str(files("lucide") / "lucide.zip")) as drawings:
        known = set(drawings.namelist())
        if unknown := [name for name in names if f"{name}.svg" not in known]:
            raise LookupError(f"Lucide has no icon {', '.join(unknown)}: names change, look it up.")
        symbols = "".join(_symbol(name, drawings.read(f"{name}.svg").decode()) for name in names)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


def font() -> bytes | None:
    """Geist, or nothing where its package is not installed: pages then use the system's font."""
    try:
        return (files("fontpkg_geist") / "files" / "Geist[wght].ttf").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        return None


def build() -> Mapping[str, Asset]:
    """Every asset by name. All but the font share a version, so modules may import each other."""
    face = font()
    packed = {} if face is None else {"geist.ttf": _asset("geist.ttf", face, _digest(face))}
    sources = {str(path.relative_to(STATIC)): path.read_bytes() for path in _static_files()}
    sources["icons.svg"] = sprite(SPRITE).encode()
    sources["mark.svg"] = MARK.encode()
    if face is not None:
        sources["app.css"] = _font_face(packed["geist.ttf"].url) + sources["app.css"]
    version = _digest(b"".join(sources[name] for name in sorted(sources)))
    return packed | {name: _asset(name, body, version) for name, body in sources.items()}


def _static_files() -> list[Path]:
    return sorted(path for path in STATIC.rglob("*") if path.suffix in MEDIA_TYPES)


def _symbol(name: str, svg: str) -> str:
    drawing = re.sub(r"\s+", " ", svg[svg.index(">") + 1 : svg.rindex("</svg>")]).strip()
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>'
    )


def _font_face(url: str) -> bytes:
    return (
        f'@font-face{{font-family:Geist;src:url("{url}") format("truetype");'
        "font-weight:100 900;font-display:swap}"
    ).encode()


def _asset(name: str, body: bytes, version: str) -> Asset:
    return Asset(name, body, gzip.compress(body, 9, mtime=0), version)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:12]


ASSETS = build()

router = APIRouter(include_in_schema=False)


@router.get("/assets/{version}/{name:path}")
def serve(version: str, name: str, request: Request) -> Response:
    """A file, compressed where the browser takes it, for ever if its version is the current one."""
    found = ASSETS.get(name)
    if found is None:
        return Response(status_code=404)
    current = version == found.version
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
    body = found.packed if takes_gzip else found.body
    return Response(body, media_type=MEDIA_TYPES[Path(name).suffix], headers=headers)
