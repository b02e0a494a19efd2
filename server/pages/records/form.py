"""The form of a record: to make one, to change one; and deleting."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from engine.problems import Invalid, Problem
from engine.records.transaction import Transaction
from engine.schema.english import count
from engine.schema.fields import Field
from engine.schema.modules import Module
from engine.schema.own_modules import TEMPLATES
from server.access.session import Posted, Signed, Visit, text, texts
from server.operations.queries import records
from server.operations.records import delete_record, write_record
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults
from server.pages.frame.lists import choice
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.views import FormField, FormView
from server.pages.records.routes import module_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
CONTROLS: dict[str, Any] = {
    "longtext": "longtext", "number": "number", "bool": "switch", "date": "date",
    "datetime": "datetime-local", "email": "email", "url": "url", "choice": "select",
    "choices": "checks", "owner": "select", "reference": "text",
}  # fmt: skip
FEW = 100
NOT_ASKED = {"number", "locked"}
STALE = "Somebody changed it since you opened this form. Check the values, then save again."


@router.get("/records/{module}/new")
def show_new(visit: Signed, module: str) -> Response:
    visit.desk.need("records:write")
    return _form(visit, module, None)


@router.post("/records/{module}/new")
def create(visit: Signed, module: str, form: Posted) -> Response:
    return _save(visit, module, None, form)


@router.get("/records/{module}/{record:int}/edit")
def show_edit(visit: Signed, module: str, record: int) -> Response:
    visit.desk.need("records:write")
    return _form(visit, module, record)


@router.post("/records/{module}/{record:int}/edit")
def change(visit: Signed, module: str, record: int, form: Posted) -> Response:
    return _save(visit, module, record, form)


@router.post("/records/{module}/{record:int}/delete")
def delete(visit: Signed, module: str, record: int) -> Response:
    visit.desk.need("records:write")
    try:
        delete_record(visit.desk, module, record)
    except Invalid as invalid:
        return go(f"/records/{module}/{record}", faults(invalid.problems), "bad")
    visit.installation.changed()
    return go(f"/records/{module}", "Deleted. Its history stays.")


def _save(visit: Visit, module: str, record: int | None, form: FormData) -> Response:
    """Keep what the form says, or show it again with what is wrong; nothing typed is lost."""
    visit.desk.need("records:write")
    with visit.desk.read() as tx:
        home = module_of(tx, module)
        values = {field.name: _answer(tx, field, form) for field in _asked(home)}
        stale = record is not None and text(form, "revision") != _revision(tx, home, record)
    if stale:
        return _form(visit, module, record, form, error=STALE, status=409)
    try:
        saved = write_record(visit.desk, module, values, record)
    except Invalid as invalid:
        return _form(visit, module, record, form, invalid.problems, status=422)
    visit.installation.changed()
    runs = len(saved.get("started") or ())
    started = f" {count(runs, 'workflow')} started." if runs else ""
    place = "/templates" if home.name == TEMPLATES else f"/records/{home.name}"
    return go(f"{place}/{saved['id']}", f"Saved.{started}")


def _asked(module: Module) -> list[Field]:
    """The fields of the form: the module's own first, then those that every record has."""
    asked = [field for field in module.writable if field.name not in NOT_ASKED]
    return sorted(asked, key=lambda field: field.builtin)


def _revision(tx: Transaction, module: Module, record: int) -> str:
    return str(records.revision(tx, module, record))


def _answer(tx: Transaction, field: Field, form: FormData) -> Any:
    """What was typed, as the record takes it."""
    if field.type == "bool":
        return text(form, field.name) == "true"
    if field.type == "multipicklist" and field.options:
        return texts(form, field.name)
    return text(form, field.name) or None


def _form(
    visit: Visit,
    module: str,
    record: int | None,
    typed: FormData | None = None,
    problems: tuple[Problem, ...] = (),
    error: str = "",
    status: int = 200,
) -> Response:
    with visit.desk.read() as tx:
        home = module_of(tx, module)
        row = records.whole(tx, home, record) if record is not None else None
        names = Names(tx)
        wrong = {problem.path.removeprefix("values."): problem for problem in problems}
        fields = [_field(names, field, row, typed, wrong) for field in _asked(home)]
        title = f"Edit {row['number']}" if row else f"New {home.singular.lower()}"
        here = f"/records/{home.name}"
        back = {"text": str(row["number"]), "href": f"{here}/{record}"} if row else None
        rest = [problem for name, problem in wrong.items() if name not in home.by_name]
        view: FormView = {
            "title": title,
            "back": back or {"text": home.label, "href": here},  # type: ignore[typeddict-item]  # a Link, which mypy widens to dict
            "action": f"{here}/{record}/edit" if row else f"{here}/new",
            "submit": "Save",
            "fields": fields if record is None else [*fields, _revised(tx, home, record)],
            "error": error or faults(rest) or ("Some answers need a look." if wrong else ""),
        }
        return page(visit, tx, "form.html", view, title=title, here="records", status=status)


def _field(
    names: Names, field: Field, row: Any, typed: FormData | None, wrong: dict[str, Problem]
) -> FormField:
    value = _typed(field, typed) if typed is not None else _kept(names, field, row)
    problem = wrong.get(field.name)
    kind, choices, help = _control(names, field, value)
    return {
        "name": field.name,
        "label": field.title,
        "kind": kind,
        "value": value,
        "choices": choices,
        "help": field.help or help,
        "error": faults([problem]) if problem else "",
        "required": field.required,
    }


def _control(names: Names, field: Field, value: str) -> tuple[Any, list[Any], str]:
    """The control for a field, its choices, and what to type where that is not plain."""
    kind = CONTROLS.get(field.kept.widget, "text")
    empty = [] if field.required else [("", "(none)")]
    match kind:
        case "select" if field.type == "owner":
            people = [(handle, names.person(handle)) for handle in sorted(names.tx.handles)]
            return kind, _choices([*empty, *people], [value]), ""
        case "select":
            return kind, _choices([*empty, *((o, o) for o in field.options)], [value]), ""
        case "checks" if field.options:
            return kind, _choices([(o, o) for o in field.options], value.split(", ")), ""
        case "checks":
            return "text", [], "Several with commas between them."
    if field.type == "reference" and field.module:
        if known := few(names, field.module):
            return "select", _choices([*empty, *known], [value]), ""
        label = names.tx.schema.module(field.module).singular.lower()
        return "text", [], f"The number or full name of the {label}."
    return kind, [], "A record, as module/id." if field.type == "record" else ""


def _choices(all: list[tuple[str, str]], chosen: list[str]) -> list[Any]:
    return [choice(value, label, value in chosen) for value, label in all]


def few(names: Names, module: str) -> list[tuple[str, str]]:
    """All records of a module to choose from, if they are not too many."""
    every = records.names(names.tx, names.tx.schema.module(module), FEW)
    return [(number, number if name == number else f"{name} ({number})") for number, name in every]


def _typed(field: Field, typed: FormData) -> str:
    several = ", ".join(texts(typed, field.name))
    return several if field.type == "multipicklist" and field.options else text(typed, field.name)


def _kept(names: Names, field: Field, row: Any) -> str:
    """The value as the control wants it."""
    value = row[field.name] if row is not None else field.default
    if value is None or value == []:
        return ""
    if field.type == "reference" and field.module and isinstance(value, int):
        return names.record(field.module, value)[0]["text"]
    match value:
        case bool():
            return "true" if value else ""
        case datetime():
            return value.astimezone(names.tx.company.calendar.timezone).strftime("%Y-%m-%dT%H:%M")
        case list() if field.kind == "list":
            return ", ".join(map(str, value))
    return str(field.dump(value) if row is not None else value)


def _revised(tx: Transaction, module: Module, record: int) -> FormField:
    """What tells, when the form comes back, whether somebody else changed the record."""
    return {
        "name": "revision", "label": "", "kind": "hidden", "choices": [], "help": "", "error": "",
        "value": _revision(tx, module, record), "required": False,
    }  # fmt: skip
