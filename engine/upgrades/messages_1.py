"""Mails that an earlier release decided on and had not sent: they are decided once more."""

from typing import Any

from sqlalchemy import column, select, table, update

from engine.schema.sql_types import Json, Moment
from engine.upgrades.changing import Changing

ENTRIES = table(
    "sayso_entries",
    *(column(name) for name in ("run", "step", "phase", "outcome", "cause")),
    *(column("move", Json), column("at", Moment), column("since", Moment)),
)
# Of their plan the earlier release kept what is no part of a mail any more.
GONE = "left_out"


def queue_again(changing: Changing) -> None:
    """Bring plans of mails into the form that is read now.

    Of those that wait to be tried again it is asked anew to whom, in whose name and whether they
    go. One that was just being sent stays so: whether it left is for a person to say.
    """
    waiting = select(ENTRIES).where(ENTRIES.c.phase != "closed")
    for row in changing.db.execute(waiting).all():
        effect = row.move.get("effect") or {}
        if effect.get("kind") != "mail" or GONE not in effect:
            continue
        kept = {name: value for name, value in effect.items() if name != GONE}
        values: dict[str, Any] = {"move": {**row.move, "effect": kept}}
        if row.phase == "planned":
            values["phase"] = "queued"
        if row.outcome == "retry":
            values |= {"cause": "retry", "since": row.at}
        mine = (ENTRIES.c.run == row.run, ENTRIES.c.step == row.step)
        changing.db.execute(update(ENTRIES).where(*mine).values(**values))
