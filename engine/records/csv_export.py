"""All records of a module as CSV, in rows that `import_csv` reads back as the same."""

import csv
from collections.abc import Callable, Iterator
from typing import TextIO

from sqlalchemy import RowMapping, select

from engine.conditions.readings import Columns
from engine.records.csv_cells import written
from engine.records.database import Database
from engine.records.transaction import Transaction
from engine.schema.fields import Field
from engine.schema.modules import Module

Progress = Callable[[int, int], None]
View = Callable[[Transaction], Transaction]
BATCH = 500


def export_csv(
    database: Database,
    module: str,
    out: TextIO,
    *,
    spreadsheet_safe: bool = True,
    progress: Progress = lambda done, total: None,
    view: View = lambda tx: tx,
) -> int:
    """Write all records of a module in `view`, as they are at one moment. Returns their number.

    A text that a spreadsheet would take for a formula gets a leading quote, which `import_csv`
    takes off again.
    """
    writer = csv.writer(out)
    with database.read() as whole:
        tx = view(whole)
        home = tx.schema.module(module)
        fields = list(home.by_name.values())
        total = tx.count(tx.schema.tables[module], tx.schema.tables[module].c.deleted_at.is_(None))
        writer.writerow(home.by_name)
        done = 0
        for rows in _batches(tx, home):
            numbers = {each.name: _numbers(tx, each, rows) for each in fields}
            for row in rows:
                writer.writerow(
                    written(each, row[each.name], numbers[each.name], safe=spreadsheet_safe)
                    for each in fields
                )
            done += len(rows)
            progress(done, total)
    return done


def _batches(tx: Transaction, module: Module) -> Iterator[list[RowMapping]]:
    table, last = tx.schema.tables[module.name], 0
    columns = Columns(tx.binder(module), table)
    wanted = [columns.field(each).label(each.name) for each in module.by_name.values()]
    while True:
        query = select(*wanted).where(table.c.deleted_at.is_(None), table.c.id > last)
        rows = list(tx.db.execute(query.order_by(table.c.id).limit(BATCH)).mappings())
        if not rows:
            return
        yield rows
        last = rows[-1]["id"]


def _numbers(tx: Transaction, column: Field, rows: list[RowMapping]) -> dict[int, str]:
    """How the records that a reference leads to are called; of one called 12, its id is given.

    A reference to a deleted record leads nowhere.
    """
    if column.type != "reference" or column.module not in tx.schema.tables:
        return {}
    there = tx.schema.tables[column.module]
    ids = {row[column.name] for row in rows if row[column.name] is not None}
    query = select(there.c.id, there.c.number)
    known = tx.db.execute(query.where(there.c.id.in_(ids), there.c.deleted_at.is_(None))).all()
    return {id: str(id) if number.isdigit() else number for id, number in known}
