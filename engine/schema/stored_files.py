"""How documents tell of their files: the bytes go by their SHA-256, beside the name they had."""

import re
import unicodedata
from dataclasses import dataclass

LONGEST_NAME = 150
PLAIN = "application/octet-stream"
DIGEST = re.compile(r"[0-9a-f]{64}")
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message; `document` is the record that tells of it."""

    document: int | None
    name: str
    digest: str


@dataclass(frozen=True)
class AttachedFiles:
    """The files that a message is to carry, what is not there, and what must not leave."""

    files: tuple[Attachment, ...] = ()
    missing: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()


def named(file: str | None) -> tuple[str, str]:
    """The digest and the name in the field `file` of a document; "" for what was not attached."""
    digest, _, name = (file or "").partition("/")
    return (digest, clean(name)) if DIGEST.fullmatch(digest) else ("", "")


def clean(name: str) -> str:
    """The last part of a name, without what steers a folder, a header or the eye."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(
        sign for sign in last if unicodedata.category(sign)[0] not in "CZ" or sign == " "
    )
    bare = re.sub(r'[<>:"|?*]', "_", seen).strip(" .")
    stem, dot, ending = bare.rpartition(".")
    if len(bare) > LONGEST_NAME and dot and len(ending) < 20:
        return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"
    return bare[:LONGEST_NAME] or "file"


def known_mime(mime: str | None) -> str:
    """The kind of a file as it was told, if that is one at all."""
    told = (mime or "").partition(";")[0].strip().lower()
    return told if _MIME.fullmatch(told) else PLAIN
