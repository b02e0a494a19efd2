"""In whose name the company sends mail: senders are added, changed and taken away here alone."""

import re
from collections.abc import Callable

from sqlalchemy import select

from engine.company.company import Company, Sender
from engine.outside import smtp
from engine.problems import Invalid, Problem, refuse
from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.schema.addresses import BadAddress, mail_address
from engine.schema.english import listed
from engine.workflows.workflow import Workflow

LONGEST = 80
IN_FORCE = ("active", "paused", "in_review")


def with_own(company: Company, name: str, address: str) -> Company:
    """The company with this sender of its own. Raises `Invalid`."""
    problems = [*_name(name, "own_name"), *_address(address, "own_address")]
    if problems:
        raise Invalid(*problems)
    return company.model_copy(update={"sender": mail_address(address), "sender_name": name.strip()})


def with_sender(company: Company, sender: Sender, secret: Callable[[str], str]) -> Company:
    """The company with one more sender, whose connection is a stored secret. Raises `Invalid`."""
    problems = [*_name(sender.name, "name"), *_address(sender.address, "address")]
    if sender.reply_to:
        problems += _address(sender.reply_to, "reply_to")
    if sender.connection:
        problems += _connection(sender.connection, secret)
    if company.sender_named(sender.name) and sender.name.strip():
        told = f"there is a sender {sender.name.strip()} already."
        problems.append(Problem("name", told, "Remove it first, or choose another name."))
    if problems:
        raise Invalid(*problems)
    reply_to = mail_address(sender.reply_to) if sender.reply_to else ""
    new = Sender(
        name=sender.name.strip(),
        address=mail_address(sender.address),
        reply_to=reply_to,
        connection=sender.connection,
    )
    return company.model_copy(update={"senders": (*company.senders, new)})


def without_sender(tx: Transaction, name: str) -> Company:
    """The company without this sender. Raises `Invalid` if a workflow still uses it."""
    found = tx.company.sender_named(name) if name else None
    if found is None:
        raise refuse("name", f"there is no sender `{name}`.", "It may be gone already.")
    if users := users_of(tx, found.name):
        named = listed([f"“{user}”" for user in users])
        told = f"the sender {found.name} is used by {named}."
        raise refuse("name", told, "Let them use another sender first.")
    left = tuple(each for each in tx.company.senders if each != found)
    return tx.company.model_copy(update={"senders": left})


def users_of(tx: Transaction, name: str) -> list[str]:
    """The workflows that run, or wait for review, with a sender of this name."""
    query = select(WORKFLOWS.c.name, VERSIONS.c.document).where(
        VERSIONS.c.workflow == WORKFLOWS.c.id,
        WORKFLOWS.c.state.in_(IN_FORCE),
        VERSIONS.c.state.in_(("approved", "in_review")),
    )
    rows = tx.db.execute(query.order_by(WORKFLOWS.c.name)).all()
    return list(dict.fromkeys(row.name for row in rows if _sends_as(row.document, name)))


def _sends_as(document: dict[str, object], name: str) -> bool:
    steps = (step for step, _ in Workflow.model_validate(document).route.values())
    named = (str(getattr(step, "from_", "")) for step in steps)
    return any(given.strip().casefold() == name.casefold() for given in named)


def _name(name: str, path: str) -> list[Problem]:
    if name.strip() and len(name.strip()) <= LONGEST:
        return []
    told = f"a sender needs a name of up to {LONGEST} characters."
    return [Problem(path, told, "Write what readers should see, like Accounts receivable.")]


def _address(address: str, path: str) -> list[Problem]:
    try:
        mail_address(address)
    except BadAddress as bad:
        return [Problem(path, str(bad), "Write an address that can receive answers.")]
    return []


def _connection(name: str, secret: Callable[[str], str]) -> list[Problem]:
    remedy = f"Set SAYSO_SECRET_{name.upper()} to one like smtp+starttls://user:password@host:587."
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        told = f"`{name}` cannot be the name of a secret."
        return [Problem("connection", told, "Use a-z, 0-9 and _, a letter first.")]
    try:
        url = secret(name)
    except KeyError:
        return [Problem("connection", f"there is no stored secret `{name}`.", remedy)]
    wrong = smtp.check(url)
    return [Problem("connection", wrong, remedy)] if wrong else []
