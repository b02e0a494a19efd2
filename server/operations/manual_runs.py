"""Runs started by hand: of the approved version, on chosen records."""

from typing import NotRequired

from sqlalchemy import select
from typing_extensions import TypedDict

from engine.conditions import ALWAYS
from engine.people import audit
from engine.problems import refuse
from engine.records.reader import Reader
from engine.records.search import matching
from engine.records.transaction import Transaction
from engine.runs import manual_start
from engine.runs.audience import taken_by_hand
from engine.runs.enrol import Cause
from engine.workflows.library import Live
from engine.workflows.reading import read_condition
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.operations import answers, trials
from server.operations.explaining import changed_since_approval
from server.operations.registry import Number, Plain, Refs, operation

MOST_AT_ONCE = 500


class StartedRun(TypedDict):
    """A run that began, and the record that it is about."""

    run: int
    id: int
    number: str | None


class NotStarted(TypedDict):
    """A record for which nothing began, and why."""

    id: int
    number: str | None
    why: str


class Started(TypedDict):
    """What was started and what was not; of a dry run what would be, step by step."""

    started: list[StartedRun]
    would_start: NotRequired[list[trials.TriedRecord]]
    not_started: list[NotStarted]
    next: str


@operation(
    "POST /workflows/{workflow}/run",
    scope="workflows:run",
    kind="send",
    untrusted=True,
    stage="run",
)
def run_workflow(
    desk: Desk,
    workflow: Number,
    records: Refs | None = None,
    where: Plain | None = None,
    dry: bool = False,
) -> Started:
    """Start the approved version now, on `records` or those that match `where`; its conditions and
    recurrence still count. `dry`: only tell what would happen."""
    with desk.read() as tx:
        live = _active(desk, tx, workflow)
        ids = _chosen(tx, live, records, where)
    if dry:
        return _dry(desk, live, ids)
    with desk.installation.database.begin() as tx:
        begun = manual_start.start(tx, live, ids, Cause(desk.who.name))
        detail = {"runs": len(begun.runs), "asked": len(ids)}
        named = f"workflow/{workflow}"
        audit.record(tx, desk.who.name, "run workflow", named, detail, desk.who.token)
        answer = _begun(tx, live, begun)
    desk.installation.changed()
    return answer


def fitting_now(tx: Transaction, workflow: int, parsed: Workflow, most: int) -> list[int]:
    """The records that it would run for if it was started now, the newest first."""
    live = Live(workflow, parsed.name, 0, "", {}, parsed)
    chosen = taken_by_hand(tx, live, tx.now).subquery()
    query = select(chosen.c.record).order_by(chosen.c.record.desc()).limit(most)
    return list(tx.db.scalars(query))


def _active(desk: Desk, tx: Transaction, workflow: int) -> Live:
    """The version that a person approved and that is on. Raises `Invalid`."""
    row = answers.workflow_row(tx, workflow)
    if row.state != "active" or row.active_version is None:
        message = f"“{row.name}” is {answers.stands(row.state)}, so it starts nothing."
        remedy = "Only a version that a person approved runs; test_workflow shows what it would do."
        raise refuse("workflow", message, remedy)
    live = desk.installation.library.version(tx, workflow, row.active_version)
    if changed_since_approval(desk, live):
        message = f"what “{row.name}” uses has changed since it was approved."
        raise refuse("workflow", message, "Submit it for review again.")
    return live


def _chosen(tx: Transaction, live: Live, records: Refs | None, where: Plain | None) -> list[int]:
    if (records is None) == (where is None):
        raise refuse("records", "say which records: `records` or `where`.", "One of them.")
    module = tx.schema.module(live.parsed.module)
    if records is not None:
        ids = [answers.id_of(tx, module, ref, f"records.{i}") for i, ref in enumerate(records)]
    else:
        table = tx.schema.tables[module.name]
        wanted = matching(tx, module, read_condition(module.name, where) if where else ALWAYS)
        ids = list(tx.db.scalars(select(table.c.id).where(wanted).limit(MOST_AT_ONCE + 1)))
    if len(ids) > MOST_AT_ONCE:
        message = f"these are more than {MOST_AT_ONCE} records, the most that start at once."
        raise refuse("where" if where else "records", message, "Narrow it down.")
    return ids


def _dry(desk: Desk, live: Live, ids: list[int]) -> Started:
    if not ids:
        return {"started": [], "would_start": [], "not_started": [], "next": trials.DONE}
    first: Refs = [*ids[: trials.MOST]]
    told = trials.try_workflow(desk, document=dict(live.document), records=first)
    with desk.read() as tx:
        refused = manual_start.refusals(tx, live, ids[: trials.MOST])
    would = [one for one in told["records"] if one["id"] not in refused]
    out: list[NotStarted] = [
        {"id": one["id"], "number": one["number"], "why": refused[one["id"]]}
        for one in told["records"]
        if one["id"] in refused
    ]
    more = f" The first {trials.MOST} of {len(ids)} are told." if len(ids) > trials.MOST else ""
    return {"started": [], "would_start": would, "not_started": out, "next": trials.DONE + more}


def _begun(tx: Transaction, live: Live, begun: manual_start.Started) -> Started:
    module = tx.schema.module(live.parsed.module)
    reader = Reader(tx)
    reader.load(module, [*(id for _, id in begun.runs), *(id for id, _ in begun.refused)])

    def number(id: int) -> str | None:
        return (reader.row(module, id) or {}).get("number")

    return {
        "started": [{"run": run, "id": id, "number": number(id)} for run, id in begun.runs],
        "not_started": [{"id": id, "number": number(id), "why": why} for id, why in begun.refused],
        "next": "get_run tells what became of each." if begun.runs else "Nothing was started.",
    }
