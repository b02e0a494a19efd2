"""The records of runs that are about several at once, in a table in which they are found."""

from sqlalchemy import Column, MetaData, Table, Text, column, select, table

from engine.schema.sql_types import Json, Key
from engine.upgrades.changing import Changing

BATCH = 10_000
RUNS = table("sayso_runs", column("id"), column("module"), column("members", Json))
MEMBERS = Table(
    "sayso_members",
    MetaData(),
    Column("module", Text, primary_key=True),
    Column("record", Key, primary_key=True),
    Column("run", Key, primary_key=True),
)


def keep_members(changing: Changing) -> None:
    """Make the table, with the records of every run so far."""
    MEMBERS.create(changing.db)
    last = 0
    some = select(RUNS).where(RUNS.c.members.is_not(None)).order_by(RUNS.c.id).limit(BATCH)
    while rows := changing.db.execute(some.where(RUNS.c.id > last)).all():
        last = rows[-1].id
        members = [
            {"module": row.module, "record": record, "run": row.id}
            for row in rows
            for record in set(row.members or ())
        ]
        if members:
            changing.db.execute(MEMBERS.insert(), members)
