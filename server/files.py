"""Files of records, for the pages and for REST: taken in, listed, and handed out unopened."""

from sqlalchemy import Text, cast, or_, select
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, Response

from engine import attachments
from engine.attachments import HOME
from engine.modules import Module
from engine.problems import refuse
from engine.records import Saved
from engine.tables import EVENTS
from engine.transaction import Transaction
from server.doors import LARGEST, Desk, Ref, missing
from server.operations import shapes
from server.operations.modules import found

# A file is what somebody sent: it is saved, never shown, and may do nothing where it is opened.
UNOPENED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


def take(desk: Desk, module: str, record: Ref, form: FormData) -> Saved:
    """Attach the file of a form to a record. Raises `Refused` and `Invalid`."""
    desk.need("records:write")
    house = desk.house
    with desk.begin() as tx:
        home = found(tx, module)
        if home.system:
            desk.need("people:write")
        id = shapes.id_of(tx, home, record)
        given = form.get("file")
        if not isinstance(given, UploadFile) or not given.filename:
            raise refuse("file", "there is no file.", "Choose a file, then attach it.")
        saved = attachments.attach(
            tx,
            desk.author(),
            house.settings.data_dir,
            f"{home.name}/{id}",
            given.filename,
            given.content_type or "",
            given.file,
        )
    house.changed()
    return saved


def hand_out(desk: Desk, document: int) -> Response:
    """The file of a document, to be saved. Raises `Refused` and `Missing`."""
    desk.need("records:read")
    with desk.read() as tx:
        digest, name, mime = _told(tx, document)
    path = attachments.path_of(desk.house.settings.data_dir, digest)
    if not path.is_file():
        raise missing("file", f"the file {name} is not in the data folder.", "Attach it again.")
    return FileResponse(path, filename=name, headers={**UNOPENED, "Content-Type": mime})


def _told(tx: Transaction, document: int) -> tuple[str, str, str]:
    """Digest, name and kind of a file; a record that is hidden hides its files."""
    unknown = missing("document", f"there is no file {document}.", "It may have been deleted.")
    if document > LARGEST or not attachments.takes_files(tx.schema):
        raise unknown
    table = tx.schema.tables[HOME]
    here = select(table).where(table.c.id == document, table.c.deleted_at.is_(None))
    row = tx.db.execute(here).mappings().first()
    if row is None:
        raise unknown
    digest, name = attachments.named(row["file"])
    if not digest or _abouts(tx, digest) - set(tx.schema.modules):
        raise unknown
    return digest, name, attachments.known_mime(row["mime"])


def _abouts(tx: Transaction, digest: str) -> set[str]:
    """The modules whose records these bytes belong to or ever did: no edit uncovers a file."""
    table = tx.schema.tables[HOME]
    ours = EVENTS.c.module == HOME
    held = select(EVENTS.c.record).where(ours, cast(EVENTS.c.changes, Text).contains(digest))
    holds = table.c.file.startswith(f"{digest}/")
    rows = tx.db.execute(select(table.c.id, table.c.record).where(or_(holds, table.c.id.in_(held))))
    found = rows.all()
    past = select(EVENTS.c.changes).where(ours, EVENTS.c.record.in_([row.id for row in found]))
    keys = [row.record for row in found]
    for changes in tx.db.scalars(past):
        keys += (changes or {}).get("record", [])
    return {str(key).partition("/")[0] for key in keys if key}


def files_of(desk: Desk, tx: Transaction, module: Module, id: int) -> list[tuple[int, str, int]]:
    """Document, name and size of every file of a record, the newest first."""
    table = tx.schema.tables[HOME]
    mine = table.c.record == f"{module.name}/{id}"
    if module.name == HOME:
        mine = or_(mine, table.c.id == id)
    query = select(table.c.id, table.c.file).where(mine, table.c.deleted_at.is_(None))
    rows = tx.db.execute(query.order_by(table.c.id.desc())).all()
    told = [(row.id, *attachments.named(row.file)) for row in rows]
    folder = desk.house.settings.data_dir
    paths = [(id, name, attachments.path_of(folder, d)) for id, d, name in told if d]
    return [(id, name, path.stat().st_size) for id, name, path in paths if path.is_file()]
