"""What a mail that answers a received one must heed: its thread, and never to answer a machine."""

from collections.abc import Iterable
from typing import Any

from engine.blocks.context import Context, Person
from engine.effects import Outcome, Unplanned
from engine.records.states import Result
from engine.schema.own_modules import EMAILS


def answered(ctx: Context, people: Iterable[Person]) -> str:
    """The Message-ID of the mail that these people are answered; "" if they are not.

    Raises `Unplanned` for mail that no person wrote: two machines would write to each other.
    """
    if ctx.binder.module.name != EMAILS or _own(ctx, "direction") != "in":
        return ""
    strangers = [person for person in people if not person.handle]
    if strangers and _own(ctx, "auto_submitted"):
        told = f"not sent: {ctx.record.number} was sent by a machine, and such mail is not answered"
        raise Unplanned(Outcome(Result.SKIPPED, told))
    sender, contact = str(_own(ctx, "sender") or "").casefold(), _own(ctx, "contact")
    answers = any(
        person.address.casefold() == sender or (contact and person.contact == contact)
        for person in strangers
    )
    return str(_own(ctx, "message_id") or "") if answers else ""


def _own(ctx: Context, name: str) -> Any:
    return ctx.own(name) if name in ctx.binder.module.by_name else None
