"""How values are kept in SQLite and PostgreSQL so that both compare, sort and fold them alike."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Float, Integer, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine
from sqlalchemy.types import Text as SqlText

PLACES = Decimal("0.0001")

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Key = BigInteger().with_variant(Integer, "sqlite")


class Number(TypeDecorator[Decimal]):
    """A decimal of at most four places: NUMERIC, or on SQLite a double (exact to 15 digits)."""

    impl = Numeric
    cache_ok = True

    def __init__(self, places: int = 0) -> None:
        super().__init__()
        self.places = places

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kept: TypeEngine[Any] = Float() if dialect.name == "sqlite" else Numeric(18, 4)
        return dialect.type_descriptor(kept)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return float(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else tidy(Decimal(str(value)), self.places)


class Moment(TypeDecorator[datetime]):
    """A point in time, aware and in UTC in memory."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def tidy(number: Decimal, places: int = 0) -> Decimal:
    """The number with at most four places, at least `places`, and no exponent."""
    exact = number.quantize(PLACES) + 0  # which makes -0 plain 0
    least = exact.normalize()
    shown = max(places, -int(least.as_tuple().exponent))
    return exact.quantize(Decimal(1).scaleb(-shown))


class Fold(FunctionElement[str]):
    """Text without its case, by the same Unicode rules as Python's `casefold`."""

    type = SqlText()
    inherit_cache = True


class Position(FunctionElement[int]):
    """Where one text begins in another, counted from 1; 0 if nowhere."""

    type = Integer()
    inherit_cache = True


class DaysBetween(FunctionElement[int]):
    """Whole days from the second date to the first."""

    type = Integer()
    inherit_cache = True


class FoldItems(FunctionElement[Any]):
    """A list column with each of its texts folded."""

    type = Json
    inherit_cache = True


class HasItem(FunctionElement[bool]):
    """Whether a list column holds exactly this text."""

    type = Boolean()
    inherit_cache = True


def _arguments(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> list[str]:
    return [compiler.process(part, **kw) for part in element.clauses]


@compiles(Fold, "sqlite")
def _fold_sqlite(element: Fold, compiler: SQLCompiler, **kw: Any) -> str:
    return f"fold({_arguments(element, compiler, **kw)[0]})"


@compiles(Fold, "postgresql")
def _fold_postgres(element: Fold, compiler: SQLCompiler, **kw: Any) -> str:
    return f'casefold(({_arguments(element, compiler, **kw)[0]}) COLLATE "pg_unicode_fast")'


@compiles(Position, "sqlite")
def _position_sqlite(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return "instr({}, {})".format(*_arguments(element, compiler, **kw))


@compiles(Position, "postgresql")
def _position_postgres(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return 'strpos(({}) COLLATE "C", ({}) COLLATE "C")'.format(*_arguments(element, compiler, **kw))


@compiles(DaysBetween, "sqlite")
def _days_sqlite(element: DaysBetween, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = _arguments(element, compiler, **kw)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(DaysBetween, "postgresql")
def _days_postgres(element: DaysBetween, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = _arguments(element, compiler, **kw)
    return f"(({later})::date - ({earlier})::date)"


@compiles(FoldItems, "sqlite")
def _fold_items_sqlite(element: FoldItems, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = _arguments(element, compiler, **kw)
    return f"(SELECT json_group_array(fold(item.value)) FROM json_each({column}) AS item)"


@compiles(FoldItems, "postgresql")
def _fold_items_postgres(element: FoldItems, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = _arguments(element, compiler, **kw)
    folded = 'casefold(item.value COLLATE "pg_unicode_fast")'
    return f"(SELECT jsonb_agg({folded}) FROM jsonb_array_elements_text({column}) AS item(value))"


@compiles(HasItem, "sqlite")
def _has_item_sqlite(element: HasItem, compiler: SQLCompiler, **kw: Any) -> str:
    column, item = _arguments(element, compiler, **kw)
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS item WHERE item.value = {item})"


@compiles(HasItem, "postgresql")
def _has_item_postgres(element: HasItem, compiler: SQLCompiler, **kw: Any) -> str:
    return "jsonb_exists({}, {})".format(*_arguments(element, compiler, **kw))
