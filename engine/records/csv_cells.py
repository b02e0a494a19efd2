"""One value as the text of a cell: it reads back as the same, and nothing runs it."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.schema.fields import Field

# Spreadsheets also take the full-width forms of =, +, - and @ for the beginning of a formula.
RUNS = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
ONLY_A_NUMBER = re.compile(r"[+-][\d\s().-]*", re.ASCII)
NEEDS_JSON = re.compile(r"[,\n\r]|^\[")


def written(field: Field, value: Any, numbers: Mapping[int, str], *, safe: bool) -> str:
    """The value as a cell. `numbers` are those of the records that a reference leads to.

    A `safe` text is never taken for a formula: it begins with a quote, which `unquoted` takes off.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() if field.type == "reference":
            return _guarded(numbers.get(value, ""), safe)
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
        case date() | datetime():
            return value.isoformat()
        case list() if field.kind == "list":
            return _guarded(_listed([str(item) for item in value]), safe)
    plain = isinstance(value, str) and field.kind != "json"
    return _guarded(value if plain else json.dumps(value, ensure_ascii=False), safe)


def unquoted(cell: str) -> str:
    """The cell without the quote that kept it from being run."""
    return cell[1:] if cell.startswith("'") and RUNS.match(cell) else cell


def meant(field: Field, cell: str) -> Any:
    """What a cell holds, as a field parses it."""
    text = unquoted(cell)
    if field.kind == "json" or (field.kind == "list" and text.lstrip().startswith("[")):
        with suppress(ValueError):
            return json.loads(text)
    return text


def _listed(items: list[str]) -> str:
    hard = any(NEEDS_JSON.search(item) for item in items)
    return json.dumps(items, ensure_ascii=False) if hard else ",".join(items)


def _guarded(text: str, safe: bool) -> str:
    runs = safe and RUNS.match(text) and not ONLY_A_NUMBER.fullmatch(text)
    return f"'{text}" if runs else text
