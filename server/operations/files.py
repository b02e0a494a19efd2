"""Files of records, for the pages and for REST: taken in, listed, and handed out unopened."""

from typing import Any

from sqlalchemy import or_, select
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, Response
from typing_extensions import TypedDict

from engine.problems import refuse
from engine.records import attachments
from engine.records.transaction import Transaction
from engine.records.writer import Saved
from engine.runs.message_attachments import homes
from engine.schema.modules import Module
from engine.schema.own_modules import DOCUMENTS
from engine.schema.stored_files import PLAIN, known_mime, named
from server.access.desk import Desk
from server.operations import answers
from server.operations.modules import found
from server.operations.registry import LARGEST, Ref, missing

# A file is what somebody sent: it is saved, never shown, and may do nothing where it is opened.
UNOPENED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


class AttachedFile(TypedDict):
    """The document of a file that was attached, and where its bytes are."""

    id: int
    number: str
    file: str


def take(desk: Desk, module: str, record: Ref, form: FormData) -> Saved:
    """Attach the file of a form to a record. Raises `Refused` and `Invalid`."""
    desk.need("records:write")
    installation = desk.installation
    with desk.begin() as tx:
        home = found(tx, module)
        if home.system:
            desk.need("people:write")
        id = answers.id_of(tx, home, record)
        given = form.get("file")
        if not isinstance(given, UploadFile) or not given.filename:
            raise refuse("file", "there is no file.", "Choose a file, then attach it.")
        saved = attachments.attach(
            tx,
            desk.author(),
            installation.settings.data_dir,
            f"{home.name}/{id}",
            given.filename,
            given.content_type or "",
            given.file,
        )
    installation.changed()
    return saved


def hand_out(desk: Desk, document: int) -> Response:
    """The file of a document, to be saved. Raises `Refused` and `Missing`."""
    desk.need("records:read")
    with desk.read() as tx:
        digest, name, mime = _told(tx, document)
    return _handed(desk, digest, name, mime)


def hand_out_sent(desk: Desk, mail: int, place: int) -> Response:
    """A file as it went with a mail, whatever its document holds now. Raises like `hand_out`."""
    desk.need("records:read")
    unknown = missing("mail", f"there is no such file with mail {mail}.", "Look at the mail.")
    with desk.read() as tx:
        emails = tx.schema.tables["emails"]
        here = (emails.c.id == min(mail, LARGEST), emails.c.deleted_at.is_(None))
        carried = tx.db.scalar(select(emails.c.attachments).where(*here)) or []
        if not isinstance(carried, list) or not 0 < place <= len(carried):
            raise unknown
        digest, name = carried_file(carried[place - 1])
        if not digest or homes(tx, digest) - set(tx.schema.modules):
            raise unknown
    return _handed(desk, digest, name, PLAIN)


def _handed(desk: Desk, digest: str, name: str, mime: str) -> Response:
    path = attachments.path_of(desk.installation.settings.data_dir, digest)
    if not path.is_file():
        raise missing("file", f"the file {name} is not in the data folder.", "Attach it again.")
    return FileResponse(path, filename=name, headers={**UNOPENED, "Content-Type": mime})


def carried_file(told: Any) -> tuple[str, str]:
    """The digest and the name of a file as a mail tells of it; "" for what is no file."""
    given = told if isinstance(told, dict) else {}
    return named(f"{given.get('digest')}/{given.get('name')}")


def size_of(desk: Desk, digest: str) -> int | None:
    """How many bytes a kept file has; None if it is gone."""
    path = attachments.path_of(desk.installation.settings.data_dir, digest)
    return path.stat().st_size if path.is_file() else None


def _told(tx: Transaction, document: int) -> tuple[str, str, str]:
    """Digest, name and kind of a file; a record that is hidden hides its files."""
    unknown = missing("document", f"there is no file {document}.", "It may have been deleted.")
    if document > LARGEST or not attachments.takes_files(tx.schema):
        raise unknown
    table = tx.schema.tables[DOCUMENTS]
    here = select(table).where(table.c.id == document, table.c.deleted_at.is_(None))
    row = tx.db.execute(here).mappings().first()
    if row is None:
        raise unknown
    digest, name = named(row["file"])
    if not digest or homes(tx, digest) - set(tx.schema.modules):
        raise unknown
    return digest, name, known_mime(row["mime"])


def files_of(desk: Desk, tx: Transaction, module: Module, id: int) -> list[tuple[int, str, int]]:
    """Document, name and size of every file of a record, the newest first."""
    table = tx.schema.tables[DOCUMENTS]
    mine = table.c.record == f"{module.name}/{id}"
    if module.name == DOCUMENTS:
        mine = or_(mine, table.c.id == id)
    query = select(table.c.id, table.c.file).where(mine, table.c.deleted_at.is_(None))
    rows = tx.db.execute(query.order_by(table.c.id.desc())).all()
    told = [(row.id, *named(row.file)) for row in rows]
    folder = desk.installation.settings.data_dir
    paths = [(id, name, attachments.path_of(folder, d)) for id, d, name in told if d]
    return [(id, name, path.stat().st_size) for id, name, path in paths if path.is_file()]
