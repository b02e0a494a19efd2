"""What goes out: the outbox, who is not to be written to, and the switch that stops it."""

from collections.abc import Iterator
from typing import Any, Literal

from sqlalchemy import Row, select
from typing_extensions import TypedDict

from engine.company.company import Company
from engine.company.message_limits import Channel
from engine.outside import kill_switch
from engine.people import audit
from engine.problems import refuse
from engine.records import suppression
from engine.records.reader import reached_by
from engine.records.tables import WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.visibility import sees_all
from engine.runs.sending import outbox
from engine.runs.sending.outbox import WaitingMessage
from server.access.desk import Desk
from server.operations import answers
from server.operations.queries import Stored, runs
from server.operations.registry import Answer, Number, missing, operation

MOST_SHOWN = 100


class Message(TypedDict):
    """A message that has not gone out: how it stands, why, and when it is looked at again."""

    run: int
    workflow: int
    name: str
    channel: str
    record: str
    to: list[str]
    subject: str
    standing: str
    why: str
    since: str
    next_at: str | None
    tries: int


class Stopped(TypedDict):
    """What does not leave the house now, like "email" or "workflow/12"."""

    stopped: list[str]


class Outbox(Stopped):
    """The messages that have not gone out."""

    messages: list[Message]


class SuppressedAddress(TypedDict):
    """An address or number that is not written to automatically, since when, by whom and why."""

    id: int
    channel: str
    address: str
    kind: str
    detail: str
    by: str
    at: str


class SuppressedAddresses(TypedDict):
    """The list of those not to write to."""

    suppressed: list[SuppressedAddress]


class Address(TypedDict):
    """An address or number, as it is kept."""

    address: str


@operation(
    "GET /outbox",
    scope="runs:read",
    untrusted=True,
)
def list_outbox(
    desk: Desk,
    standing: Literal["queued", "sending", "held", "failed", "unknown"] | None = None,
) -> Outbox:
    """List mails and text messages that have not gone out: queued, being sent, held (with why and
    until when), failed or not known; and what is stopped."""
    with desk.read() as tx:
        found = waiting(desk, tx, standing or "")
        messages: list[Message] = [
            {
                "run": each.run,
                "workflow": each.workflow,
                "name": each.name,
                "channel": each.channel,
                "record": each.record,
                "to": list(each.to),
                "subject": each.subject,
                "standing": each.standing,
                "why": each.why,
                "since": answers.iso(each.since),
                "next_at": answers.iso(each.next_at),
                "tries": each.tries,
            }
            for each in found
        ]
        return {"messages": messages, "stopped": [*stopped(tx)]}


def waiting(desk: Desk, tx: Transaction, standing: str = "") -> list[WaitingMessage]:
    """The messages that have not gone out, of records that whoever asks may know of."""
    every = outbox.waiting(tx, desk.installation.library, standing)
    return [each for each in every if answers.shown(tx, each.record.partition("/")[0])]


def stopped(tx: Transaction) -> dict[str, Stored]:
    """What is stopped, by its scope: by whom, why and when."""
    return {row.scope: row for row in kill_switch.stops(tx)}


@operation(
    "POST /stops",
    scope="workflows:toggle",
    kind="switch",
)
def stop_sending(desk: Desk, what: str, reason: str) -> Stopped:
    """Stop at once what leaves the house: `what` is all, email, sms, webhook, model or workflow/12.
    Nothing is lost: it waits. Only an admin resumes it, on the page Sending."""
    if not reason.strip():
        raise refuse("reason", "there is no reason.", "Say why, for whoever finds it stopped.")
    with desk.begin() as tx:
        known = tx.db.scalars(select(WORKFLOWS.c.id)).all()
        scope = kill_switch.scope(what, known)
        kill_switch.stop(tx, scope, reason.strip(), desk.who.name)
        detail = {"reason": reason.strip()}
        audit.record(tx, desk.who.name, "stop sending", scope, detail, desk.who.token)
        return {"stopped": [*stopped(tx)]}


@operation(
    "GET /suppressions",
    scope="records:read",
    untrusted=True,
)
def list_suppressed(desk: Desk, search: str = "") -> SuppressedAddresses:
    """List the addresses and numbers that are not written to automatically, each with why."""
    with desk.read() as tx:
        rows = listed(tx, search)
        suppressed: list[SuppressedAddress] = [
            {
                "id": row.id,
                "channel": row.channel,
                "address": row.address,
                "kind": row.kind,
                "detail": row.detail,
                "by": row.by,
                "at": answers.iso(row.at),
            }
            for row in rows
        ]
    return {"suppressed": suppressed}


@operation(
    "POST /suppressions",
    scope="records:write",
    kind="write",
)
def suppress_address(
    desk: Desk, address: str, reason: str, channel: Literal["all", "email", "sms"] = "all"
) -> Address:
    """Block an address or number for automatic messages. Only a person takes it off the list."""
    if not suppression.normal(address):
        raise refuse("address", "there is no address.", "Give an e-mail address or a number.")
    with desk.begin() as tx:
        suppression.suppress(tx, channel, address, "by hand", reason, desk.who.name)
        named, detail = f"address/{suppression.normal(address)}", {"reason": reason}
        audit.record(tx, desk.who.name, "suppress address", named, detail, desk.who.token)
    return {"address": suppression.normal(address)}


def listed(tx: Transaction, search: str) -> list[Row[Any]]:
    """Those on the list of whom whoever asks may know: an address tells whose it is."""
    return suppression.listed(tx, search, _seen(tx))


def _seen(tx: Transaction) -> set[str] | None:
    """The addresses of the records that may be seen; None where all may."""
    return None if sees_all(tx.schema) else set(_addresses(tx))


def _addresses(tx: Transaction) -> Iterator[str]:
    channels: tuple[Channel, ...] = ("email", "sms")
    for module in tx.schema:
        for field in (field for channel in channels for field in reached_by(module, channel)):
            column = tx.schema.tables[module.name].c[field.name]
            yield from map(suppression.normal, tx.db.scalars(select(column).where(column != "")))


# --- only a person, on the pages or at the command line ---


def send_now(desk: Desk, run: int) -> Answer:
    """Send a message off whatever the hour. What else keeps it is still asked."""
    desk.need("runs:control")
    with desk.begin() as tx:
        if not (runs.known(tx, run) and outbox.send_now(tx, run, desk.who.name)):
            raise missing("run", f"run R-{run} has no message that waits.", "See the outbox.")
        audit.record(tx, desk.who.name, "send now", f"run/{run}", None, desk.who.token)
    desk.installation.changed()
    return {"run": run}


def let_go(desk: Desk, workflow: Number, channel: Channel) -> Answer:
    """Let all messages of a workflow go today that are held for being too many."""
    desk.need("reviews:decide")
    with desk.begin() as tx:
        many = outbox.let_go(tx, workflow, channel, desk.who.name)
        if not many:
            message = f"workflow {workflow} has no messages that are held for their number."
            raise missing("workflow", message, "See the outbox.")
        detail = {"channel": channel, "messages": many}
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "let messages go", named, detail, desk.who.token)
    desk.installation.changed()
    return {"messages": many}


def go_on(desk: Desk, scope: str, reason: str) -> Answer:
    """Let go on what was stopped."""
    desk.need("settings:write")
    with desk.begin() as tx:
        if not outbox.lift_stop(tx, scope, desk.who.name):
            raise missing("scope", f"“{scope}” is not stopped.", "See what is.")
        audit.record(tx, desk.who.name, "go on sending", scope, {"reason": reason})
    desk.installation.changed()
    return {"scope": scope}


def lift_suppression(desk: Desk, id: int, reason: str) -> Answer:
    """Take an address off the list of those not to write to."""
    desk.need("records:write")
    if desk.who.agent:
        raise refuse("id", "only a person takes an address off the list.", "Do it on the page.")
    if not reason.strip():
        raise refuse("reason", "there is no reason.", "Say why this address may be written to.")
    with desk.begin() as tx:
        row, seen = suppression.lift(tx, id), _seen(tx)
        if row is None or (seen is not None and row.address not in seen):
            raise missing("id", "this address is not on the list.", "See the list.")
        named, detail = f"address/{row.address}", {"reason": reason.strip(), "kind": row.kind}
        audit.record(tx, desk.who.name, "lift suppression", named, detail)
    return {"address": row.address}


def set_limits(desk: Desk, changes: dict[str, Any]) -> Company:
    """Set how much may leave and at which hours. Raises `ValidationError`."""
    desk.need("settings:write")
    with desk.begin() as tx:
        company = Company.model_validate({**tx.company.model_dump(by_alias=True), **changes})
        desk.installation.database.save_company(tx, company)
        audit.record(tx, desk.who.name, "set limits", "company", changes)
    return company
