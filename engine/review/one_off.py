"""One message to chosen customers: an ordinary workflow that starts when a person approves it."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.blocks.triggers.manual import Manual
from engine.records.transaction import Transaction
from engine.runs.enrol import Cause, enrol_matching
from engine.workflows.library import Live

CATEGORY = "One-off"
# What pauses the chasing of a customer. Who writes to them all the same would write in vain.
NOT_PAUSED: tuple[dict[str, Any], ...] = (
    {"not": {"field": "chasing_paused", "op": "equals", "value": True}},
    {"not": {"field": "group.chasing_paused", "op": "equals", "value": True}},
)


def document(
    customers: str,
    subject: str,
    body: str,
    where: Mapping[str, Any] | None = None,
    numbers: Sequence[str] | None = None,
    attach: Sequence[str] = (),
    *,
    paused: bool = False,
) -> dict[str, Any]:
    """The workflow that writes once to these customers: to primary contacts, else to all others.

    `customers` is the name of their module.

    Customers whose chasing is paused are left out; with `paused` their message waits for the end
    of the pause. Whatever else keeps mail from somebody keeps this one too.
    """
    asked = [dict(where)] if where else []
    asked += [{"field": "number", "op": "in", "value": list(numbers)}] if numbers else []
    mail: dict[str, Any] = {"to": ["primary_contact"], "subject": subject, "body": body}
    mail |= {"attach": list(attach)} if attach else {}
    return {
        "schema": 1,
        "name": f"One-off - {subject}"[:120],
        "description": "Written once, to chosen customers.",
        "category": CATEGORY,
        "module": customers,
        "trigger": {"type": "manual", "on_approval": True},
        "conditions": {"all": [*asked, *([] if paused else NOT_PAUSED)]},
        "steps": [{"id": "write", "type": "send_email", **mail}],
    }


def begin(tx: Transaction, live: Live, by: str) -> int:
    """Start what is to start when it is approved. Returns how many runs there are."""
    trigger = live.parsed.trigger
    if not (isinstance(trigger, Manual) and trigger.on_approval):
        return 0
    return enrol_matching(tx, live, f"approval of version {live.version}", tx.now, None, Cause(by))
