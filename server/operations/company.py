"""What an admin sets for the company: in whose name mail is sent, four eyes. Pages only."""

from typing import Any

from engine.company.company import Company, Sender
from engine.people import audit
from engine.records.transaction import Transaction
from engine.workflows.senders import users_of, with_own, with_sender, without_sender
from server.access.desk import Desk


def set_own_sender(desk: Desk, name: str, address: str) -> str:
    """Set the sender of all mail whose step names no other. Returns the address as it is kept.

    Mail that waited for one goes out. Raises `Refused` and `Invalid`.
    """
    desk.need("settings:write")
    with desk.begin() as tx:
        company = with_own(tx.company, name, address)
        _keep(desk, tx, company, "set sender", {"sender": company.sender})
    return company.sender


def add_sender(desk: Desk, sender: Sender) -> None:
    """Let workflows send in another name. Raises `Refused` and `Invalid`."""
    desk.need("settings:write")
    with desk.begin() as tx:
        company = with_sender(tx.company, sender, desk.installation.world.secret)
        _keep(desk, tx, company, "add sender", {"sender": sender.name})


def remove_sender(desk: Desk, name: str) -> None:
    """Take a sender away that no workflow uses. Raises `Refused` and `Invalid`."""
    desk.need("settings:write")
    with desk.begin() as tx:
        _keep(desk, tx, without_sender(tx, name), "remove sender", {"sender": name})


def users_of_sender(tx: Transaction, name: str) -> list[str]:
    """The workflows that send in this name."""
    return users_of(tx, name)


def set_four_eyes(desk: Desk, wanted: bool) -> None:
    """Set whether whoever wrote a version may not approve it. Raises `Refused`."""
    desk.need("settings:write")
    with desk.begin() as tx:
        company = tx.company.model_copy(update={"four_eyes": wanted})
        _keep(desk, tx, company, "set four eyes", {"four_eyes": wanted})


def _keep(desk: Desk, tx: Transaction, company: Company, verb: str, detail: Any) -> None:
    desk.installation.database.save_company(tx, company)
    audit.record(tx, desk.who.name, verb, "company", detail)
