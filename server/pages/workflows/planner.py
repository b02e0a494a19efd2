"""The planner: what is scheduled, when it runs, how often it should, and which times were moved."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.transaction import Transaction
from engine.workflows.library import Live
from server.access.session import Posted, Signed, Visit
from server.operations.answers import workflow_row
from server.operations.drafts import submit_workflow
from server.operations.queries import Stored
from server.operations.schedules import (
    change_schedule,
    frequency,
    how_many_on,
    missed,
    moved,
    refuse_unsound,
    scheduled,
    scheduler,
    standing,
)
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults, size
from server.pages.frame.lists import address
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.views import Check, FormView
from server.pages.workflows.frequency import asked_for, questions
from server.pages.workflows.views import MoveRow, PlannerView, PlanRow

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HERE = "/planner"


@router.get(HERE)
def show_planner(visit: Signed) -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        names, company = Names(tx), tx.company
        active, most = how_many_on(tx), company.scheduled_limit
        view: PlannerView = {
            "health": scheduler_check(tx),
            "limit": f"{active:,} of at most {size(most, 'scheduled workflow')} on",
            "calendar": f"Times are {company.timezone}",
            "rows": [_row(visit, tx, row, live) for row, live in scheduled(visit.desk, tx)],
            "move": f"{HERE}/move" if visit.desk.may("runs:control") else "",
            "moves": [_moved(visit, tx, names, row) for row in moved(tx)],
            "live": address(visit),
        }
        return page(visit, tx, "planner.html", view, title="Planner", here="planner")


def scheduler_check(tx: Transaction) -> Check:
    """Whether the engine of all schedules is alive, and what to do if it is not."""
    told = scheduler(tx)
    if told["ok"]:
        text = "The scheduler is alive"
        return {"tone": "ok", "text": text, "detail": "", "remedy": ""}
    why = str(told["why"]).removeprefix("scheduler down: ")
    why, _, remedy = why.partition("; ")
    remedy = f"{remedy[:1].upper()}{remedy[1:]}."
    return {"tone": "bad", "text": "Scheduler down", "detail": f"{why}.", "remedy": remedy}


def _row(visit: Visit, tx: Transaction, row: Stored, live: Live) -> PlanRow:
    here, state = f"/workflows/{row.id}", standing(tx, row, live)
    may, off = visit.desk.may("workflows:toggle"), state == "off"
    resume = {
        "label": "Resume", "icon": "play", "href": f"{here}/resume", "tone": "main",
        "confirm": "",
    }  # fmt: skip
    return {
        "name": row.name,
        "href": here,
        "module": tx.schema.module(row.module).label,
        "frequency": frequency(tx, live),
        "state": state,
        "last": moment(tx, row.last_at, "never"),
        "missed": moment(tx, missed(row)),
        "next": moment(tx, row.next_at, "none"),
        "change": f"{HERE}/{row.id}" if visit.desk.may("workflows:write") else "",
        "switch": resume if may and off else None,  # type: ignore[typeddict-item]  # mypy widens the dict above
        "pause": f"{here}/pause" if may and state == "on" else "",
    }


def _moved(visit: Visit, tx: Transaction, names: Names, row: Stored) -> MoveRow:
    undone = f"undone by {names.person(row.undone_by)}" if row.undone_at else ""
    may = visit.desk.may("runs:control") and not undone
    return {
        "text": row.said,
        "count": len(row.rows),
        "when": moment(tx, row.at),
        "by": names.person(row.by),
        "undone": undone,
        "undo": {
            "label": "Undo", "icon": "undo-2", "href": f"{HERE}/moves/{row.id}/undo", "tone": "",
            "confirm": "Restore the times before? Steps that went on since stay as they are.",
        } if may else None,
    }  # fmt: skip


# --- how often ---


@router.get(f"{HERE}/{{workflow:int}}")
def ask_how_often(visit: Signed, workflow: int) -> Response:
    visit.desk.need("workflows:write")
    return _frequency_form(visit, workflow)


@router.post(f"{HERE}/{{workflow:int}}")
def change_how_often(visit: Signed, workflow: int, form: Posted) -> Response:
    """Draft the new schedule and ask for its review; what is live goes on until then.

    A draft that is under way takes it in, and stays a draft.
    """
    visit.desk.need("workflows:write")
    trigger = asked_for(form)
    try:
        with visit.desk.read() as tx:
            under_way = workflow_row(tx, workflow).draft is not None
            refuse_unsound(visit.desk, tx, workflow, trigger)
        draft = change_schedule(visit.desk, workflow, trigger)
        if under_way:
            told = "It is in the draft, beside its other changes. Send that for review."
            return go(f"/workflows/{workflow}", told, "warn")
        note = "Another schedule, from the planner."
        sent = submit_workflow(visit.desk, workflow, draft["revision"], note)
    except Invalid as invalid:
        return _frequency_form(visit, workflow, faults(invalid.problems), trigger)
    visit.installation.changed()
    told = f"Version {sent['version']} waits for a person who approves it."
    return go(str(sent["link"]).removeprefix(visit.installation.settings.address), told)


def _frequency_form(
    visit: Visit, workflow: int, error: str = "", typed: dict[str, Any] | None = None
) -> Response:
    with visit.desk.read() as tx:
        found = [(row, live) for row, live in scheduled(visit.desk, tx) if row.id == workflow]
        if not found:
            return go(HERE, "This workflow is not scheduled.", "warn")
        row, live = found[0]
        trigger = typed or dict(live.document["trigger"])
        view: FormView = {
            "title": f"How often “{row.name}” runs",
            "back": {"text": "Planner", "href": HERE},
            "action": f"{HERE}/{workflow}",
            "submit": "Send for review",
            "fields": questions(trigger),
            "error": error,
        }
        status = 422 if error else 200
        return page(visit, tx, "form.html", view, title="How often", here="planner", status=status)
