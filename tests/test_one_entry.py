"""An operator, a field type, a filter: each is one entry, and shows everywhere with it."""

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from functools import singledispatch
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func

from engine.blocks.words import quoted
from engine.conditions import bind, bound
from engine.conditions.operators import OPERATORS, TEXT, Operator
from engine.conditions.words import describe, reasons
from engine.problems import BadValue
from engine.records.database import Database
from engine.records.writer import Author, Records
from engine.schema.fields import FIELD_TYPES, Field, FieldType
from engine.schema.sql_types import Number
from engine.templates import parse
from engine.templates.filters.registry import AT, FILTERS, register
from engine.workflows.catalogue import Block, blocks
from server.cli.reference_page import reference
from tests.databases import Pair
from tests.stages.conditions.database import holding, in_facts, in_memory, in_sql, opened
from tests.stages.conditions.world import COMPANY, MODULES, NOW, World, binder, module, of, written

OPTIONS = dict.fromkeys(("picklist", "multipicklist"), ("Open", "Waiting"))
TITLES = ("ab", "abc", "abcd", "Straße", "ßßß", "😀😀😀😀", "a b", None)


def block(kind: str, type: str) -> Block:
    return next(each for each in blocks() if (each.kind, each.type) == (kind, type))


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    with opened(pair.database_url) as database:
        yield database


# --- an operator that compares unlike things: a text's length with a number ---


@singledispatch
def size(text: Any) -> Any:
    return len(text)


@size.register
def _(text: ColumnElement) -> Any:  # type: ignore[type-arg]  # singledispatch needs the bare class
    return func.length(text)


LONGER = Operator(
    "longer_than",
    "is longer than",
    TEXT,
    40,
    test=lambda have, want: size(have) > want,
    against="int",
)
AS_LONG = Operator(
    "as_long",
    "measures from one to the other of",
    TEXT,
    [2, 4],
    "range",
    test=lambda have, wants: (size(have) >= wants[0]) & (size(have) <= wants[1]),
    against="int",
    denied="does not measure from one to the other of",
)


@pytest.fixture
def longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, LONGER.name, LONGER)
    monkeypatch.setitem(OPERATORS, AS_LONG.name, AS_LONG)


LENGTHS = [
    ({"op": "longer_than", "value": 3}, {3, 4, 6}),
    ({"op": "longer_than", "value": "3"}, {3, 4, 6}),
    ({"op": "longer_than", "value": {"field": "seats"}}, {3, 4, 6}),
    ({"op": "longer_than", "value": {"field": "firm.deal_count"}}, set()),
    ({"op": "as_long", "value": [2, 3]}, {1, 2, 5, 7}),
]


@pytest.mark.usefixtures("longer")
@pytest.mark.parametrize(("asked", "expected"), LENGTHS)
def test_an_operator_against_another_type_means_the_same_in_sql_and_in_memory(
    database: Database, asked: dict[str, Any], expected: set[int]
) -> None:
    world = World.of(deals=[{"title": title, "seats": 3} for title in TITLES])
    every = {id for id, title in enumerate(TITLES, 1)}
    with holding(database, world) as tx:
        for node, wanted in (
            ({"field": "title", **asked}, expected),
            ({"not": {"field": "title", **asked}}, every - expected),
        ):
            meant = bound(written(node), binder("deals"))
            assert in_sql(tx, "deals", meant) == wanted
            assert in_memory(world, "deals", meant) == wanted
            assert in_facts(tx, world, "deals", meant) == wanted


@pytest.mark.usefixtures("longer")
def test_it_reads_as_a_sentence_with_the_value_as_what_it_is() -> None:
    node = written({"field": "title", "op": "longer_than", "value": 3000})
    world = World.of(deals=[{"title": "ab"}])
    assert describe(node, binder("deals")) == "the title is longer than 3,000"
    assert reasons(node, binder("deals"), world.facts("deals")).said == (
        "title “ab” is not longer than 3,000"
    )
    node = written({"field": "title", "op": "as_long", "value": [5, 6]})
    assert reasons(node, binder("deals"), world.facts("deals")).said == (
        "title “ab” does not measure from one to the other of 5 and 6"
    )


@pytest.mark.usefixtures("longer")
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("many", "Title takes a number, not 'many'."),
        ({"field": "note"}, "Title and Note cannot be compared."),
        (None, "there is nothing to compare with."),
    ],
)
def test_what_it_cannot_be_compared_with_is_refused(value: Any, told: str) -> None:
    here = binder("deals")
    bind(written({"field": "title", "op": "longer_than", "value": value}), here)
    assert [problem.message for problem in here.problems] == [told]


@pytest.mark.usefixtures("longer")
def test_it_stands_in_describe_blocks_and_in_the_reference() -> None:
    told = block("operator", "longer_than")
    assert told.words == "is longer than; for text fields; takes a value: a whole number."
    assert told.examples == ({"field": "subject", "op": "longer_than", "value": 40},)
    assert f"| `longer_than` | {told.words} |" in reference()


def test_an_operator_says_how_it_reads_where_it_does_not_hold() -> None:
    with pytest.raises(ValueError, match="sounds_like: say how it reads where it is `denied`"):
        Operator("sounds_like", "sounds like", TEXT, "Meier")


# --- a field type ---


def _percent(field: Field, raw: Any) -> Decimal:
    try:
        share = Decimal(str(raw).removesuffix("%").strip())
    except ArithmeticError:
        raise BadValue(f"{field.title} takes a percentage, not {raw!r}.", "Like 12.5%.") from None
    if not 0 <= share <= 100:
        raise BadValue(f"{field.title} is between 0 and 100.", "Like 12.5%.")
    return share


PERCENT = FieldType(
    "percent",
    "a share of a hundred",
    "number",
    Number,
    _percent,
    "number",
    float,
    _percent,
    example=12.5,
)


@pytest.fixture
def percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIELD_TYPES, PERCENT.name, PERCENT)


@pytest.mark.usefixtures("percent")
def test_a_field_type_is_kept_compared_and_told(pair: Pair) -> None:
    offers = module("offers", of("rebate", "percent"))
    database = Database(pair.database_url, lambda: NOW)
    database.prepare(COMPANY, [*MODULES, offers])
    node = written({"field": "rebate", "op": "at_least", "value": "10%"})
    with database.begin() as tx:
        records = Records(tx, Author("ann"), starts=False)
        ids = [records.create("offers", {"rebate": it}).id for it in ("12.5%", 9, 10)]
        here = tx.binder(tx.schema.module("offers"))
        assert in_sql(tx, "offers", bound(node, here)) == {ids[0], ids[2]}
        assert describe(node, here) == "the rebate is at least “10%”"
        with pytest.raises(Exception, match="Rebate is between 0 and 100"):
            records.create("offers", {"rebate": 120})
    database.close()


@pytest.mark.usefixtures("percent")
def test_a_field_type_stands_in_describe_blocks_and_in_the_reference() -> None:
    told = block("field", "percent")
    assert told.words == "a share of a hundred; compares as number."
    assert told.examples == (12.5,)
    assert f"| `percent` | {told.words} | `12.5` |" in reference()


@pytest.mark.parametrize("kept", FIELD_TYPES.values(), ids=lambda kept: kept.name)
def test_the_example_of_a_field_type_is_what_it_holds(kept: FieldType) -> None:
    field = Field(name="it", type=kept.name, options=OPTIONS.get(kept.name, ()))
    assert field.parse(kept.example, UTC) is not None
    assert field.load(field.dump(field.parse(kept.example, UTC))) == field.parse(kept.example, UTC)


# --- a filter ---


@pytest.fixture
def shouted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken away again with the test."""
    monkeypatch.setitem(FILTERS, "shouted", FILTERS["upper"])

    @register(
        "shouted",
        words="In capitals, with marks.",
        reads="{value} in capitals[ and {marks} marks]",
        example="{{ 'a'|shouted }} -> A!",
    )
    def _(value: object, marks: int = 1) -> str:
        return f"{value}".upper() + "!" * marks


@pytest.mark.usefixtures("shouted")
def test_a_filter_fills_in_and_stands_in_describe_blocks_and_in_the_reference() -> None:
    assert parse("{{ 'stop'|shouted(2) }}").render({}, AT).text == "STOP!!"
    said = quoted("{{ record.title|shouted(2) }}", binder("deals"))
    assert said == "“[title in capitals and 2 marks]”"
    told = block("filter", "shouted")
    assert told.words == "shouted(marks): In capitals, with marks."
    assert f"| `shouted` | {told.words} |" in reference()
