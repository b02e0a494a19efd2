"""Runs: the monitor, one run, and the person's word on a mail whose fate is not known."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, Row, and_, false, or_, select
from starlette.responses import Response

from engine.records.states import RunState
from engine.records.tables import ENTRIES, RUNS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.visibility import seen_runs
from engine.schema.sql_types import Fold
from server.access.session import Posted, Signed, Visit, text
from server.operations.registry import missing
from server.operations.runs import decide_run, try_run_again
from server.pages.frame.errors import PageRoute
from server.pages.frame.lists import ROWS, address, filters, paging, place, segment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.rows import number, run_id, run_rows
from server.pages.frame.views import Segment
from server.pages.runs.story import Story
from server.pages.runs.views import RunsView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STATES = (
    RunState.RUNNING, RunState.WAITING, RunState.FAILED,
    RunState.PAUSED, RunState.DONE, RunState.STOPPED,
)  # fmt: skip
TABS = ("story", "data", "raw")


@router.get("/runs")
def show_runs(visit: Signed) -> Response:
    visit.desk.need("runs:read")
    with visit.desk.read() as tx:
        asked = _asked(visit, tx)
        query = select(RUNS).where(*asked).order_by(RUNS.c.id.desc())
        rows = list(tx.db.execute(query.limit(ROWS).offset((place(visit) - 1) * ROWS)).all())
        states = [("", "All"), *((state, state.capitalize()) for state in STATES)]
        pick = segment("state", "State", states, visit.asked("state"))
        view: RunsView = {
            "filters": filters(
                visit, "runs", "Record, run or error", pick, [_workflows(visit, tx)]
            ),
            "rows": run_rows(Names(tx), rows),
            "paging": paging(visit, len(rows), tx.count(RUNS, *asked)),
            "live": address(visit),
            "bulk": [],
            "actions": [],
        }
        return page(visit, tx, "runs.html", view, title="Runs", here="runs")


@router.get("/runs/{run}")
def show_run(visit: Signed, run: str) -> Response:
    visit.desk.need("runs:read")
    asked = visit.asked("tab")
    with visit.desk.read() as tx:
        row = _run(visit, tx, run)
        entries = select(ENTRIES).where(ENTRIES.c.run == row.id).order_by(ENTRIES.c.position)
        story = Story(visit, tx, row, list(tx.db.execute(entries).all()))
        view = story.view(asked if asked in TABS else TABS[0])
        return page(visit, tx, "run.html", view, title=number(row.id), here="runs")


@router.post("/runs/{run}/decide")
def decide(visit: Signed, run: int, form: Posted) -> Response:
    """Say whether a mail arrived: the run goes on, or sends it again."""
    visit.desk.need("runs:control")
    arrived = text(form, "arrived") == "yes"
    decide_run(visit.desk, run, arrived)
    visit.installation.changed()
    told = "Noted: it arrived. The run goes on." if arrived else "It is sent again."
    return go(f"/runs/{run}", told)


@router.post("/runs/{run}/again")
def again(visit: Signed, run: int) -> Response:
    """Go on with a run that failed, at the step at which it did."""
    try_run_again(visit.desk, run)
    return go(f"/runs/{run}", "It is tried again.")


def _run(visit: Visit, tx: Transaction, named: str) -> Row[Any]:
    id = run_id(named)
    mine = (RUNS.c.id == id, *seen_runs(tx.schema))
    row = tx.db.execute(select(RUNS).where(*mine)).first() if id else None
    if row is None:
        raise missing("run", f"there is no run {named}.", "Look for it in the list of runs.")
    return row


def _asked(visit: Visit, tx: Transaction) -> list[ColumnElement[bool]]:
    """What the filters ask for, of the runs that may be seen."""
    found = [*seen_runs(tx.schema)]
    if (state := visit.asked("state")) in STATES:
        found.append(RUNS.c.state == state)
    if (workflow := visit.asked("workflow")).isdigit():
        found.append(RUNS.c.workflow == int(workflow))
    if words := visit.asked("q"):
        found.append(_found(tx, words))
    return found


def _found(tx: Transaction, words: str) -> ColumnElement[bool]:
    """Runs by their number, the number of their record, or a part of what went wrong."""
    said = Fold(RUNS.c.reason).contains(words.casefold(), autoescape=True)
    id = run_id(words)
    return or_(said, RUNS.c.id == id if id else false(), *_of_record(tx, words))


def _of_record(tx: Transaction, words: str) -> list[ColumnElement[bool]]:
    found = []
    for module in tx.schema:
        start = module.numbering.partition("{n}")[0].casefold()
        if start and words.casefold().startswith(start):
            table = tx.schema.tables[module.name]
            ids = select(table.c.id).where(Fold(table.c.number) == words.casefold())
            found.append(and_(RUNS.c.module == module.name, RUNS.c.record.in_(ids)))
    return found


def _workflows(visit: Visit, tx: Transaction) -> Segment:
    rows = tx.db.execute(select(WORKFLOWS.c.id, WORKFLOWS.c.name).order_by(WORKFLOWS.c.name)).all()
    choices = [("", "All workflows"), *((str(row.id), row.name) for row in rows)]
    return segment("workflow", "Workflow", choices, visit.asked("workflow"))
