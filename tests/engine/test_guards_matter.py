"""Every guard in the readings of conditions is needed: without it a plain example goes wrong.

The only tests that replace parts of the code: what is tested here is the tests' own sharpness.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from operator import lt
from typing import Any

import pytest
from sqlalchemy import ColumnElement, case, func

from engine.conditions import bound
from engine.conditions.bound import Binder, Opposite
from engine.conditions.operators import OPERATORS
from engine.records.database import Database
from tests.databases import Pair
from tests.stages.conditions.database import holding, in_facts, in_memory, in_sql, opened
from tests.stages.conditions.world import NOW, World, binder, written

pytestmark = pytest.mark.slow

Break = Callable[[pytest.MonkeyPatch], None]


def without(owner: str, guard: str, instead: str = "") -> Break:
    """The function of this name, as if the guard had never been written."""

    def broken(monkeypatch: pytest.MonkeyPatch) -> None:
        home, place, name = _found(owner)
        source = textwrap.dedent(inspect.getsource(getattr(place, name)))
        assert source.count(guard) == 1, f"{owner} has no single `{guard}` any more"
        made: dict[str, Any] = {}
        exec(source.replace(guard, instead), vars(home), made)
        monkeypatch.setattr(place, name, made[name])

    return broken


def instead_of(owner: str, other: Any) -> Break:
    def broken(monkeypatch: pytest.MonkeyPatch) -> None:
        _, place, name = _found(owner)
        monkeypatch.setattr(place, name, other)

    return broken


def _found(owner: str) -> tuple[Any, Any, str]:
    """The module of this name, what in it holds the guarded thing, and the thing's name."""
    module, *inside, name = owner.replace(":", ".").split(".")
    names = (f"engine.conditions.{module}", f"engine.records.{module}", f"engine.{module}")
    home: Any = next(sys.modules[name] for name in names if name in sys.modules)
    place = home
    for part in inside:
        place = getattr(place, part)
    return home, place, name


def like(text: ColumnElement[str], part: str) -> ColumnElement[int]:
    return case((text.like(f"%{part}%"), 1), else_=0)


def at_utc(binder: Binder, day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


def _at_most_is_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, "at_most", replace(OPERATORS["at_most"], test=lt))


@dataclass(frozen=True)
class Guard:
    """A way to break it, and an example: of this world's deals, whom the condition is true of."""

    broken: Break
    world: World
    condition: dict[str, Any]
    expected: set[int]


def compare(field: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


def lines(match: str, *where: Any) -> dict[str, Any]:
    inside = compare(*where) if where else None
    return {"related": "lines", "via": "deal", "match": match, "where": inside}


GONE: dict[str, Any] = {"deleted_at": NOW}
ACME = {"name": "ACME", "tier": "Gold"}
EMPTY_DEAL = World.of(deals=[{}])
OF_A_DELETED_FIRM = World.of(deals=[{"firm": 1}], firms=[ACME | GONE])
WITH_A_DELETED_LINE = World.of(deals=[{}], lines=[{"deal": 1} | GONE])
NOT_ABOVE_FIVE = {"not": compare("amount", "greater_than", 5)}
LATE_IN_NEW_YORK = World.of(deals=[{"seen_at": NOW}])
EVERY_LINE_PAID = lines("every", "total", "greater_than", 0)
PARTNERS = {"related": "firms", "via": "partners.deal", "match": "some"}
OWES_THIRTY_CENTS = World.of(
    deals=[{"firm": 1}],
    firms=[ACME],
    lines=[{"firm": 1, "total": Decimal("0.1")}, {"firm": 1, "total": Decimal("0.2")}],
)
THIRTY_CENTS = {"related": "lines", "via": "firm", "sum": "total", "op": "equals", "value": "0.3"}

GUARDS = {
    "NULL under NOT": Guard(
        instead_of("readings._known", lambda clause: clause), EMPTY_DEAL, NOT_ABOVE_FIVE, {1}
    ),
    "NULL under NOT, in every": Guard(
        without("readings._children", "not_(_known(true_of))", "not_(true_of)"),
        World.of(deals=[{}], lines=[{"deal": 1, "total": Decimal(1)}, {"deal": 1}]),
        EVERY_LINE_PAID,
        set(),
    ),
    "None compared in memory": Guard(
        without("readings._tested", "have is None or want is None", "False"),
        EMPTY_DEAL,
        compare("title", "equals", {"field": "note"}),
        set(),
    ),
    "folding in every reading": Guard(
        instead_of("readings.fold", lambda value: value),
        World.of(deals=[{"title": "Straße"}]),
        compare("title", "equals", "STRASSE"),
        {1},
    ),
    "folding by Unicode": Guard(
        instead_of("operators.Fold", func.lower),
        World.of(deals=[{"title": "É"}]),
        compare("title", "equals", "é"),
        {1},
    ),
    "folding in lists": Guard(
        instead_of("operators.FoldItems", lambda column: column),
        World.of(deals=[{"tags": ["RISK"]}]),
        compare("tags", "contains", "risk"),
        {1},
    ),
    "no patterns in text": Guard(
        instead_of("operators.Position", like),
        World.of(deals=[{"title": "axb"}]),
        compare("title", "contains", "a_b"),
        set(),
    ),
    "a reference that leads nowhere": Guard(
        instead_of("conditions._negated", Opposite),
        EMPTY_DEAL,
        compare("firm.tier", "not_equals", "Gold"),
        set(),
    ),
    "another field's reference that leads nowhere": Guard(
        without("conditions._walked", "[path, value]", "[path]"),
        World.of(deals=[{"title": "ACME"}]),
        compare("title", "not_equals", {"field": "firm.name"}),
        set(),
    ),
    "deleted records behind references, in SQL": Guard(
        without("readings.Columns.column", ", there.c.deleted_at.is_(None)"),
        OF_A_DELETED_FIRM,
        compare("firm.name", "equals", "ACME"),
        set(),
    ),
    "deleted records behind references, read": Guard(
        without("reader.Reader._load", ", table.c.deleted_at.is_(None)"),
        OF_A_DELETED_FIRM,
        compare("firm.name", "equals", "ACME"),
        set(),
    ),
    "deleted users, read": Guard(
        without("reader.Reader.user", "users.c.deleted_at.is_(None)"),
        World.of(deals=[{"owner": "zoe"}]),
        compare("owner.name", "is_not_empty"),
        set(),
    ),
    "deleted children, in SQL": Guard(
        without("readings.belongs", "and_(mine, table.c.deleted_at.is_(None))", "mine"),
        WITH_A_DELETED_LINE,
        lines("some"),
        set(),
    ),
    "deleted children, read": Guard(
        without("reader.Reader.related", "table.c.deleted_at.is_(None)"),
        WITH_A_DELETED_LINE,
        lines("some"),
        set(),
    ),
    "deleted children, computed": Guard(
        without("readings.belongs", "and_(mine, table.c.deleted_at.is_(None))", "mine"),
        World.of(deals=[{"firm": 1}, {"firm": 1} | GONE], firms=[ACME]),
        compare("firm.deal_count", "equals", 1),
        {1},
    ),
    "deleted links, in SQL": Guard(
        without("readings._linked", "between.c.deleted_at.is_(None)", "between.c.id > 0"),
        World.of(deals=[{}], firms=[ACME], partners=[{"deal": 1, "firm": 1} | GONE]),
        PARTNERS,
        set(),
    ),
    "deleted records behind links, in SQL": Guard(
        without(
            "readings.belongs",
            "and_(table.c.id.in_(ids), table.c.deleted_at.is_(None))",
            "table.c.id.in_(ids)",
        ),
        World.of(deals=[{}], firms=[ACME | GONE], partners=[{"deal": 1, "firm": 1}]),
        PARTNERS,
        set(),
    ),
    "a record of another module, in SQL": Guard(
        without("readings._id_in", "func.substr(column, 1, len(prefix)) == prefix", "column != ''"),
        World.of(deals=[{"about": "lines/1"}], firms=[ACME]),
        compare("about.firms.name", "equals", "ACME"),
        set(),
    ),
    "a record of another module, read": Guard(
        without("reader.RecordFacts._there", " if module == hop.module.name else None"),
        World.of(deals=[{"about": "lines/1"}], firms=[ACME]),
        compare("about.firms.name", "equals", "ACME"),
        set(),
    ),
    "a module's name before the id": Guard(
        without(
            "bound.Relation.key", 'f"{self.prefix}{anchor}" if self.prefix', "anchor if self.prefix"
        ),
        World.of(deals=[{}, {"about": "deals/1"}]),
        {"related": "deals", "via": "about", "match": "some"},
        {1},
    ),
    "deleted tags, in SQL": Guard(
        without("readings._tagged", "known.c.deleted_at.is_(None)", "known.c.id > 0"),
        World.of(deals=[{"tags": ["100%"]}]),
        compare("tags", "in_category", "Alarm"),
        set(),
    ),
    "deleted tags, read": Guard(
        without("reader.Reader.labelled", "tags.c.deleted_at.is_(None)", "tags.c.id > 0"),
        World.of(deals=[{"tags": ["100%"]}]),
        compare("tags", "in_category", "Alarm"),
        set(),
    ),
    "tags are folded": Guard(
        without("readings._tagged", "Fold(known.c.name)", "known.c.name"),
        World.of(deals=[{"tags": ["RISK"]}]),
        compare("tags", "in_category", "ALARM"),
        {1},
    ),
    "every of none, in memory": Guard(
        without("readings.holds", "bool(found) and "), EMPTY_DEAL, EVERY_LINE_PAID, set()
    ),
    "every of none, in SQL": Guard(
        without("readings._children", "any_that(), ", ""), EMPTY_DEAL, EVERY_LINE_PAID, set()
    ),
    "the sum of none is 0": Guard(
        without("readings._rounded", "func.coalesce(total, 0)", "total"),
        World.of(deals=[{"firm": 1}], firms=[ACME]),
        THIRTY_CENTS | {"value": 0},
        {1},
    ),
    "sums are rounded": Guard(
        without("readings._rounded", "func.round(func.coalesce(total, 0), 4)", "total"),
        OWES_THIRTY_CENTS,
        THIRTY_CENTS,
        {1},
    ),
    "days are the company's": Guard(
        instead_of("bound.Binder.start", at_utc),
        LATE_IN_NEW_YORK,
        compare("seen_at", "equals", "today"),
        {1},
    ),
    "a day lasts until the next": Guard(
        without("conditions._by_day", "timedelta(days=1)", "timedelta(0)"),
        LATE_IN_NEW_YORK,
        compare("seen_at", "at_most", "today"),
        {1},
    ),
    "yearly days have no year": Guard(
        without("conditions._test", "path.field.yearly", "False"),
        World.of(deals=[{"birthday": date(1980, 3, 8)}]),
        compare("birthday", "equals", "today"),
        {1},
    ),
    "both ends are between": Guard(
        _at_most_is_below,
        World.of(deals=[{"amount": Decimal(500)}]),
        compare("amount", "between", [100, 500]),
        {1},
    ),
    "exact is exact": Guard(
        without("conditions._test", "exact = exact or (", "exact = bool("),
        World.of(deals=[{"title": "Open"}, {"title": "open"}]),
        compare("title", "equals", "open", exact=True),
        {2},
    ),
}


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    with opened(pair.database_url) as database:
        yield database


def answers(database: Database, guard: Guard) -> list[set[int]]:
    meant = bound(written(guard.condition), binder("deals"))
    with holding(database, guard.world) as tx:
        return [
            in_sql(tx, "deals", meant),
            in_memory(guard.world, "deals", meant),
            in_facts(tx, guard.world, "deals", meant),
        ]
    raise AssertionError


@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_without_any_one_guard_an_answer_is_wrong(database: Database) -> None:
    for name, guard in GUARDS.items():
        assert answers(database, guard) == [guard.expected] * 3, name
        with pytest.MonkeyPatch.context() as monkeypatch:
            guard.broken(monkeypatch)
            assert answers(database, guard) != [guard.expected] * 3, name
