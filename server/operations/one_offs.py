"""One message to chosen customers: who gets it, and the request to approve it."""

from typing import NotRequired

from sqlalchemy import select
from typing_extensions import TypedDict

from engine.people import audit
from engine.problems import Invalid, refuse
from engine.records.reader import Reader, RecordFacts, paused
from engine.records.transaction import Transaction
from engine.review import one_off
from engine.runs.audience import LeftOut, NamedRecord, Suppressed, audience
from engine.runs.candidates import candidates
from engine.schema.purposes import Purpose
from engine.workflows.library import examine, save_draft, submit
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.operations import answers
from server.operations.registry import Names, Plain, Refs, operation

MOST_SHOWN = 100


class OneOff(TypedDict):
    """Who gets a message and who does not; once it is asked for, the link to approve it."""

    count: int
    customers: list[NamedRecord]
    left_out: list[LeftOut]
    suppressed: list[Suppressed]
    next: str
    workflow: NotRequired[int]
    link: NotRequired[str]


@operation(
    "POST /one-offs",
    scope="workflows:write",
    kind="write",
    untrusted=True,
)
def write_to_customers(
    desk: Desk,
    subject: str,
    body: str,
    customers: Refs | None = None,
    where: Plain | None = None,
    attach: Names | None = None,
    paused: bool = False,
    dry: bool = True,
) -> OneOff:
    """One mail to chosen `customers`, or those that match `where`: to primary contacts, else all.
    Paused customers are left out (`paused`: theirs waits). `dry` only tells who gets it; without it
    people are asked to approve, and approval sends it."""
    if (customers is None) == (where is None):
        raise refuse("customers", "say which customers: `customers` or `where`.", "One of them.")
    with desk.read() as tx:
        home = tx.schema.of(Purpose.CUSTOMER).name
        numbers = _numbers(tx, customers) if customers is not None else None
        whole = one_off.document(home, subject, body, where, numbers, attach or (), paused=paused)
        checked = examine(tx, whole, desk.installation.unsafe)
        if checked.problems or checked.parsed is None:
            raise Invalid(*checked.problems)
        meant = audience(tx, checked.parsed, tx.now, MOST_SHOWN)
        every = one_off.document(home, subject, body, where, numbers, attach or (), paused=True)
        left = [] if paused else _left_out(tx, Workflow.model_validate(every))
    answer: OneOff = {
        "count": meant.count,
        "customers": meant.records,
        "left_out": left,
        "suppressed": meant.suppressed,
        "next": "Without `dry`, people are asked to approve it.",
    }
    if dry:
        return answer
    if not meant.count:
        raise refuse("customers", "nobody is left to write to.", "Choose other customers.")
    with desk.begin() as tx:
        draft = save_draft(tx, whole, desk.by)
        row = submit(
            tx, draft.id, draft.revision, "", desk.by, desk.installation.unsafe, meant.count
        )
        detail = {"customers": meant.count, "subject": subject}
        named = f"workflow/{draft.id}"
        audit.record(tx, desk.who.name, "write to customers", named, detail, desk.who.token)
    link = f"{desk.installation.settings.address}/reviews/{row.id}"
    told = "Give the link to a person who may approve; approval sends it."
    return {**answer, "workflow": draft.id, "link": link, "next": told}


def _left_out(tx: Transaction, chosen: Workflow) -> list[LeftOut]:
    """The customers that are left out because nobody is to chase them now, each with why."""
    module = tx.schema.module(chosen.module)
    ids = tx.db.scalars(select(candidates(tx, chosen, tx.now).subquery().c.record)).all()
    reader = Reader(tx)
    reader.load(module, ids)
    rows = [reader.row(module, id) or {} for id in ids]
    told = [(row, paused(RecordFacts(reader, module, row))) for row in rows]
    left: list[LeftOut] = [
        {"id": row["id"], "number": row["number"], "name": row["name"], "why": why}
        for row, why in told
        if why
    ]
    return left[:MOST_SHOWN]


def _numbers(tx: Transaction, customers: Refs) -> list[str]:
    """The numbers of customers, by whatever names they go. Raises `Missing`."""
    module = tx.schema.of(Purpose.CUSTOMER)
    ids = [answers.id_of(tx, module, ref, f"customers.{i}") for i, ref in enumerate(customers)]
    table = tx.schema.tables[module.name]
    return list(tx.db.scalars(select(table.c.number).where(table.c.id.in_(ids))))
