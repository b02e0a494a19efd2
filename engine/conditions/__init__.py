"""Conditions: one tree, as it is written, and how it is bound to fields, days and people."""

from calendar import isleap
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, JsonValue, Tag
from pydantic import Field as Key

from engine.company.calendar import parse_moment
from engine.conditions.bound import (
    NOTHING,
    Binder,
    Bound,
    Change,
    Children,
    Either,
    Every,
    Filled,
    Old,
    Opposite,
    Reached,
    Relation,
    Tagged,
    Test,
    Total,
)
from engine.conditions.operands import operand, operands, recorded
from engine.conditions.operators import MEANT, OPERATORS, Operator
from engine.conditions.relations import relation
from engine.problems import Invalid, KnownAs, Problem, join, refuse, suggest
from engine.schema.fields import Field
from engine.schema.modules import Path
from engine.schema.own_modules import TAG_CATEGORIES

__all__ = [
    "ALWAYS",
    "SHAPES",
    "AllOf",
    "AnyOf",
    "Binder",
    "Bound",
    "Compare",
    "Condition",
    "NotOf",
    "Related",
    "Relation",
    "asks_nothing",
    "bind",
    "bound",
    "positive",
    "shape",
]

DEEPEST = 40
DAYS_OF_YEAR = 365


class Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class AllOf(Node):
    all: tuple["Condition", ...]


class AnyOf(Node):
    any: tuple["Condition", ...]


class NotOf(Node):
    part: "Condition" = Key(alias="not")


class Compare(Node):
    """A field against a value. `exact` makes text compare case and all."""

    field: str
    op: Annotated[str, KnownAs(("operator", "comparison"))]
    value: JsonValue = None
    exact: bool = False


class Related(Node):
    """What is true of the records that refer to this one, or to the same record as this one."""

    related: str
    via: str
    match: Literal["some", "every", "none"] | None = None
    where: "Condition | None" = None
    count: bool = False
    sum: str | None = None
    op: str | None = None
    value: JsonValue = None


def shape(node: Any) -> str | None:
    """The key that tells which kind of condition this is."""
    if isinstance(node, Node):
        keys = {key.alias or name for name, key in type(node).model_fields.items()}
    else:
        keys = set(node) if isinstance(node, dict) else set()
    return next((key for key in ("all", "any", "not", "related", "field") if key in keys), None)


Condition = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NotOf, Tag("not")]
    | Annotated[Related, Tag("related")]
    | Annotated[Compare, Tag("field")],
    Discriminator(
        shape,
        custom_error_type="condition",
        custom_error_message=(
            "a condition has one of the keys `all`, `any`, `not`, `field` or `related`"
        ),
    ),
]
for node in (AllOf, AnyOf, NotOf, Related):
    node.model_rebuild()
SHAPES: dict[str, type[Node]] = {
    "all": AllOf,
    "any": AnyOf,
    "not": NotOf,
    "related": Related,
    "field": Compare,
}
ALWAYS = AllOf(all=())


def positive(condition: Condition) -> Iterator[Related]:
    """The related records that a condition asks for: all but those there must not be."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from positive(part)
        case Related() if condition.match != "none":
            yield condition


def asks_nothing(condition: Condition) -> bool:
    """Whether it is true of every record, because it asks nothing at all."""
    return isinstance(condition, AllOf) and all(map(asks_nothing, condition.all))


def bind(condition: Condition, binder: Binder, where: str = "") -> Bound:
    """The condition with every name and value resolved.

    One that has a fault anywhere is never true, and leaves a problem for each in the binder.
    """
    known = len(binder.problems)
    result: Bound = NOTHING
    try:
        result = _bound(condition, binder, where)
    except Invalid as invalid:
        binder.problems.extend(invalid.problems)
    except OverflowError:
        message, remedy = "this day is outside the calendar.", "Choose one people live to see."
        binder.problems.append(Problem(join(where, "value"), message, remedy))
    return result if len(binder.problems) == known else NOTHING


def bound(condition: Condition, binder: Binder) -> Bound:
    """As `bind`, for conditions that must be sound. Raises `Invalid` with all problems."""
    result = bind(condition, binder)
    if binder.problems:
        raise Invalid(*binder.problems)
    return result


def _bound(condition: Condition, binder: Binder, where: str) -> Bound:
    if where.count(".") > DEEPEST:
        levels = f"conditions are at most {DEEPEST // 2} levels deep, and these are deeper."
        raise refuse(where, levels, "Use fewer levels.")
    match condition:
        case AllOf(all=parts):
            return Every(_parts(parts, binder, join(where, "all")))
        case AnyOf(any=parts):
            return Either(_parts(parts, binder, join(where, "any")))
        case NotOf(part=part):
            return Opposite(bind(part, binder, join(where, "not")))
        case Related():
            return _related(condition, binder, where)
        case Compare():
            return _compare(condition, binder, where)


def _parts(parts: tuple[Condition, ...], binder: Binder, where: str) -> tuple[Bound, ...]:
    return tuple(bind(part, binder, join(where, str(i))) for i, part in enumerate(parts))


def _operator(name: str, kind: str, title: str, where: str) -> Operator:
    found, at = OPERATORS.get(name), join(where, "op")
    fitting = [name for name, other in OPERATORS.items() if kind in other.kinds]
    if not name:
        raise refuse(at, f"{title} is compared with nothing.", "Add `op` and `value`.")
    if not found:
        remedy = suggest(name, fitting, f"{title} can be compared with", MEANT)
        raise refuse(at, f"there is no operator `{name}`.", remedy)
    if kind not in found.kinds:
        remedy = suggest("", fitting, f"{title} can be compared with")
        raise refuse(at, f"`{name}` does not fit {title} ({kind}).", remedy)
    return found


def _compare(node: Compare, binder: Binder, where: str) -> Bound:
    def fits(field: Field) -> bool:
        return node.op in OPERATORS and field.kind in OPERATORS[node.op].kinds

    path = binder.schema.path(binder.module, node.field, join(where, "field"), fits)
    operator = _operator(node.op, path.field.kind, path.field.title, where)
    if operator.takes == "nothing" and node.value is not None:
        raise refuse(join(where, "value"), f"`{node.op}` takes no value.", "Leave `value` out.")
    if operator.of_change:
        return _change(path, operator, node, binder, where)
    if operator.takes == "nothing":
        return Filled(path) if operator.negates else Opposite(Filled(path))
    if operator.negates:
        return _negated(_positive(path, OPERATORS[operator.negates], node, binder, where))
    return _positive(path, operator, node, binder, where)


def _negated(positive: Bound) -> Bound:
    """The opposite, but where a reference leads nowhere: there nothing but `is_empty` is true."""
    through = {str(path): path for path in _walked(positive) if path.hops}
    opposite = Opposite(positive)
    return Every((*map(Reached, through.values()), opposite)) if through else opposite


def _walked(positive: Bound) -> list[Path]:
    match positive:
        case Test(path=path, value=value):
            return [path, value] if isinstance(value, Path) else [path]
        case Tagged(path=path):
            return [path]
        case Total(value=Path() as value):
            return [value]
        case Every(parts) | Either(parts):
            return [path for part in parts for path in _walked(part)]
    return []


def _positive(path: Path, operator: Operator, node: Compare, binder: Binder, where: str) -> Bound:
    at = join(where, "value")

    def test(operator: Operator, raw: JsonValue, at: str) -> Bound:
        value = operand(path, operator, raw, binder, at, exact=node.exact)
        return _test(path, operator, value, node.exact, binder)

    if operator.of_category:
        return Tagged(path, _category(node.value, binder, at))
    if operator.takes == "value":
        return test(operator, node.value, at)
    written = operands(node.value, operator, at)
    if operator.against:
        places = [f"{at}.{place}" for place in range(len(written))]
        pairs = zip(written, places, strict=True)
        values = [operand(path, operator, raw, binder, place) for raw, place in pairs]
        return Test(path, operator, values, "exact")
    if operator.takes == "range":
        low, high = written
        at_least, at_most = OPERATORS["at_least"], OPERATORS["at_most"]
        ends = test(at_least, low, f"{at}.0"), test(at_most, high, f"{at}.1")
        told = all(isinstance(raw, str) and parse_moment(raw) for raw in written)
        return (_of_any_year(path, *ends) if told else None) or Every(ends)
    in_parts = operator.of_parts or path.field.kind == "list"
    single = OPERATORS["contains" if in_parts else "equals"]
    return _merged(
        path, operator, [test(single, raw, f"{at}.{i}") for i, raw in enumerate(written)]
    )


def _category(raw: JsonValue, binder: Binder, at: str) -> str:
    """The category that is meant. Raises `Invalid`."""
    if TAG_CATEGORIES not in binder.schema.modules:
        raise refuse(at, "tags have no categories here.", f"Make a module `{TAG_CATEGORIES}`.")
    if not isinstance(raw, str) or not raw.strip():
        raise refuse(at, "there is no category to look for.", "Name one, like Risk.")
    category = raw.strip().casefold()
    if binder.categories and category not in {known.casefold() for known in binder.categories}:
        remedy = suggest(raw, binder.categories, "Categories")
        raise refuse(at, f"no tag is of a category `{raw}`.", remedy)
    return category


def _merged(path: Path, operator: Operator, each: list[Bound]) -> Bound:
    """One test of a list, where all of its items are plain values; else one of each."""
    plain = [
        test.value
        for test in each
        if isinstance(test, Test)
        and test.operator.name == "equals"
        and test.form != "month_day"
        and not isinstance(test.value, (Path, Old))
    ]
    if len(plain) < len(each) or not isinstance(each[0], Test):
        return Either(tuple(each))
    return Test(path, operator, plain, each[0].form)


def _test(path: Path, operator: Operator, value: Any, exact: bool, binder: Binder) -> Bound:
    if operator.against:
        return Test(path, operator, value, "exact")
    if path.field.kind == "datetime" and type(value) is date:
        return _by_day(path, operator, value, binder)
    if path.field.yearly and operator.name == "equals":
        return _anniversary(path, operator, value)
    # What is kept in one spelling needs no folding, and so can use an index.
    one_spelling = path.field.kept.one_spelling
    literal = not isinstance(value, (Path, Old))
    exact = exact or (one_spelling and literal and not operator.of_parts)
    return Test(path, operator, value, "exact" if exact else "folded")


def _anniversary(path: Path, equals: Operator, day: Any) -> Bound:
    """The same day of any year; who was born on 29 February has it on the 28th in other years."""
    if not isinstance(day, date) or _with_leap_day(day) == day:
        return Test(path, equals, day, "month_day")
    first = Test(path, OPERATORS["at_least"], day, "month_day")
    return Every((first, Test(path, OPERATORS["at_most"], _with_leap_day(day), "month_day")))


def _with_leap_day(day: date) -> date:
    """29 February for the 28th of a year that has no other."""
    last = (day.month, day.day) == (2, 28) and not isleap(day.year)
    return date(2000, 2, 29) if last else day


def _of_any_year(path: Path, low: Bound, high: Bound) -> Bound | None:
    """Between two days of any year, for what recurs each year and less than a year of it."""
    first, last = getattr(low, "value", None), getattr(high, "value", None)
    if not (path.field.yearly and isinstance(first, date) and isinstance(last, date)):
        return None
    if not 0 <= (last - first).days < DAYS_OF_YEAR:
        return None
    since = Test(path, OPERATORS["at_least"], first, "month_day")
    until = Test(path, OPERATORS["at_most"], _with_leap_day(last), "month_day")
    over_new_year = (first.month, first.day) > (last.month, last.day)
    return Either((since, until)) if over_new_year else Every((since, until))


def _by_day(path: Path, operator: Operator, day: date, binder: Binder) -> Bound:
    """A point in time against a day of the company's clock: its first moment to its last."""
    first, next_day = binder.start(day), binder.start(day + timedelta(days=1))
    since = Test(path, OPERATORS["at_least"], first)
    before = Test(path, OPERATORS["less_than"], next_day)
    match operator.name:
        case "less_than":
            return Test(path, OPERATORS["less_than"], first)
        case "at_least":
            return since
        case "at_most":
            return before
        case "greater_than":
            return Test(path, OPERATORS["at_least"], next_day)
        case "equals":
            return Every((since, before))
    return Test(path, operator, first)


def _change(path: Path, operator: Operator, node: Compare, binder: Binder, where: str) -> Bound:
    if path.hops:
        message = f"`{path}` belongs to another record, whose changes are not seen here."
        raise refuse(join(where, "field"), message, f"Use a field of {binder.module.label}.")
    if not recorded(path.field):
        message = f"nobody changes {path.field.title}, so its changes are not recorded."
        raise refuse(join(where, "field"), message, "Use a field it depends on.")
    if not binder.event:
        message = f"`{operator.name}` looks at a change, and here there is none to look at."
        remedy = "Compare the value itself, or start the workflow by `record_modified` instead."
        raise refuse(join(where, "op"), message, remedy)
    if operator.takes == "nothing":
        return Change(path, operator, None)
    return Change(path, operator, _positive(path, OPERATORS["equals"], node, binder, where))


def _related(node: Related, binder: Binder, where: str) -> Bound:
    link = relation(binder, node.related, node.via, where)
    inside = bind(node.where or ALWAYS, binder.of(link.module), join(where, "where"))
    if [node.match is not None, node.count, node.sum is not None].count(True) != 1:
        message = "say one thing to ask of the related records."
        remedy = 'One of "match": "some", "every" or "none"; "count": true; "sum": FIELD.'
        raise refuse(where, message, remedy)
    if node.match:
        if node.op is not None or node.value is not None:
            message = f'`op` and `value` have no meaning beside "match": "{node.match}".'
            raise refuse(join(where, "op"), message, "Leave them out, or ask for `count` or `sum`.")
        return Children(link, node.match, inside)
    return _total(link, inside, node, binder, where)


def _total(link: Relation, inside: Bound, node: Related, binder: Binder, where: str) -> Bound:
    summed = link.module.field(node.sum, join(where, "sum")) if node.sum else None
    if summed and summed.kind != "number":
        message = f"{summed.title} is not a number."
        raise refuse(join(where, "sum"), message, "Choose an amount or a number.")
    what = f"The sum of {summed.title.lower()}" if summed else "The count"
    operator = _operator(node.op or "", "number", what, where)
    if operator.takes != "value" or operator.of_change:
        remedy = "Use `equals`, `less_than`, `at_least` and their like."
        raise refuse(join(where, "op"), f"`{operator.name}` does not fit {what.lower()}.", remedy)
    positive = OPERATORS[operator.negates] if operator.negates else operator
    measure = Path(binder.module, (), Field(name="total", type="decimal", label=what))
    value = operand(measure, positive, node.value, binder, join(where, "value"))
    total = Total(link, summed, inside, positive, value)
    return _negated(total) if operator.negates else total
