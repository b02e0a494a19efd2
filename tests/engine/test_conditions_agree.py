"""In memory and in SQL a condition is true of the same records, whatever it says and they hold."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, column, func, insert, select

from engine.bound import Bound
from engine.columns import Fold
from engine.conditions import bound
from engine.database import Database
from engine.facts import Reader, RecordFacts
from engine.fields import Field
from engine.operators import OPERATORS
from engine.readings import Columns, holds, where
from engine.transaction import Transaction
from engine.words import describe
from tests.databases import Pair
from tests.engine.small_world import (
    COMPANY,
    MARKS,
    MODULES,
    NOW,
    SCHEMA,
    STATUSES,
    TODAY,
    PlainFacts,
    World,
    binder,
    written,
)

EXAMPLES = {"sqlite": 1500, "postgres": 300}
HANDLES = ("ann", "Ben", "zoe", "Support", "nobody")
PATHS = {
    "deals": ("", "firm.", "firm.parent.", "firm.owner.", "owner.", "colleague.boss."),
    "firms": ("", "parent.", "parent.parent.", "owner.", "owner.boss."),
    "lines": ("", "deal.", "deal.firm.", "firm.", "deal.owner."),
}
RELATED = {
    "deals": (("lines", "deal"), ("lines", "firm"), ("deals", "firm")),
    "firms": (("deals", "firm"), ("lines", "firm"), ("firms", "parent")),
    "lines": (("lines", "deal"), ("lines", "firm"), ("deals", "firm")),
}
# What people write, and what case, patterns, quoting and folding stumble over.
NASTY = (
    "É", "é", "straße", "STRASSE", "Straße", "ß", "ẞ", "İ", "i", "\u0131", "ﬁ", "fi", "Σ", "ς",
    "ǅ", "ŉ", "e\u0301", "😀", "x😀y", "%", "_", "a_b", "axb", "100%", "100", "\\", "\\%", "'", '"',
    "a\"b'", "--", "{}", "[]", "null", "None", "0", "Open", "open",
)  # fmt: skip

texts = st.sampled_from(NASTY) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cn", "Cs", "Cc"]), min_size=1, max_size=3
).map(str.strip).filter(bool)
amounts = st.sampled_from(["-5", "0", "0.1", "0.2", "0.3", "9.99", "10", "100", "1200.5"]).map(
    Decimal
) | st.decimals(-1000, 1000, places=4)
days = st.integers(-3, 3).map(lambda n: TODAY + timedelta(n)) | st.sampled_from(
    [date(1980, 3, 8), date(2024, 2, 29), date(1999, 12, 31), date(1850, 3, 9)]
)
# Around the midnights of New York, one of them in summer time.
moments = st.builds(
    lambda day, seconds: datetime(2026, 3, day, 4, tzinfo=UTC) + timedelta(seconds=seconds),
    st.integers(6, 11),
    st.sampled_from([-1, 0, 1, 3599, 3600, 3601, 9000]),
) | st.just(NOW)
HELD: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "longtext": texts,
    "picklist": st.sampled_from(STATUSES),
    "money": amounts,
    "decimal": amounts,
    "int": st.integers(-3, 40),
    "bool": st.booleans(),
    "date": days,
    "datetime": moments,
    "multipicklist": st.lists(st.sampled_from(MARKS), min_size=1, max_size=3, unique=True),
    "email": st.sampled_from(["Ann@small.test", "ann@small.test", "b%b@small.test"]),
    "record": st.sampled_from(["deals/1", "deals/11", "firms/1"]),
    "owner": st.sampled_from(HANDLES),
    "reference": st.integers(1, 5),
}
WRITTEN: dict[str, st.SearchStrategy[Any]] = {
    **HELD,
    "picklist": st.sampled_from(["Open", "OPEN", "strasse", "Won"]),
    "money": amounts.map(str) | st.integers(-5, 100),
    "decimal": amounts.map(str) | st.floats(-10, 10).map(lambda number: round(number, 4)),
    "bool": st.sampled_from([True, False, "yes"]),
    "date": days.map(str) | st.sampled_from(["today", "tomorrow-2d", "today+1wd", "now-30h"]),
    "datetime": moments.map(str)
    | days.filter(lambda day: day.year > 1999).map(str)
    | st.sampled_from(["now", "now-5h", "today", "yesterday", "tomorrow", "today-1w"]),
    "multipicklist": st.lists(st.sampled_from([*MARKS, "straße", "élan"]), min_size=1, max_size=2)
    | st.just("Risk, A_B"),
    "reference": st.integers(1, 5) | st.just("2"),
}


def _held(field: Field) -> st.SearchStrategy[Any]:
    if field.name in ("tier", "source"):
        return st.sampled_from(field.options)
    return HELD[field.type]


def _rows(name: str, most: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = [field for field in SCHEMA.module(name).fields if not field.computed]
    cells = {field.name: st.none() | _held(field) for field in fields}
    cells["owner"] = st.none() | st.sampled_from(HANDLES)
    cells["tags"] = st.none() | st.lists(texts, min_size=1, max_size=2)
    cells["deleted_at"] = st.sampled_from([None, None, None, NOW])
    return st.lists(st.fixed_dictionaries(cells), max_size=most)


worlds = st.builds(
    World.of, deals=_rows("deals", 5), firms=_rows("firms", 4), lines=_rows("lines", 5)
)


def _fields(name: str) -> dict[str, Field]:
    """Every field that can be reached from a module, by its path."""
    schema, module = SCHEMA, SCHEMA.module(name)
    ends = {start: [f"{start}{field}" for field in _names(name, start)] for start in PATHS[name]}
    paths = [path for found in ends.values() for path in found]
    return {path: schema.path(module, path).field for path in paths}


def _names(name: str, start: str) -> list[str]:
    here = SCHEMA.module(name)
    for step in start.split(".")[:-1]:
        target = SCHEMA.target(here.by_name[step])
        assert target
        here = target
    stamps = {"created_at", "modified_at", "created_by", "modified_by", "source", "locked"}
    return [field for field in here.by_name if field not in stamps]


FIELDS = {name: _fields(name) for name in PATHS}


@st.composite
def comparisons(draw: st.DrawFn, name: str) -> dict[str, Any]:
    path = draw(st.sampled_from(sorted(FIELDS[name])))
    field = FIELDS[name][path]
    fitting = [it for it in OPERATORS.values() if field.kind in it.kinds and not it.of_change]
    operator = draw(st.sampled_from(fitting))
    node: dict[str, Any] = {"field": path, "op": operator.name}
    if operator.takes == "nothing":
        return node
    one = _operand(name, field, of_parts=operator.of_parts)
    sizes = {"value": None, "range": (2, 2), "list": (1, 3)}[operator.takes]
    value = draw(st.lists(one, min_size=sizes[0], max_size=sizes[1]) if sizes else one)
    return {**node, "value": value, "exact": draw(st.booleans())}


def _operand(name: str, field: Field, *, of_parts: bool) -> st.SearchStrategy[Any]:
    if of_parts and field.kind == "text":
        return texts | st.sampled_from(["a", "S", "op", "/1", "@small"])
    literal = texts if field.name == "tags" else WRITTEN[field.kept.name]
    if field.options and field.name != "marks":
        literal = st.sampled_from(field.options)
    others = [
        path
        for path, other in FIELDS[name].items()
        if other.kind == field.kind != "list"
        and (field.kind != "reference" or field.module == other.module)
    ]
    return (
        literal | st.sampled_from(others).map(lambda path: {"field": path}) if others else literal
    )


@st.composite
def relations(draw: st.DrawFn, name: str, depth: int) -> dict[str, Any]:
    related, via = draw(st.sampled_from(RELATED[name]))
    inside = draw(st.none() | conditions(related, depth - 1))
    node = {"related": related, "via": via, "where": inside}
    match = draw(st.sampled_from(["some", "every", "none", "count", "sum"]))
    if match in ("some", "every", "none"):
        return {**node, "match": match}
    numbers = [field.name for field in SCHEMA.module(related).fields if field.kind == "number"]
    asked = {"count": True} if match == "count" else {"sum": draw(st.sampled_from(numbers))}
    op = draw(st.sampled_from(["equals", "not_equals", "less_than", "at_least", "greater_than"]))
    own = [path for path, field in FIELDS[name].items() if field.kind == "number"]
    value = draw(st.integers(0, 3) | amounts.map(str) | st.sampled_from(own).map(_elsewhere))
    return {**node, **asked, "op": op, "value": value}


def _elsewhere(path: str) -> dict[str, str]:
    return {"field": path}


@st.composite
def conditions(draw: st.DrawFn, name: str, depth: int = 3) -> dict[str, Any]:
    kinds = ["compare"] * 4 + (["all", "any", "not", "related", "related"] if depth else [])
    match draw(st.sampled_from(kinds)):
        case "compare":
            return draw(comparisons(name))
        case "not":
            return {"not": draw(conditions(name, depth - 1))}
        case "related":
            return draw(relations(name, depth))
        case group:
            return {group: draw(st.lists(conditions(name, depth - 1), max_size=3))}


class Undone(Exception):
    """Takes back what a transaction wrote."""


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    database = Database(pair.database_url, lambda: NOW)
    database.prepare(COMPANY, MODULES)
    yield database
    database.engine.dispose()


@contextmanager
def holding(database: Database, world: World) -> Iterator[Transaction]:
    """A transaction in which the database holds this world alone."""
    try:
        with database.begin() as tx:
            for name, rows in world.rows.items():
                if rows:
                    tx.db.execute(insert(tx.schema.tables[name]), list(rows.values()))
            yield tx
            raise Undone
    except Undone:
        pass


def in_sql(tx: Transaction, name: str, condition: Bound) -> set[int]:
    table = tx.schema.tables[name]
    clause = where(condition, Columns(tx.binder(tx.schema.module(name)), table))
    return set(tx.db.scalars(select(table.c.id).where(clause, table.c.deleted_at.is_(None))))


def in_memory(world: World, name: str, condition: Bound) -> set[int]:
    rows = world.live(name)
    module = SCHEMA.module(name)
    return {row["id"] for row in rows if holds(condition, PlainFacts(world, module, row))}


def in_facts(tx: Transaction, world: World, name: str, condition: Bound) -> set[int]:
    """As the engine itself looks at a single record, with what it reads from the database."""
    reader, module = Reader(tx), tx.schema.module(name)
    rows = {row["id"]: reader.row(module, row["id"]) for row in world.live(name)}
    return {
        id
        for id, row in rows.items()
        if row is not None and holds(condition, RecordFacts(reader, module, row))
    }


def test_a_record_is_selected_exactly_when_the_condition_holds_of_it(
    pair: Pair, database: Database
) -> None:
    @settings(
        max_examples=EXAMPLES[pair.name],
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(worlds, st.data())
    def agree(world: World, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(PATHS)))
        raw = data.draw(conditions(name))
        condition = written(raw)
        meant = bound(condition, binder(name))
        said = describe(condition, binder(name))
        expected = in_memory(world, name, meant)
        with holding(database, world) as tx:
            assert in_sql(tx, name, meant) == expected, said
            assert in_facts(tx, world, name, meant) == expected, said

    agree()


@pytest.mark.parametrize("pairs", ["postgres"], indirect=True)
def test_every_known_character_is_folded_by_postgres_as_in_memory(database: Database) -> None:
    categories = {char: unicodedata.category(char) for char in map(chr, range(1, 0x110000))}
    known = [char for char, category in categories.items() if category not in ("Cn", "Cs")]
    each = func.string_to_table("".join(known), None).table_valued(column("char", Text))
    with database.read() as tx:
        rows = tx.db.execute(select(each.c.char, Fold(each.c.char))).all()
    assert {char: folded for char, folded in rows} == {char: char.casefold() for char in known}
