"""The customers that records belong to, whatever these are: invoices, contacts, or themselves."""

from typing import Any

from sqlalchemy import Select, select

from engine.conditions.readings import Columns
from engine.records.transaction import Transaction
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.templates.variables import way_to


def customers_of(tx: Transaction, module: Module, records: Select[Any]) -> Select[Any] | None:
    """The ids of the customers that these records belong to, each once; None if they cannot."""
    way = way_to(tx.schema, module, Purpose.CUSTOMER)
    if way is None:
        return None
    table = tx.schema.tables[module.name].alias()
    column = Columns(tx.binder(module), table).column(tx.schema.path(module, way))
    return select(column).where(table.c.id.in_(records), column.is_not(None)).distinct()
