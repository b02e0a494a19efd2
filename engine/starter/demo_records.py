"""The demo's records: a small company, with dates that can be moved so that its today is today."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from engine.company.company import Company
from engine.records.csv_import import find_record
from engine.records.tables import LOGINS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.schema.fields import Field
from engine.starter import starter

COMPANY = Company(name="Demo Company", timezone="Europe/Paris", country="FR")
LOADER = "admin"


@dataclass(frozen=True)
class Sample:
    """One record of the demo."""

    module: str
    values: dict[str, Any]
    created: datetime | None
    modified: datetime | None

    @property
    def names(self) -> set[str]:
        """How other records refer to it."""
        number = self.values.get("number")
        return {number, f"{self.module}/{number}"} if number else set()

    def mentions(self, names: Container[str]) -> str | None:
        """The first of these names that it refers to."""
        words = (raw for raw in self.values.values() if isinstance(raw, str))
        return next((word for word in words if word in names), None)


def is_empty(tx: Transaction) -> bool:
    """Whether nobody has begun to use this installation."""
    return not (tx.count(LOGINS) or tx.count(WORKFLOWS) or tx.count(tx.schema.tables["users"]))


def samples(tx: Transaction, today: date | None, *, more: bool = True) -> Iterator[Sample]:
    """The records in an order in which each refers only to earlier ones.

    With `today` all dates are moved so that the demo's today is that day. `more` adds to the few
    records of the reference cases those that make it look lived in.
    """
    source = starter("demo")
    days = today - datetime.fromisoformat(source["now"]).date() if today else timedelta()
    for row in source["reference"] + (source["more"] if more else []):
        module = tx.schema.module(row["module"])
        moved = {name: _moved(module.field(name), raw, days) for name, raw in row["values"].items()}
        created, modified = moved.pop("created_at", None), moved.pop("modified_at", None)
        yield Sample(module.name, moved, created, modified)


def add(tx: Transaction, sample: Sample, *, starts: bool = False) -> None:
    """Create a record as it was on its day: what history says of it begins there."""
    module = tx.schema.module(sample.module)
    values = {
        name: find_record(tx, raw) if module.field(name).type == "record" else raw
        for name, raw in sample.values.items()
    }
    then = min(sample.created or tx.now, tx.now)
    stamps = {"modified_at": sample.modified} if sample.modified else {}
    author = Author(LOADER, "user" if starts else "import")
    Records(replace(tx, now=then), author, starts=starts).create(module.name, values, stamps)


def _moved(field: Field, raw: Any, days: timedelta) -> Any:
    """A day or a moment so many days later; the time of day stays when the clocks have changed."""
    if field.kind == "date":
        return date.fromisoformat(raw) + days
    if field.kind == "datetime":
        local = datetime.fromisoformat(raw).astimezone(COMPANY.calendar.timezone)
        return COMPANY.calendar.at(local.date() + days, local.time())
    return raw
