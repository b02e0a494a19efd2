"""The library of templates: what each says, how it reads for a record, and who uses it."""

import json
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.text_library import E_MAIL, PARTS, PDF, TEXT_MESSAGE, wording_of
from engine.schema.own_modules import TEMPLATES
from engine.templates.sms_length import told as length
from server.access.session import Posted, Signed, Visit
from server.operations.queries import Stored
from server.operations.queries import templates as library
from server.operations.queries.template_uses import Use, uses
from server.operations.template_preview import Template
from server.operations.templates import get_template, put_template
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.lists import filters, segment
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.views import Fact
from server.pages.templates.choices import language_word
from server.pages.templates.preview import preview
from server.pages.templates.views import (
    TemplateRow,
    TemplatesView,
    TemplateUse,
    TemplateView,
    WordingCard,
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HERE = "/templates"
FORM = f"/records/{TEMPLATES}"
LARGEST = 1_000_000
KINDS = (("", "All"), (E_MAIL, "E-mails"), (TEXT_MESSAGE, "Text messages"), (PDF, "PDFs"))
TITLES = {"subject": "Subject", "body": "Text", "html": "HTML"}
SAID = {
    "live": "sends it",
    "review": "waits for approval of what it says now",
    "behind": "says what it said before, until a new version is approved",
}


@router.get(HERE)
def show_templates(visit: Signed) -> Response:
    return _library(visit)


@router.post(f"{HERE}/upload")
def take_in(visit: Signed, form: Posted) -> Response:
    """Take in a shared template; languages it does not have stay as they are."""
    visit.desk.need("workflows:write")
    given = form.get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        return _library(visit, "Choose a file.")
    content = given.file.read(LARGEST + 1)
    if len(content) > LARGEST:
        return _library(visit, "The file is larger than 1 MB: it is no template.")
    try:
        name = put_template(visit.desk, json.loads(content))["template"]
    except (UnicodeDecodeError, json.JSONDecodeError):
        return _library(visit, "This is no JSON file. Choose one that was downloaded from here.")
    except Invalid as invalid:
        return _library(visit, faults(invalid.problems))
    with visit.desk.read() as tx:
        id = library.called(tx, name)[0].id
    return go(f"{HERE}/{id}", f"“{name}” is in the library.")


@router.get(f"{HERE}/{{template:int}}")
def show_template(visit: Signed, template: int) -> Response:
    """One template in all its languages. `template` is the id of any of its records."""
    visit.desk.need("workflows:read")
    visit.desk.need("records:read")
    with visit.desk.read() as tx:
        rows = library.one(tx, template)
        names, used = Names(tx), uses(tx).get(rows[0].name, [])
        whole = Template(rows[0].name, _kind(rows[0]), tuple(wording_of(row) for row in rows))
        used_by = [_use(each, each.stands(whole.wordings)) for each in used]
        may_write = visit.desk.may("records:write")
        view: TemplateView = {
            "name": whole.name,
            "kind": whole.kind,
            "description": rows[0].description or "",
            "changed": moment(tx, max(row.modified_at for row in rows)),
            "changed_by": names.person(_newest(rows).modified_by),
            "download": f"{HERE}/{template}/download",
            "behind": [each for each in used_by if each["said"] != SAID["live"]],
            "preview": preview(visit, names, whole, used),
            "wordings": [_card(row, whole, may_write=may_write) for row in rows],
            "used_by": used_by,
            "live": str(visit.request.url.path),
        }
        return page(visit, tx, "template.html", view, title=whole.name, here="templates")


@router.get(f"{HERE}/{{template:int}}/download")
def download(visit: Signed, template: int) -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        name = library.one(tx, template)[0].name
    document = json.dumps(get_template(visit.desk, name)["template"], indent=2, ensure_ascii=False)
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name)
    named = {"Content-Disposition": f'attachment; filename="{plain}.json"'}
    headers = {**named, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(document, headers=headers, media_type="application/json")


def _library(visit: Visit, error: str = "") -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        found, names, used = library.every(tx), Names(tx), uses(tx)
        pick = segment("kind", "Kind", KINDS, visit.asked("kind"))
        view: TemplatesView = {
            "filters": filters(visit, "templates", "Name or text", pick),
            "rows": [
                _row(names, rows, used.get(name, []))
                for name, rows in sorted(found.items(), key=lambda each: each[0].casefold())
                if _asked(visit, rows)
            ],
            "new": f"{FORM}/new" if visit.desk.may("records:write") else "",
            "load": f"{HERE}/upload" if visit.desk.may("workflows:write") else "",
            "error": error,
        }
        status = 422 if error else 200
        title = "Templates"
        return page(visit, tx, "templates.html", view, title=title, here="templates", status=status)


def _asked(visit: Visit, rows: Sequence[Stored]) -> bool:
    kind, words = visit.asked("kind"), visit.asked("q").casefold()
    said = " ".join(str(row._mapping[part] or "") for row in rows for part in ("name", *PARTS))
    return words in said.casefold() and (not kind or _kind(rows[0]) == kind)


def _kind(row: Stored) -> str:
    return str(row.kind or E_MAIL)


def _newest(rows: Sequence[Stored]) -> Stored:
    return max(rows, key=lambda row: row.modified_at)


def _row(names: Names, rows: Sequence[Stored], used: list[Use]) -> TemplateRow:
    several = len(rows) > 1
    return {
        "name": rows[0].name,
        "href": f"{HERE}/{rows[0].id}",
        "description": rows[0].description or "",
        "kind": _kind(rows[0]),
        "languages": ", ".join(language_word(row.language, several=several) for row in rows),
        "length": _length(rows[0]),
        "used_by": [{"text": each.name, "href": f"/workflows/{each.workflow}"} for each in used],
        "changed": moment(names.tx, _newest(rows).modified_at),
        "changed_by": names.person(_newest(rows).modified_by),
    }


def _length(row: Stored) -> str:
    return length(row.body or "") if _kind(row) == TEXT_MESSAGE else ""


def _use(use: Use, stands: str) -> TemplateUse:
    return {
        "workflow": {"text": use.name, "href": f"/workflows/{use.workflow}"},
        "review": {"text": f"Review version {use.version}", "href": f"/reviews/{use.review}"}
        if use.review and stands != "live"
        else None,
        "said": SAID[stands],
    }


def _card(row: Stored, whole: Template, *, may_write: bool) -> WordingCard:
    parts: list[Fact] = [
        {"label": TITLES[part], "text": row._mapping[part], "href": ""}
        for part in PARTS
        if row._mapping[part]
    ]
    return {
        "title": language_word(row.language, several=len(whole.wordings) > 1),
        "length": _length(row),
        "edit": f"{FORM}/{row.id}/edit" if may_write else "",
        "parts": parts,
    }
