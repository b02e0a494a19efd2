"""That two machines do not write to each other for ever: how often one sender's mail starts."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from engine.blocks.communication import Communication
from engine.blocks.triggers.email_received import EmailReceived
from engine.phrases import say_count
from engine.records.tables import RUNS
from engine.records.transaction import Transaction
from engine.schema.sql_types import Fold
from engine.workflows.library import Live
from engine.workflows.workflow import Workflow

HOURS = 24


def hours(tx: Transaction, workflow: Workflow) -> int:
    """For how long a sender's mail starts nothing more once it has; 0 is not at all."""
    trigger = workflow.trigger
    if not isinstance(trigger, EmailReceived):
        return 0
    if trigger.once_per_sender_hours is not None:
        return trigger.once_per_sender_hours
    return HOURS if any(map(_customers(tx), _words(workflow))) else 0


def words(hours: int) -> str:
    """The rule, for so many hours."""
    return say_count(
        "A mail starts nothing if another of its sender did in the {count} hour before.",
        "A mail starts nothing if another of its sender did in the {count} hours before.",
        hours,
    )


def _customers(tx: Transaction) -> Callable[[str], bool]:
    """Whether a recipient word may mean the customer: no colleague, and no address of its own."""
    module = tx.schema.modules.get(EmailReceived.about)
    owners = ("owner", "owners")
    ours = {
        field.name for field in (module.by_name.values() if module else ()) if field.type in owners
    }

    def answers(word: str) -> bool:
        name = word.strip().removeprefix("group:")
        fixed = "@" in name and "{{" not in name
        return not (fixed or name in tx.handles or name in ours or name.endswith(".owner"))

    return answers


def _words(workflow: Workflow) -> Iterable[str]:
    for step in workflow.every_step:
        if isinstance(step, Communication):
            yield from step.to


class ReplyLimit:
    """Whose mail has started which workflow of late, those of this batch among them."""

    def __init__(self, tx: Transaction) -> None:
        self.tx, self._started = tx, set[tuple[int, str]]()

    def admits(self, live: Live, mail: Mapping[str, Any]) -> bool:
        """Whether this mail may start the workflow; if so, it is taken to do so now."""
        if self.refusal(live, mail):
            return False
        self._started.add((live.workflow, _word(mail)))
        return True

    def refusal(self, live: Live, mail: Mapping[str, Any]) -> str | None:
        """Why this mail starts nothing, if another of its sender has just started the workflow."""
        limit = hours(self.tx, live.parsed)
        if not (limit and mail.get("sender")):
            return None
        known = (live.workflow, _word(mail)) in self._started
        if not known and not self._lately(live, mail, limit):
            return None
        return f"a mail of {mail['sender']} started it already, less than {limit} hours before"

    def _lately(self, live: Live, mail: Mapping[str, Any], limit: int) -> bool:
        table = self.tx.schema.tables[EmailReceived.about]
        at = mail.get("created_at") or self.tx.now
        found = (
            select(RUNS.c.id)
            .join(table, table.c.id == RUNS.c.record)
            .where(
                RUNS.c.workflow == live.workflow,
                RUNS.c.record < mail["id"],
                RUNS.c.started_at > at - timedelta(hours=limit),
                Fold(table.c.sender) == _word(mail),
            )
        )
        return self.tx.db.execute(found.limit(1)).first() is not None


def _word(mail: Mapping[str, Any]) -> str:
    return str(mail.get("sender")).casefold()
