"""Runs: the monitor, one run, and the person's word on a mail whose fate is not known."""

from datetime import date

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.states import RunState
from engine.records.transaction import Transaction
from server.access.session import Posted, Signed, Visit, text
from server.operations.alerts import alert_row, told
from server.operations.answers import when
from server.operations.queries import runs, workflows
from server.operations.queries.runs import Wanted
from server.operations.runs import close_run, decide_run, try_run_again
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults, sentence
from server.pages.frame.lists import ROWS, address, filters, paging, place, segment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.rows import number, run_rows
from server.pages.frame.views import Segment
from server.pages.runs.story import Story
from server.pages.runs.views import RunsView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STATES = (
    RunState.RUNNING, RunState.WAITING, runs.HELD, RunState.FAILED,
    RunState.PAUSED, RunState.DONE, RunState.STOPPED, runs.UNKNOWN,
)  # fmt: skip
TABS = ("story", "data", "raw")


@router.get("/runs")
def show_runs(visit: Signed) -> Response:
    visit.desk.need("runs:read")
    with visit.desk.read() as tx:
        wanted = _wanted(visit, tx)
        rows = runs.newest(tx, wanted, ROWS, (place(visit) - 1) * ROWS)
        states = [("", "All"), *((state, state.capitalize()) for state in STATES)]
        pick = segment("state", "State", states, visit.asked("state"))
        view: RunsView = {
            "filters": filters(visit, "runs", "Record, run or error", pick, _selects(visit, tx)),
            "rows": run_rows(Names(tx), rows),
            "paging": paging(visit, len(rows), runs.count(tx, wanted)),
            "about": _alert(tx, wanted),
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
        row = runs.one(tx, run)
        story = Story(visit, tx, row)
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
    try:
        try_run_again(visit.desk, run)
    except Invalid as invalid:
        return go(f"/runs/{run}", faults(invalid.problems), "bad")
    return go(f"/runs/{run}", "It is tried again.")


@router.post("/runs/{run}/close")
def close(visit: Signed, run: int) -> Response:
    """Leave a run that failed at that."""
    visit.desk.need("runs:control")
    close_run(visit.desk, run)
    return go(f"/runs/{run}", "It is closed. Nothing more of it is sent.")


def _wanted(visit: Visit, tx: Transaction) -> Wanted:
    """What the filters ask for."""
    state, workflow, alert = (visit.asked(name) for name in ("state", "workflow", "alert"))
    return Wanted(
        workflows=(int(workflow),) if workflow.isdecimal() and len(workflow) < 10 else (),
        states=(state,) if state in STATES else (),
        day=_day(visit, tx),
        words=visit.asked("q"),
        alert=int(alert) if alert.isdecimal() and len(alert) < 10 else None,
    )


def _alert(tx: Transaction, wanted: Wanted) -> str:
    """What the alert says whose runs are shown; "" where all are."""
    row = alert_row(tx, wanted.alert) if wanted.alert is not None else None
    return sentence(told(tx, row)) if row is not None else ""


def _day(visit: Visit, tx: Transaction) -> date | None:
    """The day that the address asks for. Raises `Invalid` where it is none."""
    moment = when(tx, visit.asked("day"), "day")
    return tx.company.calendar.today(moment) if moment else None


def _selects(visit: Visit, tx: Transaction) -> list[Segment]:
    """The workflows, and the day that the address asks for, to be let go of."""
    if (day := _day(visit, tx)) is None:
        return [_workflows(visit, tx)]
    choices = [("", "Any day"), (day.isoformat(), f"{day.day} {day:%B %Y}")]
    return [_workflows(visit, tx), segment("day", "Day", choices, day.isoformat())]


def _workflows(visit: Visit, tx: Transaction) -> Segment:
    every = [(str(id), name) for id, name in workflows.named(tx)]
    choices = [("", "All workflows"), *every]
    return segment("workflow", "Workflow", choices, visit.asked("workflow"))
