"""Conditions that no record can satisfy, found by trying every value that could make a difference.

A field that is compared with values can only change its verdict at those values: so it is enough to
ask about each of them, about what lies next to it, and about an empty field. What is asked is the
reading that runs, so nothing is said here about what an operator means.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from engine.conditions import AllOf, AnyOf, Binder, Compare, Condition, NotOf, bind
from engine.conditions.bound import Bound, Either, Every, Filled, Old, Opposite, Relation, Test
from engine.conditions.readings import Facts, holds
from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.modules import Path

Pair = tuple[Condition, Condition]
NEXT = Decimal("0.000001")  # no amount or number of anybody's is written with more decimals


def contradiction(condition: Condition, binder: Binder) -> Pair | None:
    """Two parts of a condition that never hold together, though it asks for both.

    Of alternatives each has to contradict something; told is the first. None says nothing: what
    compares with other fields or asks about changes, tags and related records is not looked into.
    """
    needed, choices = list[Condition](), list[AnyOf]()
    for part in _needed(condition):
        if isinstance(part, AnyOf):
            choices.append(part)
        else:
            needed.append(part)
    for pair in combinations(needed, 2):
        if _never(pair, binder):
            return pair
    for choice in choices:
        each = [contradiction(AllOf(all=(*needed, part)), binder) for part in choice.any]
        if each and all(each):
            return each[0]
    return None


def _needed(condition: Condition) -> Iterator[Condition]:
    match condition:
        case AllOf(all=parts):
            for part in parts:
                yield from _needed(part)
        case Compare() | NotOf(part=Compare()) | AnyOf():
            yield condition


def _never(pair: Pair, binder: Binder) -> bool:
    """Whether both ask about one field, and no value of it satisfies both."""
    first, second = map(_field, pair)
    if first is None or first != second:
        return False
    try:
        field = binder.schema.path(binder.module, first).field
    except Invalid:
        return False
    known = len(binder.problems)
    parts = [bind(part, binder) for part in pair]
    if len(binder.problems) > known:
        return False
    tests = [list(_tests(part)) for part in parts]
    if not all(tests) or any(_unknown(test) for each in tests for test in each):
        return False
    try:
        values = _that_matter(field, pair, [test for each in tests for test in each])
    except OverflowError:
        return False  # a day at the end of the calendar
    return values is not None and not any(
        all(holds(part, _Only(value)) for part in parts) for value in (None, *values)
    )


def _field(part: Condition) -> str | None:
    match part:
        case Compare(field=name) | NotOf(part=Compare(field=name)):
            return name
    return None


def _tests(bound: Bound) -> Iterator[Bound]:
    match bound:
        case Every(parts) | Either(parts):
            for part in parts:
                yield from _tests(part)
        case Opposite(part):
            yield from _tests(part)
        case _:
            yield bound


def _unknown(test: Bound) -> bool:
    """Whether the verdict depends on more than the value of the field."""
    match test:
        case Filled():
            return False
        case Test(value=value):
            return isinstance(value, Path | Old)
    return True


def _that_matter(field: Field, pair: Pair, tests: Sequence[Bound]) -> Collection[Any] | None:
    """All values that could make a difference; None if they cannot be counted."""
    given = [test.value for test in tests if isinstance(test, Test)]
    match field.kind:
        case "bool":
            return [True, False]
        case "number":
            step = 1 if field.kept.name == "int" else NEXT
            return [near for value in given for near in (value - step, value, value + step)]
        case "date" | "datetime":
            wide = timedelta(days=1) if field.kind == "date" else timedelta(seconds=1)
            return [near for value in given for near in (value - wide, value, value + wide)]
    if field.type == "picklist":
        return [*field.options, *given]
    named = any(isinstance(part, Compare) and part.op in ("equals", "in") for part in pair)
    return given if named and field.kind in ("text", "reference") else None


@dataclass(frozen=True)
class _Only:
    """A record of which one field is known."""

    only: Any

    def value(self, path: Path) -> Any:
        return self.only

    def reached(self, path: Path) -> bool:
        return True

    def change(self, field: Field) -> tuple[Any, Any] | None:
        return None

    @property
    def created(self) -> bool:
        return False

    def related(self, relation: Relation) -> Sequence[Facts]:
        return ()

    def labelled(self, category: str) -> Collection[str]:
        return ()
