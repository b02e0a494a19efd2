"""Switching a workflow off and on, and running one by hand for chosen records."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.transaction import Transaction
from server.access.session import Posted, Signed, Visit, text, texts
from server.operations.manual_runs import fitting_now, run_workflow
from server.operations.switching import discard_draft, toggle_workflow
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults, size
from server.pages.frame.lists import choice
from server.pages.frame.page import go, page
from server.pages.frame.views import FormField, FormView
from server.pages.workflows.enrolled import inside
from server.pages.workflows.workflow import Shown

router = APIRouter(route_class=PageRoute, include_in_schema=False)
OFFERED = 30
LEFT_BEHIND = (
    ("hold", "Hold them where they are", "They go on when you resume it."),
    ("finish", "Let them finish", "Nothing new starts, what is under way goes on."),
    ("stop", "Stop them", "Their runs end here. Done steps stay done."),
)


@router.get("/workflows/{workflow}/pause")
def ask_before_pausing(visit: Signed, workflow: int) -> Response:
    visit.desk.need("workflows:toggle")
    with visit.desk.read() as tx:
        shown = Shown(visit, tx, workflow)
        name = shown.row.name
        choices = [
            choice(value, label, value == "hold", help) for value, label, help in LEFT_BEHIND
        ]
        question = f"Nothing new starts. What about those inside ({inside(tx, workflow)})?"
        view: FormView = {
            "title": f"Pause “{name}”",
            "back": {"text": name, "href": f"/workflows/{workflow}"},
            "action": f"/workflows/{workflow}/pause",
            "submit": "Pause",
            "fields": [_field("running", question, "radios", choices)],
            "error": "",
        }
        return page(visit, tx, "form.html", view, title=f"Pause {name}", here="workflows")


@router.post("/workflows/{workflow}/pause")
def pause(visit: Signed, workflow: int, form: Posted) -> Response:
    visit.desk.need("workflows:toggle")
    chosen = text(form, "running")
    running = chosen if chosen in ("hold", "finish", "stop") else "hold"
    return _toggle(visit, workflow, active=False, running=running, done="Paused.")


@router.post("/workflows/{workflow}/resume")
def resume(visit: Signed, workflow: int) -> Response:
    visit.desk.need("workflows:toggle")
    return _toggle(visit, workflow, active=True, running="hold", done="It is live again.")


@router.post("/workflows/{workflow}/discard")
def discard(visit: Signed, workflow: int) -> Response:
    visit.desk.need("workflows:write")
    try:
        answer = discard_draft(visit.desk, workflow)
    except Invalid as invalid:
        return go(f"/workflows/{workflow}", faults(invalid.problems), "bad")
    there = "/workflows" if answer["state"] == "archived" else f"/workflows/{workflow}"
    return go(there, "The draft is gone.")


def _toggle(visit: Visit, workflow: int, *, active: bool, running: Any, done: str) -> Response:
    try:
        answer = toggle_workflow(visit.desk, workflow, active, running)
    except Invalid as invalid:
        return go(f"/workflows/{workflow}", faults(invalid.problems), "bad")
    visit.installation.changed()
    if answer.get("state") == "pending_approval":
        return go(f"/workflows/{workflow}", "A person has to approve it first.", "warn")
    return go(f"/workflows/{workflow}", done)


@router.get("/workflows/{workflow}/run")
def ask_whom_to_run(visit: Signed, workflow: int) -> Response:
    visit.desk.need("workflows:run")
    return _run_form(visit, workflow)


@router.post("/workflows/{workflow}/run")
def run_now(visit: Signed, workflow: int, form: Posted) -> Response:
    """Start it for the records that were ticked or named, and say for which it did not start."""
    visit.desk.need("workflows:run")
    named = [word.strip() for word in text(form, "named").split(",") if word.strip()]
    ticked = [int(value) for value in texts(form, "records") if value.isdigit()]
    if not named and not ticked:
        return _run_form(visit, workflow, "Tick a record, or name one.")
    try:
        answer = run_workflow(visit.desk, workflow, records=[*ticked, *named])
    except Invalid as invalid:
        return _run_form(visit, workflow, faults(invalid.problems), text(form, "named"))
    visit.installation.changed()
    started, left = answer.get("started", []), answer.get("not_started", [])
    told = f"Started for {size(len(started), 'record')}."
    whys = "; ".join(str(each.get("why", "")) for each in left[:3])
    return go(
        f"/workflows/{workflow}?tab=runs",
        f"{told} Not for {size(len(left), 'record')}: {whys}." if left else told,
        "warn" if left else "ok",
    )


def _run_form(visit: Visit, workflow: int, error: str = "", named: str = "") -> Response:
    with visit.desk.read() as tx:
        shown = Shown(visit, tx, workflow)
        name = shown.row.name
        view: FormView = {
            "title": f"Run “{name}” now",
            "back": {"text": name, "href": f"/workflows/{workflow}"},
            "action": f"/workflows/{workflow}/run",
            "submit": "Run now",
            "fields": [*_matching(tx, shown), _named(named)],
            "error": error,
        }
        status = 422 if error else 200
        title = f"Run {name}"
        return page(visit, tx, "form.html", view, title=title, here="workflows", status=status)


def _matching(tx: Transaction, shown: Shown) -> list[FormField]:
    """The records it may run for, to be ticked."""
    if shown.parsed is None:
        return []
    ids = fitting_now(tx, shown.row.id, shown.parsed, OFFERED)
    shown.names.load(shown.parsed.module, ids)
    named = [(id, shown.names.record(shown.parsed.module, id)) for id in ids]
    choices = [choice(str(id), f"{link['text']} {about}".strip()) for id, (link, about) in named]
    label = "Records that it would start for now" if choices else "It would start for no record now"
    return [_field("records", label, "checks", choices)]


def _named(value: str) -> FormField:
    found = _field("named", "Others, by number or name", "text", [])
    return {
        **found,
        "value": value,
        "help": "Several with commas between them, such as INV-3, INV-7.",
    }


def _field(name: str, label: str, kind: Any, choices: list[Any]) -> FormField:
    return {
        "name": name, "label": label, "kind": kind, "value": "", "choices": choices, "help": "",
        "error": "", "required": False,
    }  # fmt: skip
