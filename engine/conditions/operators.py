"""Every comparison a condition can make: one entry each, for values in memory and for columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from operator import eq, ge, gt, le, lt
from typing import Any, Literal

from sqlalchemy import JSON, ColumnElement, String, and_, extract, func

from engine.schema.fields import FIELD_TYPES, Field
from engine.schema.sql_types import Fold, FoldItems, HasItem, Position

Comparison = Callable[[Any, Any], Any]
TEXT = frozenset({"text"})
ORDERED = frozenset({"number", "date", "datetime"})
LIST = frozenset({"list"})
PLAIN = TEXT | ORDERED | {"bool", "reference"}
ANY = PLAIN | LIST | {"json"}
NOT = {
    "is": "is not",
    "begins": "does not begin",
    "ends": "does not end",
    "contains": "does not contain",
    "becomes": "does not become",
    "has": "has not",
    "include": "do not include",
}
SEVERAL = {"is": "are", "has": "have", "becomes": "become"}


@dataclass(frozen=True)
class Operator:
    """How one comparison reads, which kinds of field offer it, what it takes, and what it means.

    `test` compares two filled values, folded where case does not count. An operator without one is
    the opposite of another (`negates`), is made of others, or looks at the change itself
    (`of_change`) and so has no meaning without an event. One that is `of_parts` compares a text
    with a part of it, which need not be anything the field itself could hold. One `of_category`
    asks of which category the tags are. One that compares unlike things, such as a text with a
    length, says `against` which type of field: both sides come to its `test` as they are.

    The `label` reads after the name of a field, `of_dates` after that of a date. Where it does not
    hold, its first word is put into the negative (`NOT`), or else it says how that is `denied`.
    Elsewhere it is `known_as` something else.
    """

    name: str
    label: str
    kinds: frozenset[str]
    example: Any
    takes: Literal["value", "list", "range", "nothing"] = "value"
    test: Comparison | None = None
    negates: str | None = None
    of_change: bool = False
    of_parts: bool = False
    of_category: bool = False
    against: str = ""
    of_dates: str = ""
    denied: str = ""
    known_as: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.negates or self.denied or self.label.split(" ")[0] in NOT):
            raise ValueError(f"{self.name}: say how it reads where it is `denied`.")
        if self.against and self.against not in FIELD_TYPES:
            raise ValueError(f"{self.name}: there is no field type {self.against}.")

    def other_side(self, field: Field) -> Field:
        """A field as it would have to be to hold what this one is compared with."""
        if not self.against:
            return field
        return Field(name=field.name, label=field.label, type=self.against)


@singledispatch
def fold(value: Any) -> Any:
    """Text, or the texts of a list, without case; anything else as it is."""
    if isinstance(value, (list, tuple)):
        return [fold(item) for item in value]
    return value.casefold() if isinstance(value, str) else value


@fold.register
def _(value: ColumnElement) -> Any:  # type: ignore[type-arg]  # singledispatch needs the bare class
    if isinstance(value.type, JSON):
        return FoldItems(value)
    return Fold(value) if isinstance(value.type, String) else value


@singledispatch
def position(text: Any, part: Any) -> Any:
    """Where the part begins in the text, counted from 1; 0 if nowhere."""
    return text.find(part) + 1


@position.register
def _(text: ColumnElement, part: Any) -> Any:  # type: ignore[type-arg]  # as above
    return Position(text, part)


@singledispatch
def ends(text: Any, part: Any) -> Any:
    """Whether the text ends with the part."""
    return text.endswith(part)


@ends.register
def _(text: ColumnElement, part: Any) -> Any:  # type: ignore[type-arg]  # as above
    size = func.length(part) if isinstance(part, ColumnElement) else len(part)
    return func.substr(text, func.length(text) - size + 1) == part


@singledispatch
def has(items: Any, item: Any) -> Any:
    """Whether a list holds this text."""
    return item in items


@has.register
def _(items: ColumnElement, item: Any) -> Any:  # type: ignore[type-arg]  # as above
    return HasItem(items, item)


@singledispatch
def month_day(day: Any) -> Any:
    """A day without its year, as a number: 310 for the tenth of March."""
    return day.month * 100 + day.day


@month_day.register
def _(day: ColumnElement) -> Any:  # type: ignore[type-arg]  # as above
    return extract("month", day) * 100 + extract("day", day)


def _contains(have: Any, want: Any) -> Any:
    if not isinstance(want, list):
        return position(have, want) > 0
    held = [has(have, item) for item in want]
    return and_(*held) if isinstance(have, ColumnElement) else all(held)


def _one_of(have: Any, wants: Sequence[Any]) -> Any:
    return have.in_(wants) if isinstance(have, ColumnElement) else have in wants


def alternatives(text: str) -> list[str]:
    """The texts that a comma parts: "refund, dispute" means either of them."""
    return [part for each in text.split(",") if (part := each.strip())]


def _begins(have: Any, want: Any) -> Any:
    return position(have, want) == 1


def _opposite(
    name: str, label: str, of: Operator, example: Any, known_as: tuple[str, ...] = ()
) -> Operator:
    opposed = replace(of, name=name, label=label, example=example, negates=of.name, test=None)
    return replace(opposed, known_as=known_as)


def _ordered(
    name: str, label: str, example: Any, test: Comparison, dates: str, known_as: tuple[str, ...]
) -> Operator:
    of_dates = Operator(name, label, ORDERED, example, test=test, of_dates=dates)
    return replace(of_dates, known_as=known_as)


EQUALS = Operator("equals", "is equal to", PLAIN, "Sent", test=eq, known_as=("is", "eq", "=", "=="))
CONTAINS = Operator("contains", "contains", TEXT | LIST, "refund", test=_contains, of_parts=True)
ONE_OF = Operator("in", "is one of", PLAIN | LIST, ["Open", "Waiting"], "list", test=_one_of)
ANY_OF = Operator(
    "contains_any", "contains any of", TEXT, ["refund", "dispute"], "list", of_parts=True
)
CATEGORY = Operator("in_category", "include one of the category", LIST, "Risk", of_category=True)
EMPTY = Operator(
    "is_empty", "is empty", ANY, None, "nothing", known_as=("empty", "is_null", "missing")
)

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        EQUALS,
        _opposite("not_equals", "is not equal to", EQUALS, "Paid", ("is_not", "ne", "!=", "<>")),
        Operator("starts_with", "begins with", TEXT, "INV", test=_begins, of_parts=True),
        Operator("ends_with", "ends with", TEXT, ".pdf", test=ends, of_parts=True),
        CONTAINS,
        _opposite("not_contains", "does not contain", CONTAINS, "test"),
        ANY_OF,
        _opposite("contains_none", "contains none of", ANY_OF, "newsletter, out of office"),
        CATEGORY,
        _opposite("not_in_category", "include none of the category", CATEGORY, "Risk"),
        _ordered("less_than", "is less than", "today", lt, "is before", ("<", "lt", "before")),
        _ordered("greater_than", "is greater than", 1000, gt, "is after", (">", "gt", "after")),
        _ordered("at_most", "is at most", "today-7d", le, "is on or before", ("<=", "lte")),
        _ordered("at_least", "is at least", 10000, ge, "is on or after", (">=", "gte")),
        Operator("between", "is between", ORDERED, [100, 500], "range"),
        ONE_OF,
        _opposite("not_in", "is none of", ONE_OF, ["Resolved", "Closed"]),
        EMPTY,
        _opposite("is_not_empty", "is not empty", EMPTY, None, ("filled", "is_filled", "exists")),
        Operator("changed", "has changed", ANY, None, "nothing", of_change=True),
        Operator("changed_to", "has changed to", PLAIN, "Resolved", of_change=True),
        Operator("changed_from", "has changed from", PLAIN, "Draft", of_change=True),
        Operator("becomes", "becomes", PLAIN, "Resolved", of_change=True),
    )
}

MEANT = {word: operator.name for operator in OPERATORS.values() for word in operator.known_as}


def opposite(name: str) -> str | None:
    """The operator that holds exactly where this one does not, of filled fields; None if none."""
    if OPERATORS[name].negates:
        return OPERATORS[name].negates
    return next((each.name for each in OPERATORS.values() if each.negates == name), None)


def denied(name: str, *, of_dates: bool = False) -> str:
    """The words of a comparison that does not hold: "is not before", "does not contain"."""
    operator = OPERATORS[name]
    if operator.negates:
        return said(operator.negates, of_dates=of_dates)
    if operator.denied:
        return operator.denied
    first, _, rest = said(name, of_dates=of_dates).partition(" ")
    return f"{NOT[first]} {rest}".strip()


def of_several(verb: str) -> str:
    """The words of a comparison as they are said of several things: "are", "have changed"."""
    first, _, rest = verb.partition(" ")
    return f"{SEVERAL.get(first, first)} {rest}".strip()


def phrases() -> Iterator[str]:
    """All that operators say, which is put together here and said elsewhere."""
    for name in OPERATORS:
        for of_dates in (False, True):
            for verb in (said(name, of_dates=of_dates), denied(name, of_dates=of_dates)):
                yield from (verb, of_several(verb))


def said(name: str, *, of_dates: bool = False) -> str:
    """The words of an operator, or its name where there is none."""
    operator = OPERATORS.get(name)
    if operator is None:
        return name
    return operator.of_dates if of_dates and operator.of_dates else operator.label
