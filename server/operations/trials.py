"""What a workflow would do and whom it means: nothing is done here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired

from pydantic import JsonValue
from sqlalchemy import Row
from typing_extensions import TypedDict

from engine.problems import Invalid, refuse
from engine.records.transaction import Transaction
from engine.runs.audience import LeftOut, NamedRecord, Suppressed, audience
from engine.runs.audience_by_module import audience_by_module
from engine.runs.judge import not_then
from engine.runs.overlaps import beside
from engine.runs.rehearsal import Rehearsals, Rehearsed, Told
from engine.runs.samples import samples
from engine.workflows.library import Live, current_document, examine, surroundings
from engine.workflows.rights import fresh, hosts, rights, risks
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.operations import answers
from server.operations.registry import Number, Plain, Refs, operation
from server.operations.workflows import next_dates

MOST = 25
INSIDE = ("kind", "run", "step", "workflow", "twice_rather_than_never", "key")
DONE = "Nothing was sent or changed."


class WouldDo(TypedDict):
    """One thing that would be done: by which step, in words and in full."""

    step: str
    does: str
    outcome: str
    why: NotRequired[str]
    effect: NotRequired[dict[str, JsonValue]]
    warned: NotRequired[str]
    before: NotRequired[dict[str, JsonValue]]


class TriedRecord(NamedRecord):
    """What would happen to one record, if what is `supposed` were so; of one that matches its path,
    what is done, how it ends."""

    supposed: NotRequired[str]
    matches: bool
    why: str
    path: NotRequired[list[str]]
    effects: NotRequired[list[WouldDo]]
    ends: NotRequired[str]


class Allowed(TypedDict):
    """What a workflow may do; and the risks and hosts that the version in force does not have."""

    may: list[str]
    risks: list[str]
    new_hosts: list[str]


class Trial(Allowed):
    """A dry run, record by record."""

    records: list[TriedRecord]
    next: str


class OtherSide(TypedDict):
    """The records of a related module that a workflow means."""

    module: str
    count: int
    records: list[NamedRecord]


class Meant(TypedDict):
    """Whom a workflow means now: how many, the first of them, and some who are out, with why."""

    shown: NotRequired[OtherSide]
    units: str
    count: int
    runs: int
    records: list[NamedRecord]
    out: list[LeftOut]
    suppressed: list[Suppressed]
    overlaps: list[str]
    next_dates: list[str]
    made_of: NotRequired[str]
    note: NotRequired[str]


@operation(
    "POST /workflows/test",
    name="test_workflow",
    scope="workflows:test",
    untrusted=True,
    stage="try",
)
def try_workflow(
    desk: Desk,
    workflow: Number | None = None,
    document: Plain | None = None,
    records: Refs | None = None,
    as_of: str | None = None,
    change: Plain | None = None,
    sample: Plain | None = None,
) -> Trial:
    """Dry run: who of `records` (or some it picks) matches, why, all it would do. `as_of`: a day or
    time; supposed: values in `change`, a record in `sample`."""
    with desk.read() as tx:
        parsed = parsed_of(desk, tx, workflow, document)
        module = tx.schema.module(parsed.module)
        at = answers.when(tx, as_of) or tx.now
        ids = [
            answers.id_of(tx, module, ref, f"records.{place}")
            for place, ref in enumerate((records or [])[:MOST])
        ]
        live = Live(workflow or 0, parsed.name, 0, "", {}, parsed)
        rehearsals = Rehearsals(tx, live, at, desk.installation.world, desk.who.name)
        if ids or sample is not None:
            tried = rehearsals.all(ids, change, sample)
        else:
            tried = samples(rehearsals, _meant(tx, parsed, at))
        allowed = _allowed(desk, tx, parsed, workflow)
        never = not_then(tx, parsed, at) if as_of else None
    told = f"{DONE} If this is what was meant, submit_workflow." if workflow else DONE
    if never:
        told = f"{told} Mind that {never}."
    if not tried:
        told = f"There are no records in {module.label}: suppose one with `sample`."
    return {"records": [_rehearsed(one) for one in tried], **allowed, "next": told}


def _allowed(desk: Desk, tx: Transaction, parsed: Workflow, workflow: int | None) -> Allowed:
    """What it may do, and what of it the version that runs now, if any, does not."""
    row = answers.workflow_row(tx, workflow) if workflow is not None else None
    live = _in_force(desk, tx, row) if row and row.active_version is not None else None
    around = surroundings(tx)
    before = rights(live, around) if live else []
    found = rights(parsed, around)
    return {
        "may": [str(right) for right in found],
        "risks": risks(found, before),
        "new_hosts": hosts(fresh(found, before)),
    }


def parsed_of(
    desk: Desk, tx: Transaction, workflow: Number | None, document: Plain | None
) -> Workflow:
    """The sound workflow that was named or given. Raises `Invalid` with all its problems."""
    if (workflow is None) == (document is None):
        raise refuse("workflow", "give a `workflow` or a `document`.", "One of them, not both.")
    if workflow is not None:
        document = dict(current_document(tx, answers.workflow_row(tx, workflow)))
    checked = examine(tx, document or {}, desk.installation.unsafe, workflow)
    if checked.problems or checked.parsed is None:
        raise Invalid(*(problem.under("document") for problem in checked.problems))
    return checked.parsed


def _meant(tx: Transaction, parsed: Workflow, at: datetime) -> list[int]:
    """Records worth a look: those that match, and some that do not."""
    found = audience(tx, parsed, at, limit=MOST)
    return [row["id"] for row in (*found.records, *found.out)]


def _rehearsed(one: Rehearsed) -> TriedRecord:
    told: TriedRecord = {
        "id": one.id,
        "number": one.number,
        "name": one.name,
        "matches": one.matches,
        "why": one.why.said,
    }
    if one.supposed:
        told["supposed"] = one.supposed
    if one.matches:
        told["path"] = list(one.path)
        told["effects"] = [effect(each) for each in one.effects]
        told["ends"] = one.ends
    return told


def effect(told: Told) -> WouldDo:
    """One thing that would be done, without what only the engine needs."""
    full = told_effect(told.effect)
    answer: WouldDo = {"step": told.step, "does": told.does, "outcome": told.outcome}
    if told.why:
        answer["why"] = told.why
    if full:
        answer["effect"] = full
    if told.warned:
        answer["warned"] = told.warned
    return {**answer, "before": told.before} if told.before else answer


def told_effect(effect: Mapping[str, Any]) -> dict[str, JsonValue]:
    """An effect without what only the engine needs, and without what is empty."""
    return {
        key: value
        for key, value in effect.items()
        if key not in INSIDE and value not in (None, "", [], {})
    }


@operation(
    "POST /workflows/audience",
    scope="workflows:test",
    untrusted=True,
    stage="try",
)
def preview_audience(
    desk: Desk,
    workflow: Number | None = None,
    document: Plain | None = None,
    as_of: str | None = None,
    limit: int = 20,
    show: str | None = None,
) -> Meant:
    """Count and list whom it means now, who is out or suppressed, why. `show`: a related module."""
    with desk.read() as tx:
        parsed = parsed_of(desk, tx, workflow, document)
        most = max(1, min(limit, 100))
        then = answers.when(tx, as_of)
        at = then or tx.now
        meant = audience(tx, parsed, then, most, workflow or 0)
        told: Meant = {
            "units": meant.units(tx.schema.module(parsed.module)),
            "count": meant.count,
            "runs": meant.runs,
            "records": meant.records,
            "out": meant.out,
            "suppressed": meant.suppressed,
            "next_dates": next_dates(tx, parsed, at),
            "overlaps": [problem.message for problem in beside(tx, parsed, workflow)],
        }
        if meant.made_of:
            told["made_of"] = meant.made_of
        if meant.note:
            told["note"] = f"{meant.note}; these are the records that its conditions mean then"
        live = Live(workflow or 0, parsed.name, 0, "", {}, parsed)
        return {"shown": _shown(tx, live, show, at, most), **told} if show else told


def _shown(tx: Transaction, live: Live, show: str, at: datetime, most: int) -> OtherSide:
    other = audience_by_module(tx, live, show, at, most)
    return {"module": other.module, "count": other.count, "records": other.records}


def _in_force(desk: Desk, tx: Transaction, row: Row[Any]) -> Workflow:
    """The version that runs; the draft, where there is none."""
    if row.active_version is None:
        return parsed_of(desk, tx, row.id, None)
    return desk.installation.library.version(tx, row.id, row.active_version).parsed
