"""Who sees which customers: users of a restricted portfolio see those of their portfolios alone.

What they may not see is not there, by any path: such a user is given tables that hold nothing
else. A record hangs on a customer by a reference, or through records that do.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from typing import cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Table,
    and_,
    literal,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as as_type

from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module, Schema
from engine.schema.own_modules import GROUPS, PORTFOLIO_LINES, PORTFOLIOS
from engine.schema.purposes import Purpose


def restricted(tx: Transaction, user: str) -> Transaction:
    """The transaction as this user may see it: as it is, unless a restricted portfolio names it."""
    lacking = {PORTFOLIOS, PORTFOLIO_LINES} - set(tx.schema.modules)
    if lacking or tx.schema.find(Purpose.CUSTOMER) is None:
        return tx
    table, names = tx.schema.homes[PORTFOLIOS], _names(tx, user)
    rows = tx.db.execute(
        select(table.c.id, table.c.restricted, table.c.users).where(table.c.deleted_at.is_(None))
    )
    mine = [row for row in rows if names & set(row.users or ())]
    if not any(row.restricted for row in mine):
        return tx
    return replace(tx, schema=_part(tx.schema, [row.id for row in mine]))


def _names(tx: Transaction, user: str) -> set[str]:
    """The user, and the groups that the user belongs to."""
    groups = tx.schema.homes[GROUPS]
    rows = tx.db.execute(
        select(groups.c.name, groups.c.members).where(groups.c.deleted_at.is_(None))
    )
    return {user, *(row.name for row in rows if user in (row.members or ()))}


def sees_all(schema: Schema) -> bool:
    """Whether nothing is kept back of any module that is there."""
    return all(table is schema.homes[name] for name, table in schema.tables.items())


def seen_runs(schema: Schema) -> Iterator[ColumnElement[bool]]:
    """What is true of the runs that may be seen: those for records that may."""
    for name, table in schema.tables.items():
        if table is not schema.homes[name]:
            yield or_(RUNS.c.module != name, RUNS.c.record.in_(select(table.c.id)))


def _part(schema: Schema, portfolios: list[int]) -> Schema:
    """The same modules with tables that hold only what hangs on these portfolios' customers."""
    part = copy(schema)
    part.homes, part.tables = schema.homes, dict(schema.tables)
    sight = Sight(schema, portfolios)
    for module in schema:
        if rules := list(sight.rules(module)):
            home = schema.homes[module.name]
            filtered = select(home).where(*rules).subquery(module.name)
            # Whoever reads cannot tell it from a table; writers use `homes`.
            part.tables[module.name] = cast(Table, filtered)
    return part


class Sight:
    """The rules that tell which rows of a module may be seen."""

    def __init__(self, schema: Schema, portfolios: list[int]) -> None:
        self.schema, self.portfolios = schema, portfolios
        self.customers = schema.of(Purpose.CUSTOMER)
        self.near = [m for m in schema if m != self.customers and m.references(self.customers.name)]
        self.hanging = self._hanging()

    def _hanging(self) -> list[str]:
        """The modules whose records hang on customers, those first that others hang on."""
        found = [self.customers.name, *(module.name for module in self.near)]
        while more := [m.name for m in self.schema if m.name not in found and _to(m, found)]:
            found += more
        return found

    def rules(self, module: Module) -> Iterator[ColumnElement[bool]]:
        """All that must be true of a row."""
        if module.name in self.hanging:
            yield from self._own(module)
        if module in self.near:
            others = [other.name for other in self.near if other is not module]
            yield from self._led(module, _to(module, others))
        home = self.schema.homes[module.name]
        for field in module.fields:
            if field.type == "record":
                column = home.c[field.name]
                hangs = or_(*(column.startswith(f"{name}/") for name in self.hanging))
                yield or_(column.is_(None), not_(hangs), column.in_(self._keys()))

    def _own(self, module: Module) -> Iterator[ColumnElement[bool]]:
        """The rules of what hangs on a customer directly, or through records that do."""
        home = self.schema.homes[module.name]
        if module == self.customers:
            yield home.c.id.in_(self._customers())
        elif module in self.near:
            for field in module.references(self.customers.name):
                column = home.c[field.name]
                yield or_(column.is_(None), column.in_(self._customers()))
        else:
            before = self.hanging[: self.hanging.index(module.name)]
            yield from self._led(module, _to(module, before))

    def _led(self, module: Module, fields: Iterable[Field]) -> Iterator[ColumnElement[bool]]:
        home = self.schema.homes[module.name]
        for field in fields:
            column = home.c[field.name]
            yield or_(column.is_(None), column.in_(self._ids(field.module or "")))

    def _customers(self) -> Select[tuple[int]]:
        lines = self.schema.homes[PORTFOLIO_LINES]
        mine = (lines.c.portfolio.in_(self.portfolios), lines.c.deleted_at.is_(None))
        return select(lines.c.account).where(*mine)

    def _ids(self, name: str) -> Select[tuple[int]]:
        module, home = self.schema.module(name), self.schema.homes[name]
        return select(home.c.id).where(and_(*self._own(module)))

    def _keys(self) -> Select[tuple[str]]:
        """What a field that may hold any record may hold: `invoices/12`."""
        parts = [
            select((literal(f"{name}/") + as_type(found.c.id, String)).label("key"))
            for name in self.hanging
            for found in [self._ids(name).subquery()]
        ]
        keys: FromClause = union_all(*parts).subquery()
        return select(keys.c.key)


def _to(module: Module, names: Iterable[str]) -> list[Field]:
    """The references of a module that lead to one of these."""
    wanted = set(names) - {module.name}
    return [
        field for field in module.fields if field.type == "reference" and field.module in wanted
    ]
