"""Records as files for spreadsheets: exported and imported. Pages only."""

from collections.abc import Callable
from typing import BinaryIO, TextIO

from engine.records.csv_export import export_csv
from engine.records.csv_import import Imported, import_csv
from engine.records.csv_reading import Duplicates
from server.access.desk import Desk
from server.operations.modules import found


def export_records(desk: Desk, module: str, out: TextIO) -> None:
    """Write all records of a module that may be seen. Raises `Refused` and `Missing`."""
    desk.need("records:read")
    with desk.read() as tx:
        name = found(tx, module).name
    export_csv(desk.installation.database, name, out, view=desk.view)


def import_records(
    desk: Desk,
    module: str,
    file: BinaryIO,
    *,
    start_workflows: bool,
    duplicates: Duplicates,
    progress: Callable[[int, int], None],
) -> Imported:
    """Take in the records of a file, line by line. Raises `Refused` and `Invalid`."""
    may_import(desk, module)
    return import_csv(
        desk.installation.database,
        module,
        file,
        author=desk.author("import"),
        start_workflows=start_workflows,
        duplicates=duplicates,
        progress=progress,
        view=desk.view,
        changed=desk.installation.changed,
    )


def may_import(desk: Desk, module: str) -> None:
    """Raises `Refused` and `Missing` where whoever asks may not write records of this module."""
    desk.need("records:write")
    with desk.read() as tx:
        if found(tx, module).system:
            desk.need("people:write")
