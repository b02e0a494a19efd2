"""Records: the modules, the list of one with filter, search and sorting, and one record."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.conditions import Condition
from engine.conditions.words import describe
from engine.problems import refuse
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module
from engine.workflows.reading import read_condition
from server.access.session import Signed, Visit
from server.operations.queries import records
from server.operations.registry import missing
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import size, told
from server.pages.frame.lists import ROWS, address, filters, paging, place, segment
from server.pages.frame.names import Names
from server.pages.frame.page import page
from server.pages.frame.views import Segment
from server.pages.records.record import record_view
from server.pages.records.views import (
    Cell,
    Column,
    ModuleGroup,
    ModuleRow,
    ModulesView,
    RecordRow,
    RecordsView,
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)
COLUMNS = 6
TONES = {
    "paid": "ok", "won": "ok", "done": "ok", "closed": "ok", "resolved": "ok", "active": "ok",
    "approved": "ok", "accepted": "ok", "sent": "info", "open": "info", "new": "info",
    "overdue": "bad", "lost": "bad", "failed": "bad", "rejected": "bad", "urgent": "bad",
    "pending": "warn", "on hold": "warn", "escalated": "warn",
}  # fmt: skip
TELLING = (
    "reference", "picklist", "owner", "date", "datetime", "money", "computed", "email", "text",
    "bool",
)  # fmt: skip


@router.get("/records")
def show_modules(visit: Signed) -> Response:
    visit.desk.need("records:read")
    with visit.desk.read() as tx:
        counts = {module.name: records.count(tx, module) for module in tx.schema}
        groups: dict[str, list[Module]] = {}
        for module in tx.schema:
            if module.lines_of is None:
                groups.setdefault(module.group or "Other", []).append(module)
        view: ModulesView = {
            "groups": [_group(label, modules, counts) for label, modules in groups.items()],
            "total": f"{size(sum(counts.values()), 'record')} in {size(len(counts), 'module')}",
        }
        return page(visit, tx, "modules.html", view, title="Records", here="records")


@router.get("/records/{module}")
def show_records(visit: Signed, module: str) -> Response:
    visit.desk.need("records:read")
    with visit.desk.read() as tx:
        home = module_of(tx, module)
        columns, names = _columns(home), Names(tx)
        wanted = _wanted(visit, home)
        rows = records.listed(
            tx, home, _read(home, columns), wanted, ROWS, (place(visit) - 1) * ROWS
        )
        may_write = visit.desk.may("records:write")
        here = f"/records/{home.name}"
        view: RecordsView = {
            "label": home.label,
            "only": _only(visit, tx, home),
            "singular": home.singular,
            "filters": filters(
                visit, "records", "Number, name or text", None, _picks(visit, tx, home)
            ),
            "first": _column(visit, home.by_name["number"]),
            "columns": [_column(visit, field) for field in columns],
            "rows": [_row(names, home, columns, row) for row in rows],
            "paging": paging(visit, len(rows), records.count(tx, home, wanted)),
            "new": f"{here}/new" if may_write else "",
            "export": f"{here}/export",
            "load": f"{here}/import" if may_write else "",
        }
        return page(visit, tx, "records.html", view, title=home.label, here="records")


@router.get("/records/{module}/{record:int}")
def show_record(visit: Signed, module: str, record: int) -> Response:
    visit.desk.need("records:read")
    with visit.desk.read() as tx:
        home = module_of(tx, module)
        view = record_view(visit, tx, home, record)
        title = f"{view['number']} {view['name']}".strip()
        return page(visit, tx, "record.html", view, title=title, here="records")


def module_of(tx: Transaction, name: str) -> Module:
    """The module of this name. Raises `Missing`."""
    found = tx.schema.modules.get(name)
    if found is None:
        raise missing("module", f"there is no module {name}.", "Choose one from the list.")
    return found


# --- all modules ---


def _group(label: str, modules: list[Module], counts: dict[str, int]) -> ModuleGroup:
    rows: list[ModuleRow] = [
        {
            "name": module.name,
            "href": f"/records/{module.name}",
            "label": module.label,
            "count": f"{counts[module.name]:,}",
            "text": "",
        }
        for module in modules
    ]
    return {"label": label, "modules": rows}


# --- the list of one module ---


def _columns(module: Module) -> list[Field]:
    """The fields that tell most about a record: its name, whom it is about, where it stands."""
    named = [module.by_name[module.name_field]] if module.name_field != "number" else []
    rest = [field for field in module.fields if field not in named and field.type in TELLING]
    texts = [field for field in rest if field.type in ("text", "email", "bool")]
    chosen = [*named, *(field for field in rest if field not in texts)][:COLUMNS]
    chosen += texts[: max(4 - len(chosen), 0)]
    return [field for field in module.by_name.values() if field in chosen]


def _read(module: Module, columns: list[Field]) -> list[Field]:
    """What is read for these columns: amounts are told in the currency of their record."""
    currency = module.by_name.get("currency")
    return columns if currency is None or currency in columns else [*columns, currency]


def _wanted(visit: Visit, module: Module) -> records.Wanted:
    """What the search box, the filters and the head of the table ask for."""
    equal = {
        field.name: value
        for field in module.by_name.values()
        if field.type in ("reference", "record", "picklist", "owner")
        and (value := visit.asked(field.name))
    }
    return records.Wanted(visit.asked("q"), equal, visit.asked("sort"), _where(visit, module))


def _where(visit: Visit, module: Module) -> Condition:
    """The condition that the address carries. Raises `Invalid`."""
    try:
        asked = json.loads(visit.asked("where") or "{}")
    except (ValueError, RecursionError):
        raise refuse("where", "this is not a condition.", "Open the list anew.") from None
    return read_condition(module.name, asked)


def _only(visit: Visit, tx: Transaction, module: Module) -> str:
    """The condition of the address in words; "" where it carries none."""
    if not visit.asked("where"):
        return ""
    told = describe(_where(visit, module), tx.binder(module))
    return f"Only {module.label.lower()} for which {told}."


def _picks(visit: Visit, tx: Transaction, module: Module) -> list[Segment]:
    """The first choices of the module as filters, and any reference that the address asks for."""
    picks = [
        segment(
            field.name,
            field.title,
            [("", f"Any {field.title.lower()}"), *((option, option) for option in field.options)],
            visit.asked(field.name),
        )
        for field in [f for f in module.fields if f.type == "picklist"][:2]
    ]
    if asked := visit.asked("where"):
        every = [("", f"All {module.label.lower()}"), (asked, "Only those that fit")]
        picks.append(segment("where", "Which", every, asked))
    names = Names(tx)
    for field in module.fields:
        value = visit.asked(field.name)
        if field.type == "reference" and value.isdigit():
            link, about = names.record(field.module or "", int(value))
            known = [("", f"Any {field.title.lower()}"), (value, about or link["text"])]
            picks.append(segment(field.name, field.title, known, value))
    return picks


def _column(visit: Visit, field: Field) -> Column:
    now = visit.asked("sort")
    turned = f"-{field.name}" if now == field.name else field.name
    sortable = field.kind not in ("list", "json")
    sorted = {field.name: "ascending", f"-{field.name}": "descending"}.get(now, "")
    return {
        "label": field.title,
        "number": field.kind == "number",
        "sort": address(visit, sort=turned, page="") if sortable else "",
        "sorted": sorted,  # type: ignore[typeddict-item]  # one of the words that mypy widens to str
    }


def _row(names: Names, module: Module, columns: list[Field], row: Any) -> RecordRow:
    return {
        "id": str(row["id"]),
        "number": str(row["number"]),
        "href": f"/records/{module.name}/{row['id']}",
        "cells": cells(names, columns, row),
    }


def cells(names: Names, columns: list[Field], row: Any) -> list[Cell]:
    """The values of one line of a list."""
    currency = row.get("currency") or ""
    return [_cell(field, row[field.name], names, currency) for field in columns]


def _cell(field: Field, value: Any, names: Names, currency: str) -> Cell:
    link = told(field, value, names, currency)
    tone: Any = TONES.get(link["text"].casefold(), "") if field.type == "picklist" else ""
    tag = field.type == "picklist"
    text = link["text"] if len(link["text"]) < 90 else f"{link['text'][:88]}…"
    return {"text": text, "href": link["href"], "tone": tone, "tag": tag}
