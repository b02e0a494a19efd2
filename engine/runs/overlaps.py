"""What a workflow would do twice beside others: the same customers written to, or all of it."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select

from engine.blocks.communication import Communication
from engine.problems import Problem
from engine.records.reader import name_of
from engine.records.transaction import Transaction
from engine.runs.belonging import customers_of
from engine.runs.candidates import candidates
from engine.schema.english import count, listed
from engine.schema.purposes import Purpose
from engine.workflows.library import Live, others, proposed
from engine.workflows.workflow import Workflow

NAMED = 3  # customers
MOST = 5  # workflows
REMEDY = "See that nobody gets both: narrow the conditions of one, or put them into one workflow."


def overlaps(
    tx: Transaction, workflow: Workflow, active: Sequence[Live], waiting: Sequence[Live]
) -> Iterator[Problem]:
    """The other workflows, active or waiting for review, that say or write the same."""
    found = list(_overlaps(tx, workflow, active, waiting))
    yield from found[:MOST]
    if more := len(found[MOST:]):
        yield Problem("conditions", f"so it is with {more} more workflows.", REMEDY, "grave")


def _overlaps(
    tx: Transaction, workflow: Workflow, active: Sequence[Live], waiting: Sequence[Live]
) -> Iterator[Problem]:
    mine = tuple(workflow.words(tx.binder(tx.schema.module(workflow.module))))
    for known, stands in ((active, "is active"), (waiting, "waits for review")):
        for other in known:
            named = f"“{other.name}”, which {stands},"
            if _same(tx, mine, workflow, other.parsed):
                remedy = "Change that one, if something is missing."
                told = f"{named} does all of this already."
                yield Problem("", told, remedy, "grave", other.workflow)
            elif shared := _customers_of_both(tx, workflow, other.parsed):
                told = f"{named} writes to {shared} too."
                yield Problem("conditions", told, REMEDY, "grave", other.workflow)


def beside(tx: Transaction, workflow: Workflow, number: int | None) -> Iterator[Problem]:
    """The same, of all that is active or waits for review; `number` is that of the workflow."""
    yield from overlaps(tx, workflow, others(tx, number), proposed(tx, number))


def _same(tx: Transaction, mine: tuple[str, ...], workflow: Workflow, other: Workflow) -> bool:
    """Whether two workflows do the same, as far as their words tell."""
    if other.module != workflow.module or type(other.trigger) is not type(workflow.trigger):
        return False
    return mine == tuple(other.words(tx.binder(tx.schema.module(other.module))))


def _customers_of_both(tx: Transaction, workflow: Workflow, other: Workflow) -> str:
    """Which customers both would write to, in words: how many, and the first of them."""
    home = tx.schema.find(Purpose.CUSTOMER)
    if home is None or not _alike(workflow, other) or not _channels(workflow) & _channels(other):
        return ""
    mine, theirs = customers(tx, workflow), customers(tx, other)
    if mine is None or theirs is None:
        return ""
    table = tx.schema.tables[home.name]
    both = (table.c.id.in_(mine), table.c.id.in_(theirs), table.c.deleted_at.is_(None))
    size = tx.count(table, *both)
    if not size:
        return ""
    rows = tx.db.execute(select(table).where(*both).order_by(table.c.id).limit(NAMED)).mappings()
    names = [name_of(home, dict(row)) for row in rows]
    more = [f"{size - NAMED} more"] if size > NAMED else []
    return f"{count(size, home.singular.lower())} of these ({listed([*names, *more])})"


def _alike(one: Workflow, other: Workflow) -> bool:
    """Whether both may take the same records: by the clock, or by changes of one kind."""
    if one.trigger.repeats or other.trigger.repeats:
        return one.trigger.repeats and other.trigger.repeats
    heard = [{listen.kind for listen in each.trigger.listens()} for each in (one, other)]
    return one.module == other.module and bool(heard[0] & heard[1])


def _channels(workflow: Workflow) -> set[str]:
    """The channels by which it writes to more than addresses and users it names itself."""
    return {
        step.channel
        for step in workflow.every_step
        if isinstance(step, Communication) and any(map(of_record, step.to))
    }


def of_record(word: str) -> bool:
    """Whether a recipient word leads from the record to somebody at its customer."""
    path = word.removeprefix("records.").split(".")
    own = path[-1] in ("owner", "assignee") or word.startswith(("group:", "on_duty:"))
    return not own and "@" not in word


def customers(tx: Transaction, workflow: Workflow) -> Select[Any] | None:
    """The ids of the customers that its records belong to now; None where they belong to none."""
    single = workflow.model_copy(update={"group_by": None})
    chosen = candidates(tx, single, tx.now).subquery()
    return customers_of(tx, tx.schema.module(workflow.module), select(chosen.c.record))
