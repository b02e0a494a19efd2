"""The readings of a bound condition: whether it holds of a record in memory, and the same as a SQL WHERE."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    case,
    cast,
    exists,
    extract,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from engine.columns import DaysBetween, Number
from engine.conditions import (
    ALWAYS,
    Binder,
    Bound,
    Change,
    Children,
    Condition,
    Either,
    Every,
    Filled,
    Old,
    Opposite,
    Reached,
    Relation,
    Test,
    Total,
    bound,
)
from engine.fields import Field
from engine.modules import Module, Path
from engine.operators import fold

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


def holds(condition: Bound, facts: Facts) -> bool:
    """Whether this one record satisfies the condition. A comparison with an empty field is false, never unknown."""
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
        case Change():
            return _changed(condition, facts)
        case Children(relation, match, where):
            found = [holds(where, child) for child in facts.related(relation)]
            return {
                "some": any(found),
                "every": bool(found) and all(found),
                "none": not any(found),
            }[match]
        case Total(relation, summed, where, operator, value):
            kept = [child for child in facts.related(relation) if holds(where, child)]
            assert operator.test
            return bool(operator.test(_total(kept, relation, summed), value))


def _total(kept: Sequence[Facts], relation: Relation, summed: Field | None) -> Decimal:
    if summed is None:
        return Decimal(len(kept))
    path = Path(relation.module, (), summed)
    return sum(
        (value for child in kept if (value := child.value(path)) is not None),
        Decimal(0),
    )


def _tested(test: Test, facts: Facts) -> bool:
    have, want = facts.value(test.path), test.value
    if isinstance(want, Path):
        want = facts.value(want)
    elif isinstance(want, Old):
        before = facts.change(want.field)
        want = before[0] if before else facts.value(Path(test.path.module, (), want.field))
    if have is None or want is None:
        return False
    if test.form == "month_day":
        have = have.month * 100 + have.day
    if test.form == "folded":
        have, want = (
            fold(have),
            [fold(item) for item in want] if isinstance(want, list) else fold(want),
        )
    compare = (
        test.operator.of_lists
        if isinstance(have, list) and test.operator.of_lists
        else test.operator.test
    )
    assert compare
    return bool(compare(have, want))


def _changed(change: Change, facts: Facts) -> bool:
    touched = facts.change(change.field)
    if change.operator.name == "becomes":
        now = touched[1] if touched else None
        return touched is not None and now is not None and fold(now) == fold(change.value)
    if touched is None or facts.created:
        return False
    old, new = touched
    seen = {"changed_to": new, "changed_from": old}.get(change.operator.name)
    return change.operator.name == "changed" or (
        seen is not None and fold(seen) == fold(change.value)
    )


class Columns:
    """Where the fields of a record are found in SQL: in its own row, through references, or computed."""

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
        inner = self.on(hop.module, there).column(rest)
        key = there.c.username if hop.field.type == "owner" else there.c.id
        return (
            select(inner)
            .where(key == self.table.c[hop.field.name], there.c.deleted_at.is_(None))
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
            arms = [
                (self.when(arm["when"]), literal(field.parse(arm["then"])))
                for arm in formula["case"]
            ]
            return case(
                *arms,
                else_=literal(field.parse(formula["else"]))
                if formula.get("else") is not None
                else null(),
            )
        if "days_since" in formula:
            days = DaysBetween(literal(self.binder.today), self.table.c[formula["days_since"]])
            kept = [self.when(formula["when"])] if "when" in formula else []
            kept += [days >= formula["at_least"]] if "at_least" in formula else []
            return case((and_(*kept), days), else_=null()) if kept else days
        return self._over_children(field, formula)

    def _over_children(self, field: Field, formula: Mapping[str, Any]) -> ColumnElement[Any]:
        how = next(name for name in ("sum", "min", "max", "count") if name in formula)
        child = self.schema.module(formula["count"] if how == "count" else formula["of"])
        table = self.schema.tables[child.name].alias()
        inside = self.on(child, table)
        measured = table.c.id if how == "count" else inside.field(child.field(formula[how]))
        total: ColumnElement[Any] = getattr(func, how)(measured)
        if how == "sum":
            total = (
                cast(func.round(func.coalesce(total, 0), 4), Number(2))
                if field.kind == "number"
                else total
            )
        query = select(total).where(
            table.c[formula["via"]] == self.table.c.id, table.c.deleted_at.is_(None)
        )
        if "where" in formula:
            query = query.where(inside.when(formula["where"]))
        return query.correlate(self.table).scalar_subquery()

    def when(self, condition: Any) -> ColumnElement[bool]:
        """A condition written in a formula, over the row at hand."""
        written = CONDITION.validate_python(condition) if isinstance(condition, dict) else condition
        return where(bound(written or ALWAYS, self.binder), self)


def where(condition: Bound, columns: Columns) -> ColumnElement[bool]:
    """The same condition as a WHERE clause. NULL is only dangerous under NOT, so only NOT guards against it."""
    match condition:
        case Every(parts):
            return and_(true(), *(where(part, columns) for part in parts))
        case Either(parts):
            return or_(false(), *(where(part, columns) for part in parts))
        case Opposite(part):
            return not_(func.coalesce(where(part, columns), false()))
        case Filled(path):
            return columns.column(path).is_not(None)
        case Reached(path):
            return columns.column(_end(path)).is_not(None)
        case Test():
            return _test(condition, columns)
        case Change(field, operator, _):
            raise ValueError(
                f"`{operator.name}` of `{field.name}` has no meaning for a set of records"
            )
        case Children(relation, match, inside):
            return _children(relation, match, inside, columns)
        case Total(relation, summed, inside, operator, value):
            assert operator.test
            return operator.test(_total_column(relation, summed, inside, columns), value)  # type: ignore[no-any-return]  # columns compare to columns


def _end(path: Path) -> Path:
    return Path(path.module, path.hops, path.hops[-1].module.field("id"))


def _test(test: Test, columns: Columns) -> ColumnElement[bool]:
    have: Any = columns.column(test.path)
    want: Any = columns.column(test.value) if isinstance(test.value, Path) else test.value
    is_list = test.path.field.kind == "list"
    if test.form == "month_day":
        have = extract("month", have) * 100 + extract("day", have)
    if test.form == "folded" and not is_list:
        have, want = (
            fold(have),
            [fold(item) for item in want] if isinstance(want, list) else fold(want),
        )
    compare = test.operator.of_lists if is_list and test.operator.of_lists else test.operator.test
    assert compare
    return compare(have, want)  # type: ignore[no-any-return]  # columns compare to columns


def _belongs(relation: Relation, columns: Columns) -> tuple[FromClause, ColumnElement[bool]]:
    table = columns.schema.tables[relation.module.name].alias()
    mine = table.c[relation.via.name] == columns.table.c[relation.anchor]
    return table, and_(mine, table.c.deleted_at.is_(None))


def _children(
    relation: Relation, match: str, inside: Bound, columns: Columns
) -> ColumnElement[bool]:
    table, mine = _belongs(relation, columns)
    true_of = where(inside, columns.on(relation.module, table))
    some = exists(
        select(literal(1)).select_from(table).where(mine, true_of).correlate(columns.table)
    )
    if match == "some":
        return some
    if match == "none":
        return not_(some)
    other = exists(
        select(literal(1))
        .select_from(table)
        .where(mine, not_(func.coalesce(true_of, false())))
        .correlate(columns.table)
    )
    return and_(some, not_(other))


def _total_column(
    relation: Relation, summed: Field | None, inside: Bound, columns: Columns
) -> ColumnElement[Any]:
    table, mine = _belongs(relation, columns)
    there = columns.on(relation.module, table)
    total = (
        func.count()
        if summed is None
        else func.round(func.coalesce(func.sum(there.field(summed)), 0), 4)
    )
    measured = cast(total, Number())
    return (
        select(measured)
        .select_from(table)
        .where(mine, where(inside, there))
        .correlate(columns.table)
        .scalar_subquery()
    )
