"""Records: the modules, the list of one with filter, search and sorting, and one record."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, or_, select
from starlette.responses import Response

from engine.conditions.readings import Columns
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module
from engine.schema.sql_types import Fold
from server.access.session import Signed, Visit
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
        counts = {module.name: _count(tx, module) for module in tx.schema}
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
        rows, total = _rows(visit, tx, home, columns)
        may_write = visit.desk.may("records:write")
        here = f"/records/{home.name}"
        view: RecordsView = {
            "label": home.label,
            "singular": home.singular,
            "filters": filters(
                visit, "records", "Number, name or text", None, _picks(visit, tx, home)
            ),
            "first": _column(visit, home.by_name["number"]),
            "columns": [_column(visit, field) for field in columns],
            "rows": [_row(names, home, columns, row) for row in rows],
            "paging": paging(visit, len(rows), total),
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


def _count(tx: Transaction, module: Module) -> int:
    table = tx.schema.tables[module.name]
    return tx.count(table, table.c.deleted_at.is_(None))


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


def _rows(
    visit: Visit, tx: Transaction, module: Module, columns: list[Field]
) -> tuple[list[Any], int]:
    table = tx.schema.tables[module.name]
    reading = Columns(tx.binder(module), table)
    asked = [table.c.deleted_at.is_(None), *_asked(visit, tx, module)]
    shown = [reading.field(field).label(field.name) for field in columns]
    extra = [table.c.currency.label("in_currency")] if "currency" in table.c else []
    query = select(table.c.id, table.c.number, *extra, *shown).where(*asked)
    query = query.order_by(*_order(visit, module, reading), table.c.id.desc())
    rows = tx.db.execute(query.limit(ROWS).offset((place(visit) - 1) * ROWS)).mappings().all()
    return list(rows), tx.count(table, *asked)


def _order(visit: Visit, module: Module, reading: Columns) -> list[ColumnElement[Any]]:
    """As the person sorted; empty values come last."""
    asked = visit.asked("sort")
    field = module.by_name.get(asked.removeprefix("-"))
    if field is None or field.kind in ("list", "json"):
        return []
    column = reading.field(field)
    kept = Fold(column) if field.kind == "text" else column
    return [column.is_(None), kept.desc() if asked.startswith("-") else kept.asc()]


def _asked(visit: Visit, tx: Transaction, module: Module) -> list[ColumnElement[bool]]:
    """What the search box and the filters ask for."""
    table = tx.schema.tables[module.name]
    found = [_found(tx, module, words)] if (words := visit.asked("q")) else []
    for field in module.by_name.values():
        value = visit.asked(field.name)
        if not value or field.name not in table.c:
            continue
        if field.type == "reference":
            found.append(table.c[field.name] == (int(value) if value.isdigit() else -1))
        elif field.type in ("picklist", "owner"):
            found.append(table.c[field.name] == value)
    return found


def _found(tx: Transaction, module: Module, words: str) -> ColumnElement[bool]:
    """Records with these words in a text of their own, or in the name of what they belong to."""
    table, part = tx.schema.tables[module.name], words.casefold()
    texts = [f for f in module.by_name.values() if f.type in ("text", "email", "phone")]
    found = [
        Fold(table.c[field.name]).contains(part, autoescape=True)
        for field in texts
        if field.name in table.c
    ]
    for field in module.fields:
        there = tx.schema.modules.get(field.module or "")
        if (
            field.type == "reference"
            and there
            and there.name_field in tx.schema.tables[there.name].c
        ):
            other = tx.schema.tables[there.name]
            named = Fold(other.c[there.name_field]).contains(part, autoescape=True)
            found.append(table.c[field.name].in_(select(other.c.id).where(named)))
    return or_(*found)


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
    currency = row.get("in_currency") or ""
    return [_cell(field, row[field.name], names, currency) for field in columns]


def _cell(field: Field, value: Any, names: Names, currency: str) -> Cell:
    link = told(field, value, names, currency)
    tone: Any = TONES.get(link["text"].casefold(), "") if field.type == "picklist" else ""
    tag = field.type == "picklist"
    text = link["text"] if len(link["text"]) < 90 else f"{link['text'][:88]}…"
    return {"text": text, "href": link["href"], "tone": tone, "tag": tag}
