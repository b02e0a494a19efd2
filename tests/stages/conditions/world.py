"""A small world for tests of conditions: a few modules, and what is known of its records.

Nothing here uses SQL, and computed fields are written out in Python, so that it can be compared
with what a database says.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from engine.company.company import Company
from engine.conditions import Condition
from engine.conditions.bound import Binder, Relation
from engine.conditions.readings import CONDITION
from engine.schema.fields import Field
from engine.schema.modules import Module, Path, Schema

Row = dict[str, Any]

# In New York it is still the evening of the eighth of March, on which the clocks were changed.
NOW = datetime(2026, 3, 9, 2, 30, tzinfo=UTC)
TODAY = date(2026, 3, 8)
COMPANY = Company(timezone="America/New_York")

STATUSES = ("Open", "Waiting", "Straße", "Won")
MARKS = ("Risk", "Élan", "STRASSE", "100%", "a_b")


def module(name: str, *fields: Mapping[str, Any], **more: Any) -> Module:
    definition = {
        "name": name,
        "label": name.capitalize(),
        "singular": name.removesuffix("s").capitalize(),
        "numbering": name[0].upper() + "-{n}",
        "fields": fields,
    }
    return Module.model_validate(definition | more)


def of(name: str, type: str, **more: Any) -> Row:
    return {"name": name, "type": type, **more}


MODULES = [
    module(
        "users",
        of("username", "text"),
        of("name", "text"),
        of("email", "email"),
        of("boss", "owner"),
        name_field="name",
        email_field="email",
    ),
    module("groups", of("name", "text"), of("members", "owners"), name_field="name"),
    module(
        "firms",
        of("name", "text"),
        of("tier", "picklist", options=["Gold", "Silver"]),
        of("limit", "money", label="Credit limit"),
        of("vip", "bool"),
        of("opened", "date"),
        of("closed", "date"),
        of("parent", "reference", module="firms"),
        of("about", "record"),
        of(
            "owed",
            "computed",
            of="money",
            formula={
                "sum": "amount",
                "of": "deals",
                "via": "firm",
                "where": {"field": "status", "op": "not_in", "value": ["Won"]},
            },
        ),
        of("deal_count", "computed", of="int", formula={"count": "deals", "via": "firm"}),
        of(
            "next_due",
            "computed",
            of="date",
            formula={"min": "due", "of": "deals", "via": "firm"},
        ),
        of(
            "usual",
            "computed",
            of="decimal",
            formula={"avg": "amount", "of": "deals", "via": "firm"},
        ),
        of(
            "days_open",
            "computed",
            of="int",
            formula={"days_since": "opened", "until": "closed"},
        ),
        name_field="name",
    ),
    module(
        "deals",
        of("title", "text"),
        of("note", "longtext"),
        of("status", "picklist", options=STATUSES),
        of("amount", "money"),
        of("share", "decimal"),
        of("seats", "int"),
        of("urgent", "bool"),
        of("due", "date", label="Due date"),
        of("birthday", "date", yearly=True),
        of("seen_at", "datetime", label="Last seen"),
        of("marks", "multipicklist", options=MARKS),
        of("mail", "email"),
        of("about", "record"),
        of("colleague", "owner"),
        of("firm", "reference", module="firms"),
        of(
            "days_due",
            "computed",
            of="int",
            formula={
                "days_since": "due",
                "when": {"field": "status", "op": "not_equals", "value": "Won"},
            },
        ),
        of("days_late", "computed", of="int", formula={"days_since": "due", "at_least": 0}),
        of(
            "size",
            "computed",
            of="text",
            formula={
                "case": [
                    {
                        "when": {"field": "amount", "op": "at_least", "value": 100},
                        "then": "Größe",
                    },
                    {"when": {"field": "amount", "op": "at_least", "value": 10}, "then": "Middle"},
                ],
                "else": None,
            },
        ),
        name_field="title",
    ),
    module(
        "lines",
        of("deal", "reference", module="deals"),
        of("firm", "reference", module="firms"),
        of("product", "text"),
        of("total", "money"),
        of("done", "bool"),
        name_field="product",
        lines_of={"module": "deals", "field": "deal"},
    ),
    module(
        "partners",
        of("deal", "reference", module="deals", required=True),
        of("firm", "reference", module="firms", required=True),
        of("share", "decimal"),
    ),
    module("tag_categories", of("name", "text"), of("category", "text"), name_field="name"),
]
SCHEMA = Schema(MODULES)
# Several spellings, a tag of two categories, one that was deleted, and one that names nothing.
TAGS: list[Row] = [
    {"name": "Risk", "category": "Alarm"},
    {"name": "STRASSE", "category": "alarm"},
    {"name": "élan", "category": "Élan"},
    {"name": "risk", "category": "Élan"},
    {"name": "100%", "category": "Alarm", "deleted_at": NOW},
    {"name": None, "category": "Alarm"},
]
CATEGORIES = ("Alarm", "ÉLAN", "nothing")
USERS: list[Row] = [
    {"username": "ann", "name": "Ann Élan", "email": "ann@small.test", "boss": "Ben"},
    {"username": "Ben", "name": None, "email": None, "boss": "zoe"},
    {"username": "zoe", "name": "Zoé", "deleted_at": NOW},
]


def binder(name: str, *, event: bool = False, **more: Any) -> Binder:
    """What words mean in this world, seen from one of its modules."""
    return Binder(SCHEMA, SCHEMA.module(name), NOW, COMPANY.calendar, event=event, **more)


def written(condition: Mapping[str, Any]) -> Condition:
    return CONDITION.validate_python(condition)


@dataclass
class World:
    """Records by module. Each gets what every record has: an id, a number, and its empty fields."""

    rows: dict[str, dict[int, Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, **modules: Iterable[Row]) -> "World":
        world = cls()
        for name, rows in (("users", USERS), ("tag_categories", TAGS), *modules.items()):
            for id, row in enumerate(rows, 1):
                world._add(name, {"id": id, "number": f"{name}-{id}", **row})
        return world

    def _add(self, name: str, row: Row) -> None:
        empty = dict.fromkeys(SCHEMA.tables[name].columns.keys())
        self.rows.setdefault(name, {})[row["id"]] = {**empty, "revision": 1, **row}

    def live(self, name: str) -> list[Row]:
        """The records that were not deleted."""
        return [row for row in self.rows.get(name, {}).values() if row["deleted_at"] is None]

    def find(self, name: str, column: str, value: Any) -> Row | None:
        return next((row for row in self.live(name) if row[column] == value), None)

    def facts(self, name: str, id: int = 1, **change: Any) -> "PlainFacts":
        return PlainFacts(self, SCHEMA.module(name), self.rows[name][id], **change)


@dataclass(frozen=True)
class PlainFacts:
    """One record of the world, and the change that led to it, if one did."""

    world: World
    module: Module
    row: Row
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    created: bool = False

    def value(self, path: Path) -> Any:
        module, row = self._end(path)
        if row is None:
            return None
        if path.field.computed:
            return COMPUTED[module.name, path.field.name](self.world, row)
        return row[path.field.name]

    def reached(self, path: Path) -> bool:
        return self._end(path)[1] is not None

    def _end(self, path: Path) -> tuple[Module, Row | None]:
        module, row = self.module, self.row
        for hop in path.hops:
            key = "username" if hop.field.type == "owner" else "id"
            link = row[hop.field.name]
            if hop.field.type == "record" and link is not None:
                module_named, _, id = link.partition("/")
                link = int(id) if module_named == hop.module.name else None
            there = self.world.find(hop.module.name, key, link)
            if link is None or there is None:
                return hop.module, None
            module, row = hop.module, there
        return module, row

    def change(self, field: Field) -> tuple[Any, Any] | None:
        return self.changes.get(field.name)

    def related(self, relation: Relation) -> list["PlainFacts"]:
        anchor = self.row[relation.anchor]
        home = relation.link.module if relation.link else relation.module
        key = relation.prefix + str(anchor) if relation.prefix else anchor
        ours = [
            row
            for row in self.world.live(home.name)
            if anchor is not None and row[relation.via.name] == key
        ]
        if relation.link:
            ids = {row[relation.link.onward.name] for row in ours}
            ours = [row for row in self.world.live(relation.module.name) if row["id"] in ids]
        return [PlainFacts(self.world, relation.module, row) for row in ours]

    def labelled(self, category: str) -> set[str]:
        return {
            row["name"].casefold()
            for row in self.world.live("tag_categories")
            if row["name"] and row["category"].casefold() == category
        }


def _deals_of(world: World, firm: Row) -> list[Row]:
    return [deal for deal in world.live("deals") if deal["firm"] == firm["id"]]


def _owed(world: World, firm: Row) -> Decimal:
    open_ones = [deal for deal in _deals_of(world, firm) if deal["status"] != "Won"]
    return sum((deal["amount"] or Decimal(0) for deal in open_ones), Decimal(0))


def _next_due(world: World, firm: Row) -> date | None:
    return min((deal["due"] for deal in _deals_of(world, firm) if deal["due"]), default=None)


def _usual(world: World, firm: Row) -> Decimal | None:
    amounts = [deal["amount"] for deal in _deals_of(world, firm) if deal["amount"] is not None]
    return round(sum(amounts, Decimal(0)) / len(amounts), 4) if amounts else None


def _days_open(world: World, firm: Row) -> int | None:
    both = firm["opened"] and firm["closed"]
    return (firm["closed"] - firm["opened"]).days if both else None


def _days_due(world: World, deal: Row) -> int | None:
    return (TODAY - deal["due"]).days if deal["due"] and deal["status"] != "Won" else None


def _days_late(world: World, deal: Row) -> int | None:
    return (TODAY - deal["due"]).days if deal["due"] and deal["due"] <= TODAY else None


def _size(world: World, deal: Row) -> str | None:
    amount = deal["amount"]
    if amount is None or amount < 10:
        return None
    return "Größe" if amount >= 100 else "Middle"


COMPUTED: dict[tuple[str, str], Callable[[World, Row], Any]] = {
    ("firms", "owed"): _owed,
    ("firms", "deal_count"): lambda world, firm: len(_deals_of(world, firm)),
    ("firms", "next_due"): _next_due,
    ("firms", "usual"): _usual,
    ("firms", "days_open"): _days_open,
    ("deals", "days_due"): _days_due,
    ("deals", "days_late"): _days_late,
    ("deals", "size"): _size,
}
