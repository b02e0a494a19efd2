"""A CSV file, read: its rows as text, and which field each column is."""

import csv
import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from engine.problems import Invalid, Problem, refuse
from engine.schema.fields import Field
from engine.schema.modules import KEPT_BY_US, Module

Duplicates = Literal["merge", "overwrite", "ignore"]
STAMPS = ("created_at", "modified_at")
# The limit of the standard library is below what a text field may hold.
csv.field_size_limit(2**24)


def decoded(raw: bytes) -> str:
    """The text of a file, in whichever encoding it is. Raises `Invalid`."""
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    raise refuse("file", "its characters cannot be read.", "Save it as CSV in UTF-8.")


def parsed(text: str, module: Module) -> list[list[str]]:
    """The rows, parted by the mark that makes most sense of the first. Raises `Invalid`."""
    known = _titles(module)
    marks = {mark: [_title(cell) in known for cell in _first(text, mark)] for mark in ",;\t"}
    delimiter = max(marks, key=lambda mark: (sum(marks[mark]), len(marks[mark])))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise refuse("file", f"it is no CSV file: {error}.", "Save it as CSV in UTF-8.") from None
    if not rows:
        raise refuse("file", "it is empty.", "Its first row must name the fields.")
    return rows


@dataclass(frozen=True)
class Sheet:
    """What the columns of a file are. One that is None is not read: it is computed, or ours."""

    module: Module
    columns: tuple[Field | None, ...]
    keys: tuple[Field, ...]
    duplicates: Duplicates


def sheet_of(module: Module, header: list[str], match: str | None, duplicates: Duplicates) -> Sheet:
    """The columns that a header names. Raises `Invalid`."""
    titles = _titles(module)
    unknown = [cell for cell in header if _title(cell) not in titles]
    if unknown:
        raise Invalid(*(_no_field(cell, module) for cell in unknown))
    named = [titles[_title(cell)] for cell in header]
    for each in named:
        if named.count(each) > 1:
            raise refuse("file", f"two columns are {each.title}.", "Remove one of them.")
    wanted = [module.field(match, "match").name] if match else ["number", "id"]
    keys = tuple(each for name in wanted for each in named if each.name == name)
    if match and not keys:
        raise refuse("match", f"the file has no column {match}.", "Add it, or match by number.")
    if match and keys[0].kind in ("list", "json"):
        raise refuse("match", f"{keys[0].title} cannot tell records apart.", "Use another field.")
    unread = KEPT_BY_US - {"id", *STAMPS}
    read = (None if each.name in unread or each.computed else each for each in named)
    return Sheet(module, tuple(read), keys, duplicates)


def _no_field(cell: str, module: Module) -> Problem:
    told = f"there is no field `{cell}` in {module.label}."
    return Problem("file", told, module.instead_of(cell))


def _first(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []


def _title(cell: str) -> str:
    return cell.strip().casefold()


def _titles(module: Module) -> dict[str, Field]:
    """Each field by what a header may call it; names count before labels."""
    labels = {_title(each.title): each for each in module.by_name.values()}
    return labels | {_title(name): each for name, each in module.by_name.items()}
