"""Advice that is tried before it is given: what its document tells, and what the records tell."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from sqlalchemy import func, select

from engine.company.calendar import Offset, parse_moment
from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf
from engine.conditions.contradictions import contradiction
from engine.conditions.parts import leaves
from engine.conditions.words import describe
from engine.problems import Problem
from engine.records.transaction import Transaction
from engine.runs.candidates import candidates
from engine.runs.foreign_texts import foreign_texts
from engine.runs.overlaps import overlaps
from engine.runs.unfilled import unfilled
from engine.schema.modules import Module
from engine.workflows.advice import Lacks, advice, mails, placed
from engine.workflows.claims import claims
from engine.workflows.fingerprint import standing
from engine.workflows.library import others, proposed, surroundings
from engine.workflows.loops import rings
from engine.workflows.recurrence import Every
from engine.workflows.rights import rights
from engine.workflows.workflow import Workflow

OFTEN = 7  # days: what comes less often than this is a rhythm, and nobody's oversight
CATCH_UP = 2  # days


def advised(
    tx: Transaction, workflow: Workflow, lacks: Lacks = lambda step: (), number: int | None = None
) -> Iterator[Problem]:
    """What a careful colleague would say of a sound workflow, which has this `number` if any."""
    yield from claims(workflow, rights(workflow, surroundings(tx)))
    yield from advice(workflow, tx.schema, counted(tx, workflow), lacks)
    yield from _never(tx, workflow)
    yield from _too_often(tx, workflow)
    yield from _one_day_only(tx, workflow)
    yield from unfilled(tx, workflow)
    yield from foreign_texts(tx, workflow)
    active, waiting = others(tx, number), proposed(tx, number)
    yield from overlaps(tx, workflow, active, waiting)
    for ring in rings(workflow, [*active, *waiting], tx.schema):
        yield replace(ring, message=f"once what waits for review is active, {ring.message}")


def counted(tx: Transaction, workflow: Workflow, at: datetime | None = None) -> int:
    """How many records it means, now or then."""
    single = workflow.model_copy(update={"group_by": None})
    chosen = candidates(tx, single, at or tx.now).subquery()
    return tx.db.scalar(select(func.count()).select_from(chosen)) or 0


# --- never ---


def _never(tx: Transaction, workflow: Workflow) -> Iterator[Problem]:
    """Conditions that no record can satisfy: those to start by, and those of each `if`."""
    home = tx.schema.module(workflow.module)
    asked = [("conditions", "it never starts", standing(workflow.entry))]
    for path, step in placed(workflow.steps, "steps"):
        own = [condition for module, condition in step.asked() if not module]
        asked += [(path, "its conditions never hold", standing(each)) for each in own]
    for path, so, condition in asked:
        binder = tx.binder(home)
        if pair := contradiction(condition, binder):
            first, second = (describe(part, binder) for part in pair)
            told = f"{so}: no record fits both “{first}” and “{second}”."
            remedy = 'Take one out, or use "any" where one of them is enough.'
            yield Problem(path, told, remedy, "grave")


# --- again and again ---


def _too_often(tx: Transaction, workflow: Workflow) -> Iterator[Problem]:
    """Mails to the same records within days: what matches at one run matches at the next."""
    if not (
        workflow.trigger.repeats and mails(workflow) and isinstance(workflow.recurrence, Every)
    ):
        return
    dates = workflow.next_dates(tx.binder(tx.schema.module(workflow.module)))
    days = [tx.company.calendar.today(at) for at in dates]
    if len(dates) < 2 or min((b - a).days for a, b in pairwise(days)) >= OFTEN:
        return
    first, second = dates[:2]
    before, again = counted(tx, workflow, first), _again(tx, workflow, first, second)
    if before and not again:
        return
    local = second.astimezone(tx.company.calendar.timezone)
    seen = f" (of the {before} of the next run, {again} match again at the one on {local:%Y-%m-%d})"
    told = f"every record that still matches gets a mail at every run{seen if before else ''}."
    yield Problem("recurrence", told, 'Consider {"every_days": 7} or "episode".')


def _again(tx: Transaction, workflow: Workflow, first: datetime, second: datetime) -> int:
    """How many records match both times, were nothing changed in between."""
    single = workflow.model_copy(update={"group_by": None})
    once, twice = (candidates(tx, single, at).subquery() for at in (first, second))
    both = select(func.count()).select_from(once).where(once.c.record.in_(select(twice.c.record)))
    return tx.db.scalar(both) or 0


# --- on one day alone ---


def _one_day_only(tx: Transaction, workflow: Workflow) -> Iterator[Problem]:
    """A schedule that finds a record on a single day, with what finding it later would change."""
    if not workflow.trigger.repeats:
        return
    home = tx.schema.module(workflow.module)
    for node in leaves(workflow.conditions):
        if _exact(node) and not _yearly(node, home):
            told = f"`{node.field}` must be exactly {node.value}: a day of downtime loses records."
            yield Problem("conditions", told, _remedy(tx, workflow, node))


def _exact(node: Compare) -> bool:
    day = parse_moment(node.value) if node.op == "equals" and isinstance(node.value, str) else None
    return day is not None and day.word != "now"


def _yearly(node: Compare, home: Module) -> bool:
    """Whether the field is a day of each year: who missed it cannot be told later."""
    field = home.by_name.get(node.field)
    return field is not None and field.yearly


def _remedy(tx: Transaction, workflow: Workflow, node: Compare) -> str:
    """A few days instead of one, with how many records are meant before and after."""
    exact = parse_moment(str(node.value))
    if exact is None or (exact.offset and exact.offset.unit != "d"):
        return "See that the workers run each day."
    amount = exact.offset.amount if exact.offset else 0
    late = amount - CATCH_UP
    earliest = replace(exact, offset=Offset(late, "d") if late else None)
    span = {"op": "between", "value": [str(earliest), str(exact)]}
    wider = node.model_copy(update=span)
    changed = workflow.model_copy(
        update={"conditions": _replaced(workflow.conditions, node, wider)}
    )
    changed.__dict__.pop("entry", None)
    before, after = counted(tx, workflow), counted(tx, changed)
    written = f'`between` ["{earliest}", "{exact}"] together with "once"'
    return (
        f"To make up for {CATCH_UP} days, use {written}: it means {after} now instead of {before}."
    )


def _replaced(condition: Condition, old: Compare, new: Compare) -> Condition:
    """The condition with another comparison in the place of one."""
    match condition:
        case AllOf(all=parts):
            return AllOf(all=tuple(_replaced(part, old, new) for part in parts))
        case AnyOf(any=parts):
            return AnyOf(any=tuple(_replaced(part, old, new) for part in parts))
        case NotOf(part=part):
            return NotOf(part=_replaced(part, old, new))
    return new if condition == old else condition
