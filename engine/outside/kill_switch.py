"""The kill switch: what must not leave the house now, until a person says otherwise."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, select

from engine.problems import refuse, suggest
from engine.records.tables import STOPS
from engine.records.transaction import Transaction

ALL = "all"
CHANNELS = ("email", "sms", "webhook", "model")


def scope(word: str, known: Iterable[int] = ()) -> str:
    """A scope as it is kept: all, a channel, or workflow/12. Raises `Invalid`."""
    wanted = word.strip().lower()
    number = wanted.removeprefix("workflow/")
    if wanted in (ALL, *CHANNELS):
        return wanted
    if number != wanted and number.isdecimal() and int(number) in set(known):
        return wanted
    remedy = suggest(wanted, (ALL, *CHANNELS), "Scopes: workflow/<number>, or")
    raise refuse("scope", f"`{word}` is nothing that can be stopped.", remedy)


def stop(tx: Transaction, what: str, reason: str, by: str) -> None:
    """Let nothing of it leave the house any more. What is under way cannot be called back."""
    row = {"reason": reason, "by": by, "at": tx.now}
    tx.upsert(STOPS, ["scope"], {"scope": what, **row}, row)


def lift(tx: Transaction, what: str) -> bool:
    """Take a stop away. False if there was none."""
    return tx.db.execute(delete(STOPS).where(STOPS.c.scope == what)).rowcount > 0


def stops(tx: Transaction) -> list[Row[Any]]:
    """What is stopped now."""
    return list(tx.db.execute(select(STOPS).order_by(STOPS.c.at)))


def against(stopped: Iterable[str], scope: str, workflow: int) -> str | None:
    """Why nothing of this scope may leave for this workflow; None if it may."""
    found = set(stopped)
    if ALL in found:
        return "everything that leaves the house is stopped"
    if scope in found:
        return f"{scope} is stopped"
    return "this workflow is stopped" if f"workflow/{workflow}" in found else None
