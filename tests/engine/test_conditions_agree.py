"""In memory and in SQL a condition is true of the same records, whatever it says and they hold."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, column, func, select

from engine.conditions import bound
from engine.conditions.contradictions import contradiction
from engine.conditions.operators import OPERATORS, Operator
from engine.conditions.words import describe
from engine.records.database import Database
from engine.schema.fields import Field
from engine.schema.sql_types import Fold
from tests.databases import Pair
from tests.stages.conditions.database import holding, in_facts, in_memory, in_sql, opened
from tests.stages.conditions.world import (
    CATEGORIES,
    COMPANY,
    MARKS,
    NOW,
    SCHEMA,
    STATUSES,
    TODAY,
    World,
    binder,
    written,
)

pytestmark = pytest.mark.slow

WORLDS = {"sqlite": 800, "postgres": 250}
HANDLES = ("ann", "Ben", "zoe", "Support", "nobody")
PATHS = {
    "deals": (
        *("", "firm.", "firm.parent.", "firm.owner.", "owner.", "colleague.boss."),
        *("about.deals.", "about.firms.", "about.firms.parent.", "firm.about.deals."),
    ),
    "firms": ("", "parent.", "parent.parent.", "owner.", "owner.boss."),
    "lines": ("", "deal.", "deal.firm.", "firm.", "deal.owner."),
}
RELATED = {
    "deals": (
        *(("lines", "deal"), ("lines", "firm"), ("deals", "firm"), ("deals", "about")),
        *(("firms", "partners.deal"), ("firms", "about")),
    ),
    "firms": (
        *(("deals", "firm"), ("lines", "firm"), ("firms", "parent"), ("deals", "about")),
        *(("deals", "partners.firm"), ("deals", "partners.firm.deal")),
    ),
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
ALTERED = (str.upper, str.lower, str.swapcase, str.casefold)
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


def _rows(name: str, least: int, most: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = [field for field in SCHEMA.module(name).fields if not field.computed]
    cells = {field.name: _or_empty(_held(field)) for field in fields}
    cells["owner"] = _or_empty(st.sampled_from(HANDLES))
    cells["tags"] = _or_empty(st.lists(texts, min_size=1, max_size=2))
    cells["deleted_at"] = st.sampled_from([None, None, None, NOW])
    return st.lists(st.fixed_dictionaries(cells), min_size=least, max_size=most)


def _or_empty(held: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 3).flatmap(lambda n: held if n else st.none())


worlds = st.builds(
    World.of,
    deals=_rows("deals", 2, 5),
    firms=_rows("firms", 1, 4),
    lines=_rows("lines", 1, 5),
    partners=_rows("partners", 0, 5),
)


@dataclass(frozen=True)
class End:
    """What a path leads to: a field of a module."""

    path: str
    module: str
    field: Field


def _ends(name: str, start: str) -> list[End]:
    path = SCHEMA.path(SCHEMA.module(name), f"{start}number")
    here = path.hops[-1].module if path.hops else path.module
    stamps = {"created_at", "modified_at", "created_by", "modified_by", "source", "locked"}
    fields = (field for field in here.by_name.values() if field.name not in stamps)
    return [End(start + field.name, here.name, field) for field in fields]


ENDS = {name: [end for start in PATHS[name] for end in _ends(name, start)] for name in PATHS}
WORDS = ("title", "note", "name", "product")
TEXTS = {name: [end for end in ends if end.field.name in WORDS] for name, ends in ENDS.items()}
COMPUTED = {name: [end for end in ends if end.field.computed] for name, ends in ENDS.items()}


def _one(name: str) -> Callable[[dict[str, list[End]]], st.SearchStrategy[End]]:
    return lambda ends: st.sampled_from(ends[name])


@st.composite
def comparisons(draw: st.DrawFn, name: str, world: World) -> dict[str, Any]:
    end = draw(st.sampled_from([ENDS, ENDS, TEXTS, COMPUTED]).flatmap(_one(name)))
    fitting = [it for it in OPERATORS.values() if end.field.kind in it.kinds and not it.of_change]
    operator = draw(st.sampled_from(fitting))
    node: dict[str, Any] = {"field": end.path, "op": operator.name}
    if operator.takes == "nothing":
        return node
    one = operands(name, end, world, operator)
    if operator.of_category:
        return {**node, "value": draw(st.sampled_from(CATEGORIES))}
    sizes = {"value": None, "range": (2, 2), "list": (1, 3)}[operator.takes]
    value = draw(st.lists(one, min_size=sizes[0], max_size=sizes[1]) if sizes else one)
    if operator.of_parts and operator.takes == "list" and draw(st.booleans()):
        commas = ", ".join(part for part in value if isinstance(part, str) and "," not in part)
        value = commas or value
    return {**node, "value": value, "exact": draw(st.sampled_from([False, False, True]))}


@st.composite
def operands(draw: st.DrawFn, name: str, end: End, world: World, operator: Operator) -> Any:
    """Some value that fits, another field, or best of all a value that some record has."""
    field, of_parts = operator.other_side(end.field), operator.of_parts
    others = [
        other.path
        for other in ENDS[name]
        if other.path != end.path
        and other.field.kind == field.kind != "list"
        and (field.kind != "reference" or field.module == other.field.module)
    ]
    unlike = field.computed or operator.against
    held = [] if unlike else [row[field.name] for row in world.live(end.module)]
    held = [value for value in held if value is not None]
    match draw(st.sampled_from(["held", "held", "held", "any", "other"])):
        case "held" if held:
            return _rewritten(draw, draw(st.sampled_from(held)), field, of_parts=of_parts)
        case "other" if others:
            return {"field": draw(st.sampled_from(others))}
    if (of_parts and field.kind == "text") or field.name == "tags":
        return draw(texts)
    options = st.sampled_from(field.options or ("",))
    return draw(options if field.name == "tier" else WRITTEN[field.kept.name])


def _rewritten(draw: st.DrawFn, value: Any, field: Field, *, of_parts: bool) -> Any:
    """A value that is held, as somebody else might write it; of a text maybe a part."""
    if isinstance(value, datetime) and draw(st.booleans()):
        return str(COMPANY.calendar.today(value))
    if not isinstance(value, str):
        return field.dump(value)
    if not of_parts and field.name not in (*WORDS, "status"):
        return value
    if field.options and not of_parts:
        return value.upper()
    part = value[draw(st.integers(0, 1)) : draw(st.integers(2, 9))] if of_parts else value
    return draw(st.sampled_from(ALTERED))(part.strip() or value)


@st.composite
def relations(draw: st.DrawFn, name: str, world: World, depth: int) -> dict[str, Any]:
    related, via = draw(st.sampled_from(RELATED[name]))
    inside = draw(st.none() | conditions(related, world, depth - 1))
    node = {"related": related, "via": via, "where": inside}
    match = draw(st.sampled_from(["some", "every", "none", "count", "sum"]))
    if match in ("some", "every", "none"):
        return {**node, "match": match}
    numbers = [field.name for field in SCHEMA.module(related).fields if field.kind == "number"]
    asked = {"count": True} if match == "count" else {"sum": draw(st.sampled_from(numbers))}
    op = draw(st.sampled_from(["equals", "not_equals", "less_than", "at_least", "greater_than"]))
    own = [{"field": end.path} for end in ENDS[name] if end.field.kind == "number"]
    value = draw(st.integers(0, 3) | amounts.map(str) | st.sampled_from(own))
    return {**node, **asked, "op": op, "value": value}


@st.composite
def conditions(draw: st.DrawFn, name: str, world: World, depth: int = 3) -> dict[str, Any]:
    kinds = ["compare"] * 4 + (["all", "any", "not", "related", "related"] if depth else [])
    match draw(st.sampled_from(kinds)):
        case "compare":
            return draw(comparisons(name, world))
        case "not":
            return {"not": draw(conditions(name, world, depth - 1))}
        case "related":
            return draw(relations(name, world, depth))
        case group:
            return {group: draw(st.lists(conditions(name, world, depth - 1), max_size=3))}


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    with opened(pair.database_url) as database:
        yield database


def test_a_record_is_selected_exactly_when_the_condition_holds_of_it(
    pair: Pair, database: Database
) -> None:
    @settings(
        max_examples=WORLDS[pair.name],
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(worlds, st.sampled_from(sorted(PATHS)), st.data())
    def agree(world: World, name: str, data: st.DataObject) -> None:
        trees = data.draw(st.lists(conditions(name, world), min_size=1, max_size=4))
        with holding(database, world) as tx:
            for tree in map(written, trees):
                meant, said = bound(tree, binder(name)), describe(tree, binder(name))
                expected = in_memory(world, name, meant)
                assert in_sql(tx, name, meant) == expected, said
                assert not expected or contradiction(tree, binder(name)) is None, said
                assert in_facts(tx, world, name, meant) == expected, said

    agree()


@pytest.mark.parametrize("pairs", ["postgres"], indirect=True)
def test_every_known_character_is_folded_by_postgres_as_in_memory(database: Database) -> None:
    every = map(chr, range(1, 0x110000))
    known = [char for char in every if unicodedata.category(char) not in ("Cn", "Cs")]
    listed = func.string_to_table("".join(known), None).table_valued(column("letter", Text))
    each = listed.render_derived().c.letter
    with database.read() as tx:
        folded = {letter: fold for letter, fold in tx.db.execute(select(each, Fold(each)))}
    assert list(folded) == known
    assert {letter: fold for letter, fold in folded.items() if fold != letter.casefold()} == {}
