"""One record as its page shows it: fields, what belongs to it, its runs, every change."""

from typing import Any

from engine.records.attachments import takes_files
from engine.records.reader import name_of
from engine.records.text_library import TEXT_MESSAGE
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import KEPT_BY_US, Module
from engine.schema.own_modules import DOCUMENTS, TEMPLATES, TEXT_MESSAGES
from engine.templates.sms_length import told as told_length
from server.access.session import Visit
from server.operations.files import files_of
from server.operations.queries import Stored, records, runs
from server.operations.queries.runs import Wanted
from server.pages.frame.field_values import changed, told
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.rows import number, run_rows
from server.pages.frame.views import Action, Link, Way
from server.pages.records.views import (
    Cell,
    FieldGroup,
    FieldValue,
    FilesCard,
    RecordRow,
    RecordView,
    Related,
    Save,
)

LONG = ("longtext", "richtext", "json")
FEW, STORY, RUNS_SHOWN = 5, 50, 10
RANKED = ("picklist", "date", "money", "text", "reference", "email")
SOURCES = {
    "import": "by an import",
    "api": "by a program",
    "sync": "by a sync",
    "form": "by a form",
}


def record_view(visit: Visit, tx: Transaction, module: Module, id: int) -> RecordView:
    """The page of one record. Raises `Missing`."""
    row = records.whole(tx, module, id)
    names = Names(tx)
    name, may_write = name_of(module, row), visit.desk.may("records:write")
    newest = runs.newest(tx, Wanted(record=(module.name, id)), RUNS_SHOWN)
    here = f"/records/{module.name}/{id}"
    return {
        "number": str(row["number"]),
        "name": name if name != row["number"] else names.record(module.name, id)[1],
        "module": {"text": module.label, "href": f"/records/{module.name}"},
        "meta": [*_meta(tx, names, row), *_length(module, row)],
        "tag": _tag(module, row),
        "edit": f"{here}/edit" if may_write else "",
        "ways": _ways(visit, module, id),
        "actions": [_delete(here, str(row["number"]))] if may_write else [],
        "groups": _groups(names, module, row),
        "related": [
            _related(names, child, field, count, records.reference(field, module, id))
            for child, field, count in records.referring(tx, module, id)
            if child.name != DOCUMENTS or field.type != "record"  # they have a place of their own
        ],
        "files": _files(visit, tx, module, id) if takes_files(tx.schema) else None,
        "runs": run_rows(names, newest) if visit.desk.may("runs:read") else [],
        "history": _history(names, module, id),
    }


def _meta(tx: Transaction, names: Names, row: Any) -> list[str]:
    owner = [f"owner {names.person(row['owner'])}"] if row["owner"] else []
    return [*owner, f"changed {moment(tx, row['modified_at'])['ago']}"]


def _length(module: Module, row: Any) -> list[str]:
    """How many parts a text message, or what a template of one says, is sent in."""
    if module.name == TEXT_MESSAGES:
        return [told_length(row["text"] or "")]
    is_text = module.name == TEMPLATES and row["kind"] == TEXT_MESSAGE
    return [told_length(row["body"] or "")] if is_text else []


def _tag(module: Module, row: Any) -> Any:
    """Where the record stands, if it has such a field."""
    for name in ("status", "stage", "state"):
        if name in module.by_name and row[name]:
            return {"text": str(row[name]), "tone": "info"}
    return None


def _ways(visit: Visit, module: Module, id: int) -> list[Way]:
    """Other pages about the record."""
    reads: Way = {"label": "Preview", "icon": "eye", "href": f"/templates/{id}"}
    why: Way = {
        "label": "Why?",
        "icon": "circle-question-mark",
        "href": f"/records/{module.name}/{id}/why",
    }
    ways = [reads] if module.name == TEMPLATES else []
    return [*ways, why] if visit.desk.may("runs:read") else ways


def _delete(here: str, number: str) -> Action:
    return {
        "label": "Delete", "icon": "trash-2", "href": f"{here}/delete", "tone": "danger",
        "confirm": f"Delete {number}? It leaves every list; its history stays.",
    }  # fmt: skip


def _groups(names: Names, module: Module, row: Any) -> list[FieldGroup]:
    own = [_value(names, field, row) for field in module.fields]
    kept = [
        _value(names, field, row)
        for name, field in module.by_name.items()
        if name in KEPT_BY_US | {"owner", "tags"} and name != "id"
    ]
    return [
        {"label": module.singular, "fields": own},
        {"label": "Set by Sayso", "fields": kept},
    ]


def _value(names: Names, field: Field, row: Any) -> FieldValue:
    link = told(field, row[field.name], names, str(row.get("currency") or ""))
    long = field.type in LONG or len(link["text"]) > 120
    return {
        "label": field.title,
        "text": link["text"],
        "href": link["href"],
        "long": long,
        "computed": field.computed,
    }


def _related(names: Names, child: Module, field: Field, count: int, leads_to: str) -> Related:
    """The newest records that refer to this one through one field."""
    columns = _columns(child, field)
    wanted = records.Wanted(equal={field.name: leads_to})
    rows: list[RecordRow] = [
        {
            "id": str(row["id"]),
            "number": str(row["number"]),
            "href": f"/records/{child.name}/{row['id']}",
            "cells": [_cell(told(each, row[each.name], names)) for each in columns],
        }
        for row in records.listed(names.tx, child, columns, wanted, FEW)
    ]
    told_by = (
        f" (as {field.title.lower()})" if len(child.references(field.module or "")) > 1 else ""
    )
    more = f"/records/{child.name}?{field.name}={leads_to}" if count > FEW else ""
    return {"label": f"{child.label}{told_by}", "count": count, "rows": rows, "more": more}


def _files(visit: Visit, tx: Transaction, module: Module, id: int) -> FilesCard:
    may_attach = visit.desk.may("people:write" if module.system else "records:write")
    return {
        "files": [
            {"name": name, "size": _bytes(size), "href": f"/files/{document}"}
            for document, name, size in files_of(visit.desk, tx, module, id)
        ],
        "attach": f"/records/{module.name}/{id}/files" if may_attach else "",
        "field": {
            "name": "file", "label": "Attach a file", "kind": "file", "value": "", "choices": [],
            "help": "At most 25 MB.", "error": "", "required": True,
        },
    }  # fmt: skip


def _bytes(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:,.0f} kB" if size < 1024**2 else f"{size / 1024**2:,.1f} MB"


def _columns(child: Module, but: Field) -> list[Field]:
    """What tells most in a short line: the name, where it stands, when, how much."""
    named = [child.by_name[child.name_field]] if child.name_field != "number" else []
    ranked = [f for kind in RANKED for f in child.fields if f.type == kind and f is not but]
    return list({field.name: field for field in [*named, *ranked]}.values())[:3]


def _cell(link: Link) -> Cell:
    text = link["text"] if len(link["text"]) < 70 else f"{link['text'][:68]}…"
    return {"text": text, "href": link["href"], "tone": "", "tag": False}


def _history(names: Names, module: Module, id: int) -> list[Save]:
    rows = records.timeline(names.tx, module, id, STORY)
    return [
        _save(names, module, row)
        if row.module == module.name and row.record == id
        else _made(names, row)
        for row in rows
    ]


def _made(names: Names, row: Stored) -> Save:
    """Who made something about the record."""
    module = names.tx.schema.module(row.module)
    link, about = names.record(row.module, row.record)
    said = _save(names, module, row)
    did = f"made the {module.singular.lower()}"
    return {**said, "did": did, "made": link, "about": about, "fields": []}


def _save(names: Names, module: Module, row: Stored) -> Save:
    """Who made one change: a person, a token, or a workflow in one of its runs."""
    did = {"created": "made it", "deleted": "deleted it"}.get(row.kind, "changed it")
    means = f"with the token “{row.token}”" if row.token else SOURCES.get(row.source, "")
    by: Link | None = None
    if row.run:
        _, version = runs.origin(names.tx, row.run) or (None, None)
        by = {"text": f"{number(row.run)}, version {version}", "href": f"/runs/{row.run}"}
    return {
        "who": names.workflow(row.workflow) if row.workflow else names.person(row.actor),
        "by": by,
        "when": moment(names.tx, row.at),
        "did": f"{did} {means}".strip(),
        "made": None,
        "about": "",
        "fields": changed(module, row.changes, names, born=row.kind == "created"),
    }
