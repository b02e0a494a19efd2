"""Conditions: one tree, as it is written, and as it is bound to the fields, the day and the people of a company."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Discriminator, JsonValue, Tag
from pydantic import Field as Key

from engine.calendar import Calendar, parse_moment
from engine.fields import Field
from engine.modules import Module, Path, Schema
from engine.operators import OPERATORS, Operator
from engine.problems import BadValue, Invalid, Problem, join, suggest


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
    op: str
    value: JsonValue = None
    exact: bool = False


class Related(Node):
    """What is true of the records that refer to the same record as this one, or to this one itself."""

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
    keys = (
        node
        if isinstance(node, dict)
        else {key.alias or name for name, key in type(node).model_fields.items()}
    )
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
        custom_error_message="a condition has one of the keys `all`, `any`, `not`, `field` or `related`",
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

# --- bound: every name a field, every value typed, every word for a day a date ---


@dataclass(frozen=True)
class Every:
    parts: tuple["Bound", ...]


@dataclass(frozen=True)
class Either:
    parts: tuple["Bound", ...]


@dataclass(frozen=True)
class Opposite:
    part: "Bound"


@dataclass(frozen=True)
class Filled:
    path: Path


@dataclass(frozen=True)
class Reached:
    """The references of this path all lead somewhere."""

    path: Path


@dataclass(frozen=True)
class Old:
    """The value a field had before this change."""

    field: Field


@dataclass(frozen=True)
class Test:
    """Two filled values compared. `form` says how both are seen: folded text, as they are, or month and day alone."""

    path: Path
    operator: Operator
    value: Any
    form: Literal["folded", "exact", "month_day"] = "folded"


@dataclass(frozen=True)
class Change:
    """Something about what one field was changed from or to."""

    field: Field
    operator: Operator
    value: Any


@dataclass(frozen=True)
class Relation:
    """Which records of another module belong with this one: those whose `via` equals our `anchor`."""

    module: Module
    via: Field
    anchor: str


@dataclass(frozen=True)
class Children:
    relation: Relation
    match: Literal["some", "every", "none"]
    where: "Bound"


@dataclass(frozen=True)
class Total:
    """How many related records there are, or what one of their fields adds up to."""

    relation: Relation
    sum: Field | None
    where: "Bound"
    operator: Operator
    value: Any


Bound = Union[Every, Either, Opposite, Filled, Reached, Test, Change, Children, Total]
NOTHING = Either(())
Lookup = Callable[[Module, str], int | None]


@dataclass
class Binder:
    """What names and words mean here and today. Problems found on the way are collected, not raised."""

    schema: Schema
    module: Module
    now: datetime
    calendar: Calendar
    lookup: Lookup = lambda module, name: None
    handles: Collection[str] = ()
    event: bool = False
    problems: list[Problem] = field(default_factory=list)

    @property
    def today(self) -> date:
        return self.calendar.today(self.now)

    def of(self, module: Module) -> "Binder":
        """The same meanings seen from another module, where there is no change to look at."""
        return Binder(
            self.schema,
            module,
            self.now,
            self.calendar,
            self.lookup,
            self.handles,
            False,
            self.problems,
        )

    def start(self, day: date) -> datetime:
        return self.calendar.at(day, time(0))


def bind(condition: Condition, binder: Binder, where: str = "") -> Bound:
    """The condition with every name and value resolved; faulty parts are never true and leave a problem."""
    match condition:
        case AllOf(all=parts):
            return Every(
                tuple(bind(part, binder, join(where, f"all.{i}")) for i, part in enumerate(parts))
            )
        case AnyOf(any=parts):
            return Either(
                tuple(bind(part, binder, join(where, f"any.{i}")) for i, part in enumerate(parts))
            )
        case NotOf(part=part):
            return Opposite(bind(part, binder, join(where, "not")))
        case Related():
            return _guarded(lambda: _related(condition, binder, where), binder)
        case Compare():
            return _guarded(lambda: _compare(condition, binder, where), binder)


def bound(condition: Condition, binder: Binder) -> Bound:
    """As `bind`, for conditions that must be sound. Raises `Invalid` with all problems."""
    result = bind(condition, binder)
    if binder.problems:
        raise Invalid(*binder.problems)
    return result


def _guarded(make: Callable[[], Bound], binder: Binder) -> Bound:
    try:
        return make()
    except Invalid as invalid:
        binder.problems.extend(invalid.problems)
        return NOTHING


def _operator(name: str, where: str) -> Operator:
    if found := OPERATORS.get(name):
        return found
    raise Invalid(
        Problem(
            join(where, "op"),
            f"there is no operator `{name}`.",
            suggest(name, OPERATORS, "Operators"),
        )
    )


def _compare(node: Compare, binder: Binder, where: str) -> Bound:
    path = binder.schema.path(binder.module, node.field, join(where, "field"))
    operator = _operator(node.op, where)
    if path.field.kind not in operator.kinds:
        fitting = [name for name, other in OPERATORS.items() if path.field.kind in other.kinds]
        remedy = suggest(node.op, fitting, f"{path.field.title} can be compared with")
        raise Invalid(
            Problem(
                join(where, "op"),
                f"`{node.op}` does not fit {path.field.title} ({path.field.type}).",
                remedy,
            )
        )
    if operator.of_change:
        return _change(path, operator, node, binder, where)
    if operator.name in ("is_empty", "is_not_empty"):
        _no_value(node, where)
        return Opposite(Filled(path)) if operator.name == "is_empty" else Filled(path)
    if operator.negates:
        positive = _positive(path, OPERATORS[operator.negates], node, binder, where)
        return Every((Reached(path), Opposite(positive))) if path.hops else Opposite(positive)
    return _positive(path, operator, node, binder, where)


def _no_value(node: Compare, where: str) -> None:
    if node.value is not None:
        raise Invalid(
            Problem(
                join(where, "value"),
                f"`{node.op}` takes no value.",
                "Leave `value` out.",
            )
        )


def _positive(path: Path, operator: Operator, node: Compare, binder: Binder, where: str) -> Bound:
    at = join(where, "value")
    if operator.takes == "range":
        low, high = _several(node.value, 2, operator, at)
        lowest = _positive(
            path,
            OPERATORS["at_least"],
            node.model_copy(update={"value": low}),
            binder,
            where,
        )
        return Every(
            (
                lowest,
                _positive(
                    path,
                    OPERATORS["at_most"],
                    node.model_copy(update={"value": high}),
                    binder,
                    where,
                ),
            )
        )
    if operator.takes == "list":
        values = [
            _value(path, item, binder, f"{at}.{i}")
            for i, item in enumerate(_several(node.value, 1, operator, at))
        ]
        if any(
            isinstance(value, (Path, Old)) or type(value) is date and path.field.kind == "datetime"
            for value in values
        ):
            return Either(
                tuple(_test(path, OPERATORS["equals"], value, node, binder) for value in values)
            )
        return _test(path, operator, values, node, binder)
    return _test(path, operator, _value(path, node.value, binder, at), node, binder)


def _several(value: JsonValue, least: int, operator: Operator, at: str) -> list[JsonValue]:
    if (
        not isinstance(value, list)
        or len(value) < least
        or (operator.takes == "range" and len(value) != 2)
    ):
        remedy = (
            "Write [lowest, highest]."
            if operator.takes == "range"
            else 'Write a list, like ["Open", "Waiting"].'
        )
        raise Invalid(
            Problem(
                at,
                f"`{operator.name}` takes {'two values' if least == 2 else 'a list of values'}.",
                remedy,
            )
        )
    return value


def _test(path: Path, operator: Operator, value: Any, node: Compare, binder: Binder) -> Bound:
    if path.field.kind == "datetime" and type(value) is date:
        return _by_day(path, operator, value, binder)
    if path.field.yearly and operator.name == "equals" and isinstance(value, date):
        return Test(path, operator, value.month * 100 + value.day, "month_day")
    if (
        node.exact
        or path.field.type in ("picklist", "owner", "record")
        and not isinstance(value, (Path, Old))
    ):
        loose = operator.name in ("starts_with", "ends_with", "contains") and not node.exact
        return Test(path, operator, value, "folded" if loose else "exact")
    return Test(path, operator, value)


def _by_day(path: Path, operator: Operator, day: date, binder: Binder) -> Bound:
    """A point in time against a day: the day as the company's clock counts it, its first moment to its last."""
    first, next_day = binder.start(day), binder.start(day + timedelta(days=1))
    since, before = (
        Test(path, OPERATORS["at_least"], first),
        Test(path, OPERATORS["less_than"], next_day),
    )
    match operator.name:
        case "equals":
            return Every((since, before))
        case "less_than":
            return Test(path, OPERATORS["less_than"], first)
        case "at_least":
            return since
        case "at_most":
            return before
        case _:
            return Test(path, OPERATORS["at_least"], next_day)


def _change(path: Path, operator: Operator, node: Compare, binder: Binder, where: str) -> Bound:
    if path.hops:
        raise Invalid(
            Problem(
                join(where, "field"),
                f"`{path}` belongs to another record; only fields of this record show their change.",
                f"Use a field of {binder.module.label}.",
            )
        )
    if not binder.event:
        remedy = "Compare the value itself, or start the workflow by `record_modified` instead."
        raise Invalid(
            Problem(
                join(where, "op"),
                f"`{operator.name}` looks at a change, and here there is none to look at.",
                remedy,
            )
        )
    if operator.takes == "nothing":
        _no_value(node, where)
        return Change(path.field, operator, None)
    return Change(path.field, operator, _value(path, node.value, binder, join(where, "value")))


def _value(path: Path, raw: JsonValue, binder: Binder, at: str) -> Any:
    if isinstance(raw, dict):
        return _elsewhere(path, raw, binder, at)
    kind = path.field.kind
    if kind in ("date", "datetime") and isinstance(raw, str) and (moment := parse_moment(raw)):
        when = moment.resolve(binder.now, binder.calendar)
        return (
            binder.calendar.today(when) if kind == "date" and isinstance(when, datetime) else when
        )
    try:
        if kind == "datetime" and isinstance(raw, str) and len(raw.strip()) == 10:
            return date.fromisoformat(raw.strip())
        value = path.field.parse(_named(path.field, raw, binder))
    except BadValue as bad:
        raise Invalid(Problem(at, bad.message, bad.remedy)) from None
    except ValueError as error:
        raise Invalid(Problem(at, f"{error}.", "Write a day like 2026-03-10.")) from None
    if value is None:
        raise Invalid(
            Problem(
                at,
                "there is nothing to compare with.",
                "Give a value, or use `is_empty`.",
            )
        )
    if path.field.type == "owner" and binder.handles and value not in binder.handles:
        raise Invalid(
            Problem(
                at,
                f"there is no user or group `{value}`.",
                suggest(str(value), binder.handles, "There are"),
            )
        )
    return value


def _named(named: Field, raw: JsonValue, binder: Binder) -> Any:
    """A reference may be given by the number or name of its record."""
    if named.type == "reference" and isinstance(raw, str) and not raw.strip().isdigit():
        found = binder.lookup(binder.schema.module(named.module or ""), raw)
        if found is None:
            raise BadValue(
                f"there is no record `{raw}` in {named.module}.",
                "Give its id, number or name.",
            )
        return found
    return raw


def _elsewhere(path: Path, raw: dict[str, JsonValue], binder: Binder, at: str) -> Path | Old:
    key, name = next(iter(raw.items()), ("", None))
    if len(raw) != 1 or key not in ("field", "old") or not isinstance(name, str):
        raise Invalid(
            Problem(
                at,
                "this is neither a value nor a field.",
                'Write {"field": "credit_limit"} or {"old": "amount"}.',
            )
        )
    if key == "old" and not binder.event:
        raise Invalid(
            Problem(
                at,
                "there is no change here, so no old value.",
                'Use {"field": ...} or an event trigger.',
            )
        )
    other = binder.schema.path(binder.module, name, at)
    if other.field.kind != path.field.kind or (key == "old" and other.hops):
        raise Invalid(
            Problem(
                at,
                f"{path.field.title} and {other.field.title} cannot be compared.",
                f"Choose a {path.field.kind} field.",
            )
        )
    return Old(other.field) if key == "old" else other


def relation(binder: Binder, related: str, via: str, where: str) -> Relation:
    """How the records of another module belong with this one. Raises `Invalid`."""
    there = binder.schema.module(related, join(where, "related"))
    link = there.field(via, join(where, "via"))
    if link.type == "reference" and link.module == binder.module.name:
        return Relation(there, link, "id")
    ours = binder.module.by_name.get(via)
    if (
        ours
        and link.type == "reference"
        and ours.type == "reference"
        and ours.module == link.module
    ):
        return Relation(there, link, via)
    fitting = [
        name
        for name, field in there.by_name.items()
        if field.type == "reference"
        and (field.module == binder.module.name or name in binder.module.by_name)
    ]
    raise Invalid(
        Problem(
            join(where, "via"),
            f"`{via}` of {there.label} does not lead to {binder.module.label}.",
            suggest(via, fitting, "Fitting"),
        )
    )


def _related(node: Related, binder: Binder, where: str) -> Bound:
    link = relation(binder, node.related, node.via, where)
    inside = bind(node.where or ALWAYS, binder.of(link.module), join(where, "where"))
    asked = [node.match is not None, node.count, node.sum is not None]
    if sum(asked) != 1:
        raise Invalid(
            Problem(
                where,
                "say what to ask of the related records.",
                'One of "match": "some", "every" or "none"; "count": true; "sum": FIELD.',
            )
        )
    if node.match:
        return Children(link, node.match, inside)
    operator = _operator(node.op or "", where)
    if operator.name not in (
        "equals",
        "less_than",
        "greater_than",
        "at_most",
        "at_least",
    ):
        raise Invalid(
            Problem(
                join(where, "op"),
                f"`{operator.name}` does not fit a number.",
                "Use equals, less_than, at_least, ...",
            )
        )
    summed = link.module.field(node.sum, join(where, "sum")) if node.sum else None
    if summed and summed.kind != "number":
        raise Invalid(
            Problem(
                join(where, "sum"),
                f"{summed.title} is not a number.",
                "Choose an amount or a number.",
            )
        )
    measure = summed or Field(name="count", type="decimal", label="The count")
    try:
        value = measure.parse(node.value)
    except BadValue as bad:
        raise Invalid(Problem(join(where, "value"), bad.message, bad.remedy)) from None
    if value is None:
        raise Invalid(
            Problem(
                join(where, "value"),
                "there is nothing to compare with.",
                "Give a number.",
            )
        )
    return Total(link, summed, inside, operator, value)


def _merged(path: Path, operator: Operator, each: list[Bound]) -> Bound:
    """One test of a list, where all of its items are plain values; else one of each."""
    plain = [
        test.value
        for test in each
        if isinstance(test, Test)
        and test.form != "month_day"
        and not isinstance(test.value, (Path, Old))
    ]
    if len(plain) < len(each) or not isinstance(each[0], Test):
        return Either(tuple(each))
    return Test(path, operator, plain, each[0].form)


def _test(path: Path, operator: Operator, value: Any, node: Compare, binder: Binder) -> Bound:
    if path.field.kind == "datetime" and type(value) is date:
        return _by_day(path, operator, value, binder)
    if path.field.yearly and operator.name == "equals":
        return Test(path, operator, value, "month_day")
    # What is kept in one spelling needs no folding, and so can use an index.
    one_spelling = path.field.kept.name in ("picklist", "owner", "record")
    literal = not isinstance(value, (Path, Old))
    exact = node.exact or (one_spelling and literal and not operator.of_parts)
    return Test(path, operator, value, "exact" if exact else "folded")


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
    return Every((since, before))


def _change(path: Path, operator: Operator, node: Compare, binder: Binder, where: str) -> Bound:
    if path.hops:
        message = (
            f"`{path}` belongs to another record; here only the record's own changes are seen."
        )
        raise refuse(join(where, "field"), message, f"Use a field of {binder.module.label}.")
    if not recorded(path.field):
        message = f"nobody changes {path.field.title}, so its changes are not recorded."
        raise refuse(join(where, "field"), message, "Use a field it depends on.")
    if not binder.event:
        message = f"`{operator.name}` looks at a change, and here there is none to look at."
        remedy = "Compare the value itself, or start the workflow by `record_modified` instead."
        raise refuse(join(where, "op"), message, remedy)
    if operator.takes == "nothing":
        return Change(path.field, operator, None)
    return Change(path.field, operator, _positive(path, OPERATORS["equals"], node, binder, where))


def relation(binder: Binder, related: str, via: str, where: str) -> Relation:
    """How the records of another module belong with this one. Raises `Invalid`."""
    there = binder.schema.module(related, join(where, "related"))
    link = there.field(via, join(where, "via"))
    if link.type == "reference" and link.module == binder.module.name:
        return Relation(there, link, "id")
    ours = binder.module.by_name.get(via)
    if ours and link.type == ours.type == "reference" and ours.module == link.module:
        return Relation(there, link, via)
    fitting = [
        field.name
        for field in there.fields
        if field.type == "reference"
        and (field.module == binder.module.name or field in binder.module.fields)
    ]
    message = f"`{via}` of {there.label} does not lead to {binder.module.label}."
    raise refuse(join(where, "via"), message, suggest(via, fitting, "Fitting"))


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
    measure = Field(
        name="total",
        type="decimal",
        label=f"The sum of {summed.title.lower()}" if summed else "The count",
    )
    operator = _operator(node.op or "", "number", measure.title, where)
    ...
