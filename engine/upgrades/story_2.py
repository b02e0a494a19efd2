"""What is known of what happened to runs, as lines of a story; earlier tries were not kept."""

from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    column,
    func,
    insert,
    literal,
    select,
    table,
    text,
)

from engine.schema.sql_types import Key, Moment
from engine.upgrades.changing import Changing

RUNS = table("sayso_runs", *(column(name) for name in ("id", "state", "step")))
ENTRIES = table(
    "sayso_entries",
    *(column(name) for name in ("run", "step", "position", "outcome", "said", "tries")),
    *(column(name, Moment) for name in ("at", "ended_at", "since")),
)
STORY = Table(
    "sayso_story",
    MetaData(),
    Column("id", Key, primary_key=True),
    Column("run", Key, nullable=False),
    Column("step", Text),
    Column("what", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("until", Moment),
    sqlite_autoincrement=True,
)
COUNTED = text("what IN ('failed', 'skipped')")


def keep_story(changing: Changing) -> None:
    """A line for what each step of each run last came to."""
    STORY.create(changing.db)
    op = changing.op
    op.create_index("sayso_story_run", "sayso_story", ["run", "id"])
    op.create_index(
        "sayso_story_counted",
        "sayso_story",
        ["at"],
        sqlite_where=COUNTED,
        postgresql_where=COUNTED,
    )
    entry, here = ENTRIES.c, RUNS.c.step == ENTRIES.c.step
    last: dict[str, Any] = {
        "run": entry.run,
        "step": entry.step,
        "what": entry.outcome,
        "state": func.coalesce(
            select(RUNS.c.state).where(RUNS.c.id == entry.run, here).scalar_subquery(), "running"
        ),
        "at": func.coalesce(entry.ended_at, entry.since, entry.at),
        "by": literal(""),
        "said": entry.said,
        "tries": entry.tries,
    }
    lines = select(*(each.label(name) for name, each in last.items()))
    told = lines.where(entry.outcome != "").order_by(entry.run, entry.position)
    changing.db.execute(insert(STORY).from_select([*last], told))
