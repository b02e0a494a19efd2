"""Records as files: export, and import, which goes on when its page is left."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from secrets import token_urlsafe
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile
from starlette.responses import Response

from engine.problems import Invalid, Problem
from engine.records.csv_import import Imported
from server.access.session import Posted, Signed, Visit, text
from server.operations.registry import missing
from server.operations.transfer import export_records, import_records, may_import
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.lists import choice
from server.pages.frame.page import go, page
from server.pages.frame.views import FormField, Link, Stat
from server.pages.records.routes import module_of
from server.pages.records.views import ImportRow, ImportView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
LARGEST = 25 * 1024 * 1024
PIECE = 65_536
KEPT, MOST_TOLD = 50, 200
KNOWN = (
    ("merge", "Fill in what the file says", "What the file leaves blank stays as it is."),
    ("overwrite", "Make them as the file says", "What the file leaves blank is emptied."),
    ("ignore", "Leave them alone", "Only new records are made."),
)


@dataclass
class Work:
    """One import, while it runs and after."""

    module: str
    owner: str
    file: str
    done: int = 0
    total: int = 0
    result: Imported | None = None
    error: str = ""
    key: str = field(default_factory=lambda: token_urlsafe(9))

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


@router.get("/records/{module}/export")
def export(visit: Signed, module: str) -> Response:
    """All records of a module as a file for spreadsheets."""
    out = StringIO()
    export_records(visit.desk, module, out)
    out.seek(0)
    named = {"Content-Disposition": f'attachment; filename="{module}.csv"'}
    headers = {**named, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(_pieces(out), headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/records/{module}/import")
def show_import(visit: Signed, module: str) -> Response:
    visit.desk.need("records:write")
    return _choose(visit, module)


@router.post("/records/{module}/import")
def load(request: Request, visit: Signed, module: str, form: Posted) -> Response:
    """Take the file, and show how far the work is."""
    visit.desk.need("records:write")
    given = form.get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        return _choose(visit, module, "Choose a file.")
    content = given.file.read(LARGEST + 1)
    if len(content) > LARGEST:
        return _choose(visit, module, "The file is larger than 25 MB. Split it.")
    may_import(visit.desk, module)
    work = Work(module, visit.name, given.filename)
    _works(request)[work.key] = work
    starts, known = text(form, "start") == "true", text(form, "duplicates")
    arguments = (visit, work, content, starts, known if known in dict(_pairs()) else "merge")
    threading.Thread(target=_import, args=arguments, daemon=True).start()
    return go(f"/records/{module}/import/{work.key}")


@router.get("/records/{module}/import/{key}")
def show_progress(request: Request, visit: Signed, module: str, key: str) -> Response:
    visit.desk.need("records:write")
    work = _works(request).get(key)
    if work is None or work.owner != visit.name or work.module != module:
        remedy = "Its records are in the list, as far as they were taken."
        raise missing("import", "this import is not known here any more.", remedy)
    if work.error:
        return _choose(visit, module, work.error)
    with visit.desk.read() as tx:
        home = module_of(tx, module)
        view = _progress(work, {"text": home.label, "href": f"/records/{module}"})
        return page(visit, tx, "import.html", view, title=f"Import {home.label}", here="records")


def _import(visit: Visit, work: Work, content: bytes, starts: bool, duplicates: Any) -> None:
    try:
        work.result = import_records(
            visit.desk,
            work.module,
            BytesIO(content),
            start_workflows=starts,
            duplicates=duplicates,
            progress=work.progress,
        )
    except Invalid as invalid:
        work.error = faults(invalid.problems)
    except Exception:
        work.error = "Sayso made a mistake and stopped. What was taken so far is in the list."
        raise


def _works(request: Request) -> dict[str, Work]:
    """The imports that this process knows of; the oldest are forgotten."""
    state = request.app.state
    if not hasattr(state, "imports"):
        state.imports = {}
    works: dict[str, Work] = state.imports
    for key in list(works)[:-KEPT]:
        works.pop(key, None)
    return works


def _choose(visit: Visit, module: str, error: str = "") -> Response:
    with visit.desk.read() as tx:
        home = module_of(tx, module)
        link: Link = {"text": home.label, "href": f"/records/{home.name}"}
        names = ", ".join(["number", *(each.name for each in home.fields if not each.computed)][:6])
        fields: list[FormField] = [
            _field("file", "CSV file", "file", help=f"Its first line names fields: {names} ..."),
            {
                **_field("duplicates", "Records that are there already (same number)", "radios"),
                "choices": [choice(v, label, v == "merge", help) for v, label, help in KNOWN],
            },
            _field("start", "Start workflows for what is imported", "switch",
                   help="Leave it off unless every record should be treated as if it were new."),
        ]  # fmt: skip
        view: ImportView = {
            "module": link, "stage": "choose", "fields": fields, "error": error,
            "file": "", "text": "", "done": 0, "total": 0, "stats": [], "problems": [],
            "live": "", "back": link,
        }  # fmt: skip
        status = 422 if error else 200
        title = f"Import {home.label}"
        return page(visit, tx, "import.html", view, title=title, here="records", status=status)


def _progress(work: Work, link: Link) -> ImportView:
    found = work.result
    problems = list(found.problems) if found else []
    return {
        "module": link,
        "stage": "working" if found is None else "done",
        "fields": [],
        "error": "",
        "file": work.file,
        "text": "Importing" if found is None else f"{work.file} is in",
        "done": work.done,
        "total": work.total,
        "stats": _stats(found) if found else [],
        "problems": [_line(row, problem) for row, problem in problems[:MOST_TOLD]],
        "live": f"/records/{work.module}/import/{work.key}",
        "back": {"text": f"See {link['text'].lower()}", "href": link["href"]},
    }


def _line(row: int, problem: Problem) -> ImportRow:
    return {"line": row, "text": faults([problem])}


def _stats(found: Imported) -> list[Stat]:
    counts = (("New", found.created), ("Changed", found.updated), ("Unchanged", found.unchanged),
              ("Faults", len(found.problems)))  # fmt: skip
    return [
        {
            "label": label,
            "text": f"{count:,}",
            "was": "",
            "tone": "warn" if label == "Faults" and count else "",
        }
        for label, count in counts
    ]


def _field(name: str, label: str, kind: Any, help: str = "") -> FormField:
    return {
        "name": name, "label": label, "kind": kind, "value": "", "choices": [], "help": help,
        "error": "", "required": kind == "file",
    }  # fmt: skip


def _pairs() -> list[tuple[str, str]]:
    return [(value, label) for value, label, _ in KNOWN]


def _pieces(out: StringIO) -> Iterator[str]:
    while piece := out.read(PIECE):
        yield piece
