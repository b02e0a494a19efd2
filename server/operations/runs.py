"""Runs: listed, told step by step, and decided where only a person can know."""

from collections.abc import Sequence
from typing import Any, NotRequired

from pydantic import JsonValue
from sqlalchemy import func, select
from typing_extensions import TypedDict

from engine.people import audit
from engine.problems import refuse, suggest
from engine.records.reader import Reader, name_of
from engine.records.states import DRIVEN
from engine.records.tables import ENTRIES
from engine.records.transaction import Transaction
from engine.runs.failed_runs import close, try_again
from engine.runs.unknown_outcomes import decide
from engine.workflows.library import Live
from server.access.desk import Desk
from server.operations import answers, trials
from server.operations.queries import Stored
from server.operations.queries import runs as queries
from server.operations.queries.runs import Wanted
from server.operations.queries.stories import Happened, story
from server.operations.registry import Number, Ref, operation

PAGE = 50


class RecordOfRun(TypedDict):
    """What a run is about: a record, and all of its group if it is about several at once."""

    module: str
    id: int
    number: NotRequired[str]
    name: NotRequired[str]
    members: NotRequired[list[int]]


class RunLine(TypedDict):
    """A run and where it stands: at which step since when, why, and when it goes on.

    `standing` is more exact than `state`: what waits may be held, what is paused may be unknown.
    `skipped` is how many steps were skipped.
    """

    run: int
    workflow: int
    name: str
    version: int
    record: RecordOfRun
    state: str
    standing: str
    step: str | None
    does: str | None
    since: str
    next_at: str | None
    started_at: str
    ended_at: str | None
    reason: str
    skipped: NotRequired[int]


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
    """What happened to a run: each try of a step, each hold, each act of a person (`by`), and when.

    The newest line of a step says what it did, and `since` when it had been reached.
    """

    step: NotRequired[str]
    does: NotRequired[str | None]
    outcome: str
    said: NotRequired[str]
    warned: NotRequired[str]
    at: str
    by: NotRequired[str]
    since: NotRequired[str | None]
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
    """List runs, newest first: where each stands, since when, what comes next and when; how many
    stand at each step. `record`: module/id, number, customer; `since`: like today-7d."""
    states = queries.STANDINGS
    if state is not None and state not in states:
        raise refuse("state", f"there is no state `{state}`.", suggest(state, states, "States"))
    with desk.read() as tx:
        home = answers.workflow_row(tx, workflow) if workflow is not None else None
        wanted = Wanted(
            workflows=(home.id,) if home else (),
            record=_about(tx, record, home) if record is not None else None,
            states=(state,) if state else (),
            step=step,
            since=answers.when(tx, since, "since"),
        )
        return _page(desk, tx, wanted, cursor)


def _about(tx: Transaction, record: Ref, workflow: Stored | None) -> tuple[str, int]:
    home = tx.schema.module(workflow.module) if workflow else None
    module, id = answers.record_named(tx, record, home)
    return module.name, id


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
        line: RunLine = {
            "run": row.id,
            "workflow": row.workflow,
            "name": live.name,
            "version": row.version,
            "record": _record(tx, reader, row),
            "state": row.state,
            "standing": queries.standing(row),
            "step": row.step,
            "does": _heading(tx, live, row.step),
            "since": answers.iso(since.get(row.id, row.started_at)),
            "next_at": answers.iso(row.due) if _timed(row) else None,
            "started_at": answers.iso(row.started_at),
            "ended_at": answers.iso(row.ended_at),
            "reason": queries.reason(row),
        }
        lines.append({**line, "skipped": row.skipped} if row.skipped else line)
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
    """The story of a run, step by step: what each saw and did, and what came of it."""
    with desk.read() as tx:
        row = queries.one(tx, run)
        live = desk.installation.library.version(tx, row.workflow, row.version)
        (line,) = _lines(desk, tx, [row])
        return {
            **line,
            "actor": row.actor,
            "caused_by": {"change": row.event} if row.event else {"occasion": row.occasion},
            "before": row.before,
            "story": [_taken(tx, live, part) for part in story(tx, row)],
        }


def _taken(tx: Transaction, live: Live, part: Happened) -> StepTaken:
    line: StepTaken = {
        "step": part.step or "",
        "does": _heading(tx, live, part.step),
        "outcome": part.what,
        "said": part.said,
        "at": answers.iso(part.at),
        "by": part.by,
        "tries": part.tries,
        "until": answers.iso(part.until),
    }
    if part.entry is not None:
        line = {**line, **_full(part, part.entry)}
    return answers.without((None, "", {}, 0), line)


def _full(part: Happened, entry: Stored) -> StepTaken:
    """What the newest line of a step says more."""
    effect = entry.move.get("effect")
    return {
        "outcome": part.what,
        "at": answers.iso(part.at),
        "warned": entry.warned,
        "since": answers.iso(entry.at) if entry.at != part.at else None,
        "effect": trials.told_effect(effect) if effect else None,
        "result": entry.result,
    }


def try_run_again(desk: Desk, run: int) -> RunStory:
    """Go on with a run that failed, at the step at which it did. Pages only."""
    desk.need("runs:control")
    with desk.installation.database.begin() as tx:
        queries.one(desk.view(tx), run)
        try_again(tx, desk.installation.library, run, desk.who.name)
        audit.record(tx, desk.who.name, "try run again", f"run/{run}", None, desk.who.token)
    desk.installation.changed()
    return get_run(desk, run)


@operation(
    "POST /runs/{run}/close",
    scope="runs:control",
    kind="write",
    untrusted=True,
)
def close_run(desk: Desk, run: Ref) -> RunStory:
    """Leave a run that failed at that: it is not tried again, and nothing more of it is sent."""
    with desk.installation.database.begin() as tx:
        id = queries.one(desk.view(tx), run).id
        close(tx, id, desk.who.name)
        audit.record(tx, desk.who.name, "close run", f"run/{id}", None, desk.who.token)
    desk.installation.changed()
    return get_run(desk, id)


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
