"""What kind of file some bytes are: told by what they begin with, their name only completes it."""

import mimetypes

PLAIN = "application/octet-stream"
BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
)
# Formats that are such a container inside: only the name tells which.
OFFICE = ("application/vnd.", "application/msword", "application/epub+zip")
WORDS = ("text/plain", "text/csv", "text/xml", "application/xml", "application/json")


def media_type(name: str, data: bytes) -> str:
    """The type to send a file as. What its bytes do not bear out is just bytes."""
    named, packed = mimetypes.guess_type(name)
    named = PLAIN if named is None or packed else named
    begun = next((kind for start, kind in BEGINNINGS if data.startswith(start)), "")
    if begun in ("application/zip", "application/x-ole-storage"):
        inside = named.startswith(OFFICE) or named == "application/zip"
        return named if inside else PLAIN
    if begun:
        return begun
    return named if named in WORDS and _readable(data) else PLAIN


def _readable(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
