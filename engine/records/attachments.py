"""Files that belong to records: their bytes in the data folder, their names in Documents."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from engine.problems import refuse
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records, Saved
from engine.schema.modules import Schema
from engine.schema.own_modules import DOCUMENTS
from engine.schema.stored_files import DIGEST, clean, known_mime

LARGEST = 25 * 1024 * 1024
_PIECE = 65_536
_NEEDED = {"title": "text", "file": "file", "mime": "text", "record": "record"}


@dataclass(frozen=True)
class StoredFile:
    """Bytes that are in the data folder: the SHA-256 they go by, and how many they are."""

    digest: str
    size: int


def keep(folder: Path, stream: BinaryIO) -> StoredFile:
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
    return StoredFile(seen.hexdigest(), size)


def path_of(folder: Path, digest: str) -> Path:
    """Where the bytes of this SHA-256 are. Raises `Invalid` for what is none."""
    if not DIGEST.fullmatch(digest):
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
    return records.create(DOCUMENTS, values)


def takes_files(schema: Schema) -> bool:
    """Whether there is a module of documents that can tell of a file."""
    fields = schema.modules[DOCUMENTS].by_name if DOCUMENTS in schema.modules else {}
    return all(name in fields and fields[name].type == kind for name, kind in _NEEDED.items())
