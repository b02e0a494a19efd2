"""The values of fields as people read them."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.problems import Problem
from engine.schema.fields import Field
from engine.schema.modules import Module
from server.pages.frame.moments import stamp
from server.pages.frame.names import Names
from server.pages.frame.views import FieldChange, Link

NAMED = re.compile(r"`([^`]+)`")


def told(field: Field, value: Any, names: Names, currency: str = "") -> Link:
    """A value as text, and as a link where it leads to another record. Empty for no value."""
    if value is None or value == []:
        return {"text": "", "href": ""}
    if field.type == "reference" and field.module:
        link, about = names.record(field.module, value)
        return {"text": about or link["text"], "href": link["href"]}
    if field.type == "record":
        module, _, id = str(value).partition("/")
        link, about = names.record(module, int(id))
        return {"text": f"{link['text']} {about}".strip(), "href": link["href"]}
    return {"text": _text(field, value, names, currency), "href": ""}


def _text(field: Field, value: Any, names: Names, currency: str) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return stamp(value.astimezone(names.tx.company.calendar.timezone))
        case date():
            return f"{value.day} {value:%b %Y}"
        case Decimal() if field.kept.places == 2:
            return f"{value:,.2f} {currency}".strip()
        case Decimal() | float():
            return f"{value:,}"
        case list() if all(isinstance(part, str) for part in value):
            owners = field.type == "owners"
            return ", ".join(names.person(part) if owners else part for part in value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, indent=1)
    return names.person(value) if field.type == "owner" else str(value)


def changed(
    module: Module, changes: Mapping[str, Any], names: Names, *, born: bool = False
) -> list[FieldChange]:
    """The fields of one change before and after; a new record has nothing before, and what is
    simply off in it is not worth a line."""
    return [
        {
            "label": field.title,
            "before": None if born else _loaded(field, old, names),
            "after": _loaded(field, new, names),
        }
        for name, (old, new) in changes.items()
        if (field := module.by_name.get(name)) and not (born and new is False)
    ]


def _loaded(field: Field, raw: Any, names: Names) -> str:
    return told(field, field.load(raw), names)["text"]


def size(count: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """The text with a capital letter first, and names in quotation marks instead of backticks."""
    quoted = NAMED.sub(r"“\1”", text)
    return quoted[:1].upper() + quoted[1:]


def faults(problems: Iterable[Problem]) -> str:
    """What is wrong and what to do about it, as sentences."""
    return " ".join(
        f"{sentence(each.message)} {sentence(each.remedy)}".strip() for each in problems
    )
