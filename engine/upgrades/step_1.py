"""To schema 1: what release 0.1.0 keeps, from any state of the database before it.

Databases had no number then, so this step adds what it does not find. It brings its own definitions
of tables, because those of the program go on changing.
"""

from functools import partial
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, UniqueConstraint, text

from engine.schema.sql_types import Json, Key, Moment
from engine.upgrades.approvals import Approvals
from engine.upgrades.changing import Changing
from engine.upgrades.hash_0 import first_hash
from engine.upgrades.hash_1 import hash_1
from engine.upgrades.messages_1 import queue_again
from engine.upgrades.starter_modules import add_starter


def take(changing: Changing) -> None:
    """Tables, columns, starter modules and fields, approvals, and mails that wait."""
    TABLES.create_all(changing.db)
    _add_columns(changing)
    approvals = Approvals.before(changing, hash_1, first_hash)
    add_starter(changing, "modules_1")
    approvals.keep(changing, partial(hash_1, schema=changing.transaction().schema))
    approvals.tell_others(changing)
    queue_again(changing)


def _add_columns(changing: Changing) -> None:
    for table, columns in COLUMNS.items():
        known = changing.columns(table)
        for column in columns:
            if column.name not in known:
                changing.op.add_column(table, column)
    for name, table, indexed, where in INDEXES:
        if name not in {index["name"] for index in changing.seen.get_indexes(table)}:
            part = text(where)
            changing.op.create_index(
                name, table, [indexed], sqlite_where=part, postgresql_where=part
            )


COLUMNS: dict[str, tuple[Column[Any], ...]] = {
    "sayso_versions": (Column("texts", Json),),
    "sayso_runs": (Column("awaits", Text),),
    "sayso_entries": (
        Column("warned", Text, nullable=False, server_default=""),
        Column("cause", String(10), nullable=False, server_default=""),
        Column("since", Moment),
    ),
}
INDEXES = (
    ("sayso_runs_awaits", "sayso_runs", "awaits", "awaits IS NOT NULL"),
    (
        "sayso_entries_unsent",
        "sayso_entries",
        "cause",
        "cause IN ('address', 'retry', 'cap', 'approval')",
    ),
)
TABLES = MetaData()
Table(
    "sayso_turns",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("last", Text, nullable=False),
)
Table(
    "sayso_claims",
    TABLES,
    Column("run", Key, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("workflow", Integer, nullable=False),
    Column("day", String(10), nullable=False),
    Column("hour", String(13), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
Table(
    "sayso_quotas",
    TABLES,
    Column("key", Text, primary_key=True),
    Column("period", String(13), primary_key=True),
    Column("used", Integer, nullable=False),
)
Table(
    "sayso_releases",
    TABLES,
    Column("workflow", Integer, primary_key=True),
    Column("channel", String(10), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
Table(
    "sayso_stops",
    TABLES,
    Column("scope", String(40), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
Table(
    "sayso_suppressions",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("address", Text, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("detail", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("channel", "address"),
    sqlite_autoincrement=True,
)
Table(
    "sayso_schedule_moves",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("rows", Json, nullable=False),
    Column("undone_at", Moment),
    Column("undone_by", Text),
    sqlite_autoincrement=True,
)
Table(
    "sayso_taken",
    TABLES,
    Column("key", String(80), primary_key=True),
    Column("at", Moment, nullable=False),
)
Table(
    "sayso_folders",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("validity", Key, nullable=False),
    Column("last", Key, nullable=False),
    Column("due", Moment, nullable=False),
    Column("read_at", Moment),
    Column("failures", Integer, nullable=False),
    Column("trouble", Text, nullable=False),
)
