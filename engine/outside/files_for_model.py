"""Files as a model reads them: their words, or pictures and scans as they are."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.outside.media import media_type
from engine.outside.subprocesses import TooMuch, run_isolated
from engine.schema.stored_files import Attachment

Block = dict[str, Any]
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
MOST_FILES, MOST_SIGNS, MOST_OF_ONE = 5, 60_000, 20_000
LARGEST_PICTURE, LARGEST_SCAN = 5 << 20, 10 << 20
FEW = 20  # what a PDF of pictures alone has of words: page numbers, at most


@dataclass
class Shown:
    """What goes to the model of some files, and what of them does not, with why."""

    blocks: list[Block] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    left: int = MOST_SIGNS


def shown(files: Iterable[Attachment], read: Callable[[str], bytes], *, whole: bool) -> Shown:
    """Each file as words where it has any; as a picture or a scan only if `whole` can be read.

    A service that merely speaks like Claude's may drop what it cannot read, without a word.
    """
    found = Shown()
    for place, file in enumerate(files):
        if place >= MOST_FILES:
            found.left_out.append(f"{file.name} (more than {MOST_FILES} files)")
            continue
        try:
            _show(file, read(file.digest), found, whole)
        except OSError:
            found.left_out.append(f"{file.name} (the file is gone)")
    return found


def _show(file: Attachment, data: bytes, found: Shown, whole: bool) -> None:
    kind = media_type(file.name, data)
    words = _words(kind, data)
    if len(words) > FEW or (words and kind != "application/pdf"):
        taken = words[: min(MOST_OF_ONE, found.left)]
        found.left -= len(taken)
        found.blocks.append(_text(file.name, taken))
    elif kind not in (*PICTURES, "application/pdf"):
        found.left_out.append(f"{file.name} (neither text, PDF nor picture)")
    elif not whole:
        found.left_out.append(f"{file.name} (a picture, which this model's service cannot read)")
    elif len(data) > (LARGEST_PICTURE if kind in PICTURES else LARGEST_SCAN):
        found.left_out.append(f"{file.name} (too large)")
    else:
        found.blocks.append(_text(file.name, "(follows)"))
        found.blocks.append(_picture(kind, data))


def _words(kind: str, data: bytes) -> str:
    """The text of a file; "" if there is none in it, or it cannot be got out."""
    if kind == "application/pdf":
        try:
            return run_isolated("read_pdf", data).decode().strip()
        except TooMuch:
            return ""
    return data.decode().strip() if kind.startswith(("text/", "application/json")) else ""


def _text(name: str, words: str) -> Block:
    bare = words.replace("</document>", "")
    title = name.replace('"', "'")
    return {"type": "text", "text": f'<document name="{title}">\n{bare}\n</document>'}


def _picture(kind: str, data: bytes) -> Block:
    source = {"type": "base64", "media_type": kind, "data": b64encode(data).decode()}
    return {"type": "image" if kind in PICTURES else "document", "source": source}
