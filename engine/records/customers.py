"""What belongs to a customer: records of other modules that lead to it by references."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Select, select

from engine.schema.modules import Path, Schema
from engine.schema.purposes import Purpose
from engine.templates.variables import way_to


def belonging(schema: Schema, customer: int) -> Iterator[tuple[str, Select[tuple[int]]]]:
    """Each module whose records belong to customers, with the ids of those of this one.

    Deleted records are among them.
    """
    for module in schema:
        way = way_to(schema, module, Purpose.CUSTOMER)
        if way and way != "id":
            yield module.name, _leading(schema, _steps(schema.path(module, way)), customer)


def _steps(path: Path) -> list[tuple[str, str]]:
    """The module and the reference of each step on a way."""
    homes = [path.module, *(hop.module for hop in path.hops)]
    fields = [*(hop.field for hop in path.hops), path.field]
    return [(home.name, field.name) for home, field in zip(homes, fields, strict=True)]


def _leading(schema: Schema, steps: Sequence[tuple[str, str]], end: int) -> Select[tuple[int]]:
    """The records from which the steps lead to this one, by the index of each reference."""
    (home, field), *onward = steps
    table = schema.tables[home]
    reference = table.c[field]
    leads = reference.in_(_leading(schema, onward, end)) if onward else reference == end
    return select(table.c.id).where(leads)
