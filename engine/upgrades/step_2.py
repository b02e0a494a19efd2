"""To schema 2: what is kept so that what was shown, and each try, can be read again later."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Column, Text

from engine.schema.sql_types import Json, Moment
from engine.upgrades.approvals import Approvals
from engine.upgrades.changing import Changing
from engine.upgrades.hash_1 import hash_1
from engine.upgrades.members_2 import keep_members
from engine.upgrades.story_2 import keep_story
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import surroundings


def keep_who_settled(changing: Changing) -> None:
    """Of an alert that is seen to, when, by whom and why."""
    for name in ("settled_by", "settled_why"):
        column = Column(name, Text, nullable=False, server_default="")
        changing.op.add_column("sayso_alerts", column)
    changing.op.add_column("sayso_alerts", Column("settled_at", Moment))


def keep_what_was_seen(changing: Changing) -> None:
    """With a decision, what the person saw who made it."""
    changing.op.add_column("sayso_versions", Column("seen", Json))


def keep_missed(changing: Changing) -> None:
    """Of a schedule which occasion was missed last."""
    changing.op.add_column("sayso_schedules", Column("missed_at", Moment))


# One function for each thing that changed, taken in this order. Each is in a file of its own that
# ends in `_2` if it is more than a few lines.
PARTS: tuple[Callable[[Changing], None], ...] = (
    keep_members,
    keep_story,
    keep_who_settled,
    keep_what_was_seen,
    keep_missed,
)


def take(changing: Changing) -> None:
    """All parts; each adds what it needs to the tables and to what is kept in them. The hash holds
    all that a workflow may do from now on, so approvals are kept around them."""
    approvals = Approvals.before(changing, hash_1)
    for part in PARTS:
        part(changing)
    around = surroundings(changing.transaction())
    approvals.keep(changing, partial(fingerprint, around=around))
