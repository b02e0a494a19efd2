"""Reviews: all a person must see of a version to decide on it, and the decision. Pages only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from engine.blocks.rights import Right
from engine.people import audit
from engine.problems import Problem, refuse
from engine.records.states import GOING_ON
from engine.records.transaction import Transaction
from engine.records.visibility import sees_all
from engine.review import decisions
from engine.review.decisions import Baseline
from engine.runs.advising import advised
from engine.runs.audience import Audience, audience
from engine.runs.rehearsal import Rehearsals, Rehearsed
from engine.runs.samples import samples
from engine.workflows.diff import Difference, differences
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import Live, examine, parsed_of, surroundings
from engine.workflows.library import versions as versions_of
from engine.workflows.rights import fresh, rights, to_be_seen
from engine.workflows.store import Seen
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.access.rights import Refused, kept_from
from server.operations import answers
from server.operations.queries import Stored, runs, versions
from server.operations.queries.runs import Wanted
from server.operations.registry import Answer

CHECKED, MANY = 50, 20
Obstacle = Literal["", "decided", "role", "author"]


@dataclass(frozen=True)
class Proposal:
    """A version, what it would replace, and all that is needed to decide on it.

    `base` is the version that it replaces, or replaced; `versions` are all of its workflow, the
    newest first; `rights` is all that it may do, `new` what of it `base` may not, `to_tick` what of
    that must be ticked; `inside` is how many are on the way through `base`; `unchanged` tells
    whether what it uses is as it was when it was sent, `obstacle` why whoever asks cannot decide.
    """

    row: Stored
    parsed: Workflow
    base: Stored | None
    before: Workflow | None
    versions: Sequence[Stored]
    audience: Audience
    differences: Sequence[Difference]
    problems: Sequence[Problem]
    advice: Sequence[Problem]
    rights: Sequence[Right]
    new: Sequence[Right]
    to_tick: Sequence[Right]
    inside: int
    unchanged: bool
    obstacle: Obstacle


def proposal(desk: Desk, tx: Transaction, review: int) -> Proposal:
    """The version behind a review's address. Raises `Refused` and `Missing`."""
    desk.need("workflows:read")
    row = versions.of_review(tx, review)
    parsed, every = parsed_of(row), versions_of(tx, row.workflow)
    base = _base(row, every)
    before = parsed_of(base) if base else None
    around = surroundings(tx)
    may = rights(parsed, around)
    meant = audience(tx, parsed, limit=CHECKED, number=row.workflow)
    lacks = desk.installation.lacks(tx.company)
    binder = tx.binder(tx.schema.module(parsed.module), event=bool(parsed.trigger.listens()))
    return Proposal(
        row=row,
        parsed=parsed,
        base=base,
        before=before,
        versions=every,
        audience=meant,
        differences=differences(before, parsed, binder) if before else (),
        problems=examine(tx, row.document, desk.installation.unsafe, row.workflow).problems,
        advice=list(advised(tx, parsed, lacks, row.workflow)),
        rights=may,
        new=fresh(may, rights(before, around) if before else ()),
        to_tick=to_tick(tx, row),
        inside=_inside(tx, base) if base else 0,
        unchanged=fingerprint(row.document, parsed, around) == row.hash,
        obstacle=_obstacle(desk, tx, row),
    )


def tried(desk: Desk, it: Proposal) -> list[Rehearsed]:
    """What it would do with some records, so that all it can do is shown; nothing is done."""
    meant = [each["id"] for each in (*it.audience.records, *it.audience.out)]
    with desk.read() as tx:
        return samples(_rehearsals(desk, tx, it), meant)


def supposed(desk: Desk, it: Proposal, record: str, values: dict[str, JsonValue]) -> Rehearsed:
    """What it would do if a record got these values, or there were such a record. Raises
    `Invalid`."""
    with desk.read() as tx:
        rehearsals = _rehearsals(desk, tx, it)
        if not record:
            return rehearsals.of_sample(values)
        id = answers.id_of(tx, tx.schema.module(it.parsed.module), record)
        return rehearsals.of(id, values or None)


def _rehearsals(desk: Desk, tx: Transaction, it: Proposal) -> Rehearsals:
    live = Live(it.row.workflow, it.parsed.name, it.row.version, "", {}, it.parsed)
    return Rehearsals(tx, live, tx.now, desk.installation.world, desk.who.name)


def _base(row: Stored, every: Sequence[Stored]) -> Stored | None:
    if row.state == "in_review":
        return next((each for each in every if each.version == row.active_version), None)
    decided = (each for each in every if each.version < row.version and each.decided_at)
    return next((each for each in decided if each.state in ("approved", "superseded")), None)


def _inside(tx: Transaction, base: Stored) -> int:
    return runs.count(tx, Wanted((base.workflow,), base.version, states=GOING_ON))


def _obstacle(desk: Desk, tx: Transaction, row: Stored) -> Obstacle:
    if row.state != "in_review":
        return "decided"
    if not desk.may("reviews:decide"):
        return "role"
    return "author" if desk.who.name in row.authors and tx.company.four_eyes else ""


def approve(
    desk: Desk,
    review: int,
    hash: str,
    comment: str = "",
    baseline: Baseline | None = None,
    seen: Collection[str] = (),
    count: str = "",
    page: Seen | None = None,
) -> Answer:
    """Put a version into force, if it still is what the person saw, all that is grave in it among
    it. For people only; what they have `seen` are names of rights, see `tick`. What the `page`
    showed is kept with the decision.
    """
    _person(desk)
    with desk.installation.database.begin() as tx:
        row = versions.of_review(tx, review)
        if hash == row.hash and not _obstacle(desk, tx, row):
            _confirmed(to_tick(tx, row), seen)
            _counted(to_type(desk, tx, row), count)
        library = desk.installation.library
        said = comment.strip()
        row = decisions.approve(tx, library, review, hash, desk.by, said, baseline, page)
        _note(desk, tx, "approve", row)
    desk.installation.changed()
    return {"review": review, "workflow": row.workflow, "version": row.version, "state": row.state}


def tick(right: Right) -> str:
    """The name of a right that must be ticked, as a form sends it."""
    through = f" through {right.through}" if right.through else ""
    return f"{right.kind} {right.detail}{through}"


def to_tick(tx: Transaction, row: Stored) -> list[Right]:
    """What is new and grave in a version: whoever approves it must have ticked each."""
    base, around = _base(row, versions_of(tx, row.workflow)), surroundings(tx)
    before = rights(parsed_of(base), around) if base else ()
    return to_be_seen(rights(parsed_of(row), around), before)


def to_type(desk: Desk, tx: Transaction, row: Stored) -> int | None:
    """The number of records that whoever approves a version of their own must type; None if few."""
    if desk.who.name not in row.authors:
        return None
    count = audience(tx, parsed_of(row), limit=1, number=row.workflow).count
    return count if count > MANY else None


def _confirmed(asked: Sequence[Right], seen: Collection[str]) -> None:
    """Whatever is asked, here and not in what was sent, must have been seen. Raises `Invalid`."""
    unseen = [right for right in asked if tick(right) not in seen]
    if unseen:
        told = f"it may {unseen[0]}, and nobody has ticked that."
        if len(unseen) > 1:
            told = f"{len(unseen)} things that it may do are not ticked, such as: {unseen[0]}."
        raise refuse("seen", told, "Tick what you have seen, so that nothing new goes by unread.")


def _counted(asked: int | None, count: str) -> None:
    if asked is not None and count.replace(",", "").strip() != str(asked):
        raise refuse("count", f"Type {asked}, the number of records it would take.")


def shown_then(tx: Transaction, row: Stored) -> Seen | None:
    """What the page showed to the person who decided; None where that is not known, or may name
    what is not shown to whoever asks."""
    schema = tx.schema
    return row.seen if sees_all(schema) and not kept_from(schema) else None


def reject(desk: Desk, review: int, hash: str, comment: str, page: Seen | None = None) -> Answer:
    """Send a version back to its author, with a reason. For people only."""
    _person(desk)
    with desk.installation.database.begin() as tx:
        versions.of_review(tx, review)
        row = decisions.reject(tx, review, desk.by, comment, page)
        _note(desk, tx, "reject", row)
    desk.installation.changed()
    return {"review": review, "workflow": row.workflow, "version": row.version, "state": row.state}


def _person(desk: Desk) -> None:
    """Raises `Refused` for whoever acts through a token, and for people without the role."""
    if desk.who.agent or desk.who.scopes is not None:
        remedy = "A person does it, signed in to the web page."
        raise Refused("reviews:decide", "No token may decide a review.", remedy)
    desk.need("reviews:decide")


def _note(desk: Desk, tx: Transaction, verb: str, row: Stored) -> None:
    detail = {
        "version": row.version,
        "hash": row.hash,
        "comment": row.comment,
        "self_approved": row.self_approved,
    }
    audit.record(tx, desk.who.name, verb, f"workflow/{row.workflow}", detail)
