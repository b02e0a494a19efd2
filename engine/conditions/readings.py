"""The readings of a bound condition: whether it holds of a record, and the same as a WHERE."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from engine.conditions import Condition, bound
from engine.conditions.bound import (
    Binder,
    Bound,
    Change,
    Children,
    Either,
    Every,
    Filled,
    Link,
    Old,
    Opposite,
    Reached,
    Relation,
    Tagged,
    Test,
    Total,
)
from engine.conditions.operators import Operator, fold, has, month_day
from engine.conditions.relations import relation
from engine.schema.fields import Field
from engine.schema.modules import Module, Path
from engine.schema.own_modules import TAG_CATEGORIES
from engine.schema.sql_types import DaysBetween, Fold, Key, Number

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


class Facts(Protocol):
    """What can be known of one record in memory."""

    def value(self, path: Path) -> Any:
        """The value at the end of the path; None if it is empty or the path leads nowhere."""

    def reached(self, path: Path) -> bool:
        """Whether the references of the path all lead to a record."""

    def change(self, field: Field) -> tuple[Any, Any] | None:
        """The old and the new value of a field, if this change touched it."""

    @property
    def created(self) -> bool:
        """Whether the change is the record's creation."""

    def related(self, relation: Relation) -> Sequence["Facts"]:
        """The records that belong with this one."""

    def labelled(self, category: str) -> Collection[str]:
        """The tags of a category, all folded."""


def holds(condition: Bound, facts: Facts) -> bool:
    """Whether this one record satisfies the condition.

    A comparison with an empty field is false, never unknown.
    """
    match condition:
        case Every(parts):
            return all(holds(part, facts) for part in parts)
        case Either(parts):
            return any(holds(part, facts) for part in parts)
        case Opposite(part):
            return not holds(part, facts)
        case Filled(path):
            return facts.value(path) is not None
        case Reached(path):
            return facts.reached(path)
        case Test():
            return _tested(condition, facts)
        case Tagged(path, category):
            tags = facts.value(path)
            return bool(tags) and not set(fold(tags)).isdisjoint(facts.labelled(category))
        case Change():
            return _changed(condition, facts)
        case Children(relation, match, inside):
            found = [holds(inside, child) for child in facts.related(relation)]
            if match == "every":
                return bool(found) and all(found)
            return any(found) is (match == "some")
        case Total(relation, summed, inside, operator, value):
            kept = [child for child in facts.related(relation) if holds(inside, child)]
            want = _wanted(value, facts)
            assert operator.test
            return want is not None and bool(operator.test(added(kept, relation, summed), want))


def _tested(test: Test, facts: Facts) -> bool:
    have, want = facts.value(test.path), _wanted(test.value, facts)
    if have is None or want is None:
        return False
    assert test.operator.test
    return bool(test.operator.test(_seen(test, have), _seen(test, want)))


def _wanted(value: Any, facts: Facts) -> Any:
    """What a field is compared with: the value itself, or that of another field, now or before."""
    match value:
        case Path():
            return facts.value(value)
        case Old(path):
            if facts.created:
                return None
            touched = facts.change(path.field)
            return touched[0] if touched else facts.value(path)
    return value


def _seen(test: Test, value: Any) -> Any:
    """One side of a comparison, a value or a column, in the form that both are compared in."""
    forms = {"folded": fold, "month_day": month_day}
    return forms[test.form](value) if test.form in forms else value


@dataclass(frozen=True)
class Instead:
    """A record with other values in the place of what some of its fields hold now."""

    facts: Facts
    values: Mapping[str, Any]

    def value(self, path: Path) -> Any:
        own = not path.hops and path.field.name in self.values
        return self.values[path.field.name] if own else self.facts.value(path)

    def reached(self, path: Path) -> bool:
        return self.facts.reached(path)

    def change(self, field: Field) -> tuple[Any, Any] | None:
        return self.facts.change(field)

    @property
    def created(self) -> bool:
        return self.facts.created

    def related(self, relation: Relation) -> Sequence[Facts]:
        return self.facts.related(relation)

    def labelled(self, category: str) -> Collection[str]:
        return self.facts.labelled(category)


def _changed(change: Change, facts: Facts) -> bool:
    """Only `becomes` looks at a creation too; for all others nothing changed then."""
    field, name = change.path.field, change.operator.name
    touched = facts.change(field)
    if facts.created:
        touched = (None, facts.value(change.path)) if name == "becomes" else None
    if touched is None or touched[0] == touched[1]:
        return False
    side = touched[0] if name == "changed_from" else touched[1]
    return change.side is None or holds(change.side, Instead(facts, {field.name: side}))


def added(kept: Sequence[Facts], relation: Relation, summed: Field | None) -> Decimal:
    """How many records these are, or what one of their fields adds up to."""
    if summed is None:
        return Decimal(len(kept))
    path = Path(relation.module, (), summed)
    filled = (value for child in kept if (value := child.value(path)) is not None)
    return sum(filled, Decimal(0))


class Columns:
    """Where the fields of a record are in SQL: in its row, through references, or computed."""

    def __init__(self, binder: Binder, table: FromClause | None = None) -> None:
        self.binder, self.schema = binder, binder.schema
        self.table: FromClause = self.schema.tables[binder.module.name] if table is None else table

    def on(self, module: Module, table: FromClause) -> "Columns":
        return Columns(self.binder.of(module), table)

    def column(self, path: Path) -> ColumnElement[Any]:
        """The value at the end of a path, NULL if the path leads nowhere."""
        if not path.hops:
            return self.field(path.field)
        hop, rest = path.hops[0], Path(path.hops[0].module, path.hops[1:], path.field)
        there = self.schema.tables[hop.module.name].alias()
        key = there.c.username if hop.field.type == "owner" else there.c.id
        named = self.table.c[hop.field.name]
        wanted = _id_in(named, hop.module) if hop.field.type == "record" else named
        return (
            select(self.on(hop.module, there).column(rest))
            .where(key == wanted, there.c.deleted_at.is_(None))
            .correlate(self.table)
            .scalar_subquery()
        )

    def field(self, field: Field) -> ColumnElement[Any]:
        if not field.computed:
            return self.table.c[field.name]
        return self.formula(field, field.formula or {})

    def formula(self, field: Field, formula: Mapping[str, Any]) -> ColumnElement[Any]:
        """A computed field as an expression over the row or its children."""
        if "case" in formula:
            return self._case(field, formula)
        if "days_since" in formula:
            return self._days_since(formula)
        return self._over_children(field, formula)

    def _case(self, field: Field, formula: Mapping[str, Any]) -> ColumnElement[Any]:
        def typed(value: Any) -> ColumnElement[Any]:
            return literal(field.parse(value, self.binder.calendar.timezone), field.kept.sql())

        arms = [(self.when(arm["when"]), typed(arm["then"])) for arm in formula["case"]]
        return case(*arms, else_=typed(formula.get("else")))

    def _days_since(self, formula: Mapping[str, Any]) -> ColumnElement[Any]:
        day = self.field(self.binder.module.field(formula["days_since"]))
        until: ColumnElement[Any] = literal(self.binder.today)
        if "until" in formula:
            until = self.field(self.binder.module.field(formula["until"]))
        days = DaysBetween(until, day)
        kept = [self.when(formula["when"])] if "when" in formula else []
        kept += [days >= formula["at_least"]] if "at_least" in formula else []
        return case((and_(*kept), days), else_=null()) if kept else days

    def _over_children(self, field: Field, formula: Mapping[str, Any]) -> ColumnElement[Any]:
        how = next(name for name in ("sum", "avg", "min", "max", "count") if name in formula)
        child = self.schema.module(formula["count"] if how == "count" else formula["of"])
        table, mine = belongs(relation(self.binder, child.name, formula["via"], ""), self)
        inside = self.on(child, table)
        measured = table.c.id if how == "count" else inside.field(child.field(formula[how]))
        total: ColumnElement[Any] = getattr(func, how)(measured)
        if how == "sum":
            total = _rounded(total, field.kept.sql())
        elif how == "avg":
            total = cast(func.round(total, 4), field.kept.sql())
        kept = [inside.when(formula["where"])] if "where" in formula else []
        query = select(total).where(mine, *kept)
        return query.correlate(self.table).scalar_subquery()

    def when(self, condition: Any) -> ColumnElement[bool]:
        """A condition written in a formula, over the row at hand."""
        written = CONDITION.validate_python(condition)
        return where(bound(written, replace(self.binder, event=False, problems=[])), self)


def _rounded(total: ColumnElement[Any], kept: TypeEngine[Any]) -> ColumnElement[Any]:
    """A sum as it is kept: 0 of nothing, and to four places, which doubles alone do not keep."""
    return cast(func.round(func.coalesce(total, 0), 4), kept)


def where(condition: Bound, columns: Columns) -> ColumnElement[bool]:
    """The same condition as a WHERE clause.

    NULL is only dangerous under NOT, so only NOT guards against it.
    """
    match condition:
        case Every(parts):
            return and_(true(), *(where(part, columns) for part in parts))
        case Either(parts):
            return or_(false(), *(where(part, columns) for part in parts))
        case Opposite(part):
            return not_(_known(where(part, columns)))
        case Filled(path):
            return columns.column(path).is_not(None)
        case Reached(path):
            return columns.column(_end(path)).is_not(None)
        case Test(path, operator, value):
            have, want = columns.column(path), _comparable(value, columns)
            return _clause(operator, _seen(condition, have), _seen(condition, want))
        case Tagged(path, category):
            return _tagged(columns.column(path), category, columns)
        case Change(path, operator):
            raise ValueError(f"`{operator.name}` of `{path}` has no meaning for a set of records")
        case Children(relation, match, inside):
            return _children(relation, match, inside, columns)
        case Total(relation, summed, inside, operator, value):
            total = _total_column(relation, summed, inside, columns)
            return _clause(operator, total, _comparable(value, columns))


def _known(clause: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.coalesce(clause, false())


def _clause(operator: Operator, have: ColumnElement[Any], want: Any) -> ColumnElement[bool]:
    assert operator.test
    clause: ColumnElement[bool] = operator.test(have, want)
    return clause


def _comparable(value: Any, columns: Columns) -> Any:
    match value:
        case Path():
            return columns.column(value)
        case Old(path):
            raise ValueError(f"the old value of `{path}` has no meaning for a set of records")
    return value


def _end(path: Path) -> Path:
    return Path(path.module, path.hops, path.hops[-1].module.field("id"))


def belongs(relation: Relation, columns: Columns) -> tuple[FromClause, ColumnElement[bool]]:
    table = columns.schema.tables[relation.module.name].alias()
    anchor: ColumnElement[Any] = columns.table.c[relation.anchor]
    if relation.prefix:
        anchor = literal(relation.prefix, String()) + cast(anchor, String())
    if relation.link:
        ids = _linked(relation.link, relation.via, anchor, columns)
        return table, and_(table.c.id.in_(ids), table.c.deleted_at.is_(None))
    mine = table.c[relation.via.name] == anchor
    return table, and_(mine, table.c.deleted_at.is_(None))


def _linked(link: Link, via: Field, anchor: ColumnElement[Any], columns: Columns) -> Select[Any]:
    """The ids that the records in between lead on to."""
    between = columns.schema.tables[link.module.name].alias()
    ours = (between.c[via.name] == anchor, between.c.deleted_at.is_(None))
    return select(between.c[link.onward.name]).where(*ours).correlate(columns.table)


def _id_in(column: ColumnElement[Any], module: Module) -> ColumnElement[Any]:
    """The id of `module/id`; NULL where it names a record of another module."""
    prefix = f"{module.name}/"
    id = cast(func.substr(column, len(prefix) + 1), Key)
    return case((func.substr(column, 1, len(prefix)) == prefix, id))


def _tagged(tags: ColumnElement[Any], category: str, columns: Columns) -> ColumnElement[bool]:
    known = columns.schema.tables[TAG_CATEGORIES].alias()
    held = has(fold(tags), Fold(known.c.name))
    of_it = (Fold(known.c.category) == category, known.c.deleted_at.is_(None))
    found = select(literal(1)).select_from(known).where(*of_it, held)
    return exists(found.correlate(columns.table))


def _children(
    relation: Relation, match: str, inside: Bound, columns: Columns
) -> ColumnElement[bool]:
    table, mine = belongs(relation, columns)
    true_of = where(inside, columns.on(relation.module, table))

    def any_that(*clauses: ColumnElement[bool]) -> ColumnElement[bool]:
        found = select(literal(1)).select_from(table).where(mine, *clauses)
        return exists(found.correlate(columns.table))

    if match == "every":
        return and_(any_that(), not_(any_that(not_(_known(true_of)))))
    return any_that(true_of) if match == "some" else not_(any_that(true_of))


def _total_column(
    relation: Relation, summed: Field | None, inside: Bound, columns: Columns
) -> ColumnElement[Any]:
    table, mine = belongs(relation, columns)
    there = columns.on(relation.module, table)
    total = func.sum(there.field(summed)) if summed else func.count()
    query = select(_rounded(total, Number())).select_from(table)
    return query.where(mine, where(inside, there)).correlate(columns.table).scalar_subquery()
