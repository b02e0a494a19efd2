"""Runs: started by hand, listed, told step by step, and decided where only a person can know."""

from collections.abc import Sequence
from typing import Any, NotRequired

from pydantic import JsonValue
from sqlalchemy import func, select
from typing_extensions import TypedDict

from engine.conditions import ALWAYS
from engine.people import audit
from engine.problems import refuse, suggest
from engine.records.reader import Reader, name_of
from engine.records.search import matching
from engine.records.states import DRIVEN, RunState
from engine.records.tables import ENTRIES
from engine.records.transaction import Transaction
from engine.runs import manual_start
from engine.runs.candidates import candidates
from engine.runs.enrol import Cause
from engine.runs.sending.mending import try_again
from engine.runs.unknown_outcomes import decide
from engine.workflows.library import Live
from engine.workflows.reading import read_condition
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.operations import answers, trials
from server.operations.queries import Stored
from server.operations.queries import runs as queries
from server.operations.queries.runs import Wanted
from server.operations.registry import Number, Plain, Ref, Refs, missing, operation

STATES = tuple(RunState)
MOST_AT_ONCE = 500
PAGE = 50


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


class RecordOfRun(TypedDict):
    """What a run is about: a record, and all of its group if it is about several at once."""

    module: str
    id: int
    number: NotRequired[str]
    name: NotRequired[str]
    members: NotRequired[list[int]]


class RunLine(TypedDict):
    """A run and where it stands: at which step since when, and when it goes on."""

    run: int
    workflow: int
    name: str
    version: int
    record: RecordOfRun
    state: str
    step: str | None
    does: str | None
    since: str
    next_at: str | None
    started_at: str
    ended_at: str | None
    reason: str


class Runs(TypedDict):
    """One page of runs, how many stand at each step, and where the next page begins."""

    runs: list[RunLine]
    steps: dict[str, int]
    total: int
    cursor: str | None


class CauseOfRun(TypedDict):
    """The change that started a run, by its number; or the occasion that it is for."""

    change: NotRequired[int]
    occasion: NotRequired[str]


class StepTaken(TypedDict):
    """One step that a run took: what it did, what came of it, and when."""

    step: str
    does: NotRequired[str | None]
    outcome: NotRequired[str]
    said: NotRequired[str]
    warned: NotRequired[str]
    at: str
    ended_at: NotRequired[str | None]
    tries: NotRequired[int]
    effect: NotRequired[dict[str, JsonValue] | None]
    until: NotRequired[str | None]
    result: NotRequired[dict[str, JsonValue]]


class RunStory(RunLine):
    """A run from its cause to where it stands; `before` is the record as it was before."""

    actor: str
    caused_by: CauseOfRun
    before: JsonValue
    story: list[StepTaken]


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


def fitting_now(tx: Transaction, workflow: Workflow, most: int) -> list[int]:
    """The records that it would run for now, the newest first."""
    chosen = candidates(tx, workflow, tx.now).subquery()
    query = select(chosen.c.record).order_by(chosen.c.record.desc()).limit(most)
    return list(tx.db.scalars(query))


def _active(desk: Desk, tx: Transaction, workflow: int) -> Live:
    """The version that a person approved and that is on. Raises `Invalid`."""
    row = answers.workflow_row(tx, workflow)
    if row.state != "active" or row.active_version is None:
        message = f"“{row.name}” is {answers.stands(row.state)}, so it starts nothing."
        remedy = "Only a version that a person approved runs; test_workflow shows what it would do."
        raise refuse("workflow", message, remedy)
    return desk.installation.library.version(tx, workflow, row.active_version)


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


# --- what runs do ---


@operation(
    "GET /runs",
    scope="runs:read",
    untrusted=True,
    stage="run",
)
def list_runs(
    desk: Desk,
    workflow: Number | None = None,
    record: Ref | None = None,
    state: str | None = None,
    step: str | None = None,
    since: str | None = None,
    cursor: str | None = None,
) -> Runs:
    """List runs, newest first: where each stands, since when, what comes next and when; and how
    many stand at each step. `record`: module/id or number; `since`: a day, or today-7d."""
    if state is not None and state not in STATES:
        raise refuse("state", f"there is no state `{state}`.", suggest(state, STATES, "States"))
    with desk.read() as tx:
        wanted = Wanted(
            workflows=(answers.workflow_row(tx, workflow).id,) if workflow is not None else (),
            record=_record_named(tx, workflow, str(record)) if record is not None else None,
            states=(state,) if state else (),
            step=step,
            since=answers.when(tx, since, "since"),
        )
        return _page(desk, tx, wanted, cursor)


def _record_named(tx: Transaction, workflow: int | None, ref: str) -> tuple[str, int]:
    home, slash, _ = ref.partition("/")
    if slash and home in tx.schema.modules:
        module = tx.schema.modules[home]
    elif workflow is not None:
        module = tx.schema.module(answers.workflow_row(tx, workflow).module)
    elif found := next(queries.numbered(tx, ref), None):
        return found[0].name, found[1]
    else:
        raise missing("record", f"`{ref}` names no record.", "Write module/id, like invoices/12.")
    return module.name, answers.id_of(tx, module, ref)


def _page(desk: Desk, tx: Transaction, wanted: Wanted, cursor: str | None) -> Runs:
    if cursor and (not cursor.isdecimal() or len(cursor) > 18):
        raise refuse("cursor", "this is no cursor of list_runs.", "Leave it out to begin anew.")
    rows = queries.newest(tx, wanted, PAGE + 1, before=int(cursor) if cursor else None)
    shown = rows[:PAGE]
    return {
        "runs": _lines(desk, tx, shown),
        "steps": _steps(tx, wanted),
        "total": queries.count(tx, wanted),
        "cursor": str(shown[-1].id) if len(rows) > PAGE else None,
    }


def _lines(desk: Desk, tx: Transaction, rows: Sequence[Stored]) -> list[RunLine]:
    since = _since(tx, [row.id for row in rows])
    reader = Reader(tx)
    lines: list[RunLine] = []
    for row in rows:
        live = desk.installation.library.version(tx, row.workflow, row.version)
        lines.append(
            {
                "run": row.id,
                "workflow": row.workflow,
                "name": live.name,
                "version": row.version,
                "record": _record(tx, reader, row),
                "state": row.state,
                "step": row.step,
                "does": _heading(tx, live, row.step),
                "since": answers.iso(since.get(row.id, row.started_at)),
                "next_at": answers.iso(row.due) if _timed(row) else None,
                "started_at": answers.iso(row.started_at),
                "ended_at": answers.iso(row.ended_at),
                "reason": row.reason,
            }
        )
    return lines


def _timed(row: Stored) -> bool:
    """Whether it is known when a run goes on: not while it waits for something to come about."""
    return row.state in DRIVEN and row.awaits is None


def _since(tx: Transaction, runs: list[int]) -> dict[int, Any]:
    """When each run reached the step it stands at."""
    newest = select(ENTRIES.c.run, func.max(ENTRIES.c.at)).where(ENTRIES.c.run.in_(runs))
    return {run: at for run, at in tx.db.execute(newest.group_by(ENTRIES.c.run))}


def _record(tx: Transaction, reader: Reader, row: Stored) -> RecordOfRun:
    module = tx.schema.modules.get(row.module)
    told: RecordOfRun = {"module": row.module, "id": row.record}
    values = reader.row(module, row.record) if module else None
    if module and values:
        told = {**told, "number": values["number"], "name": name_of(module, values)}
    return {**told, "members": row.members} if row.members else told


def _heading(tx: Transaction, live: Live, step: str | None) -> str | None:
    if step is None or step not in live.parsed.route:
        return None
    module = tx.schema.modules.get(live.parsed.module)
    return live.parsed.route[step][0].heading(tx.binder(module)) if module else step


def _steps(tx: Transaction, wanted: Wanted) -> dict[str, int]:
    """How many runs stand at each step now; with the workflow in front, if there are several."""
    return {
        step if wanted.workflows else f"{workflow}/{step}": count
        for (workflow, step), count in queries.at_steps(tx, wanted).items()
    }


@operation(
    "GET /runs/{run}",
    scope="runs:read",
    untrusted=True,
    stage="run",
)
def get_run(desk: Desk, run: Ref) -> RunStory:
    """The whole story of a run, step by step: what it decided and saw, did, and what came of it."""
    with desk.read() as tx:
        row = queries.one(tx, run)
        live = desk.installation.library.version(tx, row.workflow, row.version)
        (line,) = _lines(desk, tx, [row])
        return {
            **line,
            "actor": row.actor,
            "caused_by": {"change": row.event} if row.event else {"occasion": row.occasion},
            "before": row.before,
            "story": [_entry(tx, live, entry) for entry in queries.entries(tx, row.id)],
        }


def _entry(tx: Transaction, live: Live, entry: Stored) -> StepTaken:
    move = entry.move
    told: StepTaken = {
        "step": entry.step,
        "does": _heading(tx, live, entry.step),
        "outcome": entry.outcome or entry.phase,
        "said": entry.said or move.get("why") or "",
        "warned": entry.warned,
        "at": answers.iso(entry.at),
        "ended_at": answers.iso(entry.ended_at),
        "tries": entry.tries,
        "effect": trials.told_effect(move["effect"]) if "effect" in move else None,
        "until": move.get("until"),
        "result": entry.result,
    }
    return answers.without((None, "", {}, 0), told)


def try_run_again(desk: Desk, run: int) -> RunStory:
    """Go on with a run that failed, at the step at which it did. Pages only."""
    desk.need("runs:control")
    with desk.installation.database.begin() as tx:
        queries.one(desk.view(tx), run)
        try_again(tx, desk.installation.library, run)
        audit.record(tx, desk.who.name, "try run again", f"run/{run}", None, desk.who.token)
    desk.installation.changed()
    return get_run(desk, run)


def decide_run(desk: Desk, run: int, arrived: bool) -> RunStory:
    """Say whether a mail arrived of which nobody knows: go on, or send it again. Pages only."""
    desk.need("runs:control")
    with desk.installation.database.begin() as tx:
        queries.one(desk.view(tx), run)
        decide(tx, desk.installation.library, run, arrived, desk.who.name)
        detail = {"arrived": arrived}
        audit.record(tx, desk.who.name, "decide run", f"run/{run}", detail, desk.who.token)
    desk.installation.changed()
    return get_run(desk, run)
