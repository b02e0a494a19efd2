"""Files that belong to records: their bytes in the data folder, their names in Documents."""

import os
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from engine.modules import Schema
from engine.problems import refuse
from engine.records import Author, Records, Saved
from engine.transaction import Transaction

HOME = "documents"
LARGEST = 25 * 1024 * 1024
LONGEST_NAME = 150
PLAIN = "application/octet-stream"
_PIECE = 65_536
_NEEDED = {"title": "text", "file": "file", "mime": "text", "record": "record"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True)
class Kept:
    """Bytes that are in the data folder: the SHA-256 they go by, and how many they are."""

    digest: str
    size: int


def keep(folder: Path, stream: BinaryIO) -> Kept:
    """Write the bytes under their SHA-256, whole or not at all. Raises `Invalid`."""
    home = folder / "files"
    home.mkdir(parents=True, exist_ok=True)
    seen, size = sha256(), 0
    with NamedTemporaryFile(dir=home, prefix="coming-", delete=False) as coming:
        try:
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > LARGEST:
                    raise refuse(
                        "file",
                        f"the file is larger than {LARGEST // 1024**2} MB.",
                        "Attach a smaller one, or split it.",
                    )
                seen.update(piece)
                coming.write(piece)
            coming.flush()
            os.fsync(coming.fileno())
            kept = path_of(folder, seen.hexdigest())
            kept.parent.mkdir(exist_ok=True)
            Path(coming.name).replace(kept)
        except BaseException:
            Path(coming.name).unlink(missing_ok=True)
            raise
    return Kept(seen.hexdigest(), size)


def path_of(folder: Path, digest: str) -> Path:
    """Where the bytes of this SHA-256 are. Raises `Invalid` for what is none."""
    if not _DIGEST.fullmatch(digest):
        raise refuse("file", "this does not name a file that was attached.", "Attach it again.")
    return folder / "files" / digest[:2] / digest


def attach(
    tx: Transaction,
    author: Author,
    folder: Path,
    record_key: str,
    name: str,
    mime: str,
    stream: BinaryIO,
) -> Saved:
    """Keep a file, and make the document that ties it to a record like `invoices/12`.

    Raises `Invalid`; nothing is kept of a file for a record that is not there.
    """
    if not takes_files(tx.schema):
        told = "there is no module Documents that could hold a file."
        raise refuse("file", told, "Add it, with its fields title, file, mime and record.")
    module, _, id = record_key.partition("/")
    records = Records(tx, author)
    if module not in tx.schema.modules or not id.isdecimal():
        raise refuse("record", f"there is no record `{record_key}`.", "Write module/id.")
    records.row(tx.schema.module(module), int(id))
    called = clean(name)
    kept = keep(folder, stream)
    values = {
        "title": called,
        "file": f"{kept.digest}/{called}",
        "mime": known_mime(mime),
        "record": record_key,
    }
    return records.create(HOME, values)


def takes_files(schema: Schema) -> bool:
    """Whether there is a module of documents that can tell of a file."""
    fields = schema.modules[HOME].by_name if HOME in schema.modules else {}
    return all(name in fields and fields[name].type == kind for name, kind in _NEEDED.items())


def named(file: str | None) -> tuple[str, str]:
    """The digest and the name in the field `file` of a document; "" for what was not attached."""
    digest, _, name = (file or "").partition("/")
    return (digest, clean(name)) if _DIGEST.fullmatch(digest) else ("", "")


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
