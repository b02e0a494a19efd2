"""Times of waiting steps, moved many at once: asked for, shown, changed, taken back."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from engine.problems import Invalid
from engine.records.transaction import Transaction
from server.access.session import Posted, Signed, Visit, text, texts
from server.operations.queries import workflows
from server.operations.schedules import MovedStep, move_times, undo_move
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import faults, size
from server.pages.frame.lists import choice
from server.pages.frame.moments import stamp
from server.pages.frame.names import Names
from server.pages.frame.page import go, page
from server.pages.frame.rows import number
from server.pages.frame.views import FormField, FormView
from server.pages.runs.views import StepTime, TimesView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SHOWN = 200
HERE = "/planner"
MOVED = ("at", "to", "by")


@router.get(f"{HERE}/move")
def ask_what_to_move(visit: Signed) -> Response:
    visit.desk.need("runs:control")
    return _move_form(visit, {})


@router.post(f"{HERE}/move")
def show_what_would_move(visit: Signed, form: Posted) -> Response:
    """The steps that would move, each with its old and new time; nothing is changed."""
    visit.desk.need("runs:control")
    try:
        found = move_times(visit.desk, **_wanted(form))
    except Invalid as invalid:
        return _move_form(visit, _typed(form), faults(invalid.problems))
    if not found["count"]:
        return _move_form(visit, _typed(form), "Nothing waits until such a time.")
    fields = {**_typed(form), "shown": str(found["count"])}
    hidden = [_field(name, "", "hidden", value) for name, value in fields.items()]
    hidden += [_field("workflows", "", "hidden", id) for id in texts(form, "workflows")]
    title = f"{size(found['count'], 'step')} would move"
    with visit.desk.read() as tx:
        view: TimesView = {
            "title": title,
            "back": {"text": "Planner", "href": HERE},
            "text": f"Nothing is changed yet. Times are {tx.company.timezone}.",
            "rows": [_step_time(tx, Names(tx), each) for each in found["steps"][:SHOWN]],
            "more": _more(found["count"]),
            "action": f"{HERE}/move/apply",
            "fields": hidden,
            "submit": f"Move {size(found['count'], 'step')}",
        }
        return page(visit, tx, "times.html", view, title=title, here="planner")


def _more(count: int) -> str:
    return f"The first {SHOWN} of {count:,} are shown; all of them move." if count > SHOWN else ""


@router.post(f"{HERE}/move/apply")
def move(visit: Signed, form: Posted) -> Response:
    visit.desk.need("runs:control")
    shown = text(form, "shown")
    try:
        given = {**_wanted(form), "shown": int(shown) if shown.isdigit() else 0}
        done = move_times(visit.desk, **given, dry=False)
    except Invalid as invalid:
        return go(HERE, faults(invalid.problems), "bad")
    return go(HERE, f"{size(done['count'], 'step')} moved. It can be undone below.")


@router.post(f"{HERE}/moves/{{number}}/undo")
def restore(visit: Signed, number: int) -> Response:
    visit.desk.need("runs:control")
    try:
        done = undo_move(visit.desk, number)
    except Invalid as invalid:
        return go(HERE, faults(invalid.problems), "bad")
    told = f"{size(done['restored'], 'time')} restored."
    left = f" {size(done['left'], 'step')} had gone on or moved since." if done["left"] else ""
    return go(HERE, told + left)


def _typed(form: FormData) -> dict[str, str]:
    return {name: text(form, name) for name in MOVED}


def _wanted(form: FormData) -> dict[str, Any]:
    typed: dict[str, Any] = {name: value or None for name, value in _typed(form).items()}
    ticked = [int(id) for id in texts(form, "workflows") if id.isdigit()]
    return {**typed, "workflows": ticked or None}


def _step_time(tx: Transaction, names: Names, step: MovedStep) -> StepTime:
    module, _, id = step["record"].partition("/")
    zone = tx.company.calendar.timezone
    old, new = (
        stamp(datetime.fromisoformat(moment).astimezone(zone))
        for moment in (step["old"], step["new"])
    )
    return {
        "run": {"text": number(step["run"]), "href": f"/runs/{step['run']}"},
        "record": names.record(module, int(id))[0],
        "workflow": step["name"],
        "does": step["does"],
        "old": old,
        "new": new,
    }


def _move_form(visit: Visit, typed: dict[str, str], error: str = "") -> Response:
    with visit.desk.read() as tx:
        at = _field("at", "Those at this time of day", "text", typed.get("at", ""))
        to = _field("to", "Go on at", "text", typed.get("to", ""))
        by = _field("by", "Or later or earlier by", "text", typed.get("by", ""))
        waiting = workflows.with_waiting_runs(tx)
        choices = [choice(str(row.id), row.name) for row in waiting]
        which = _field("workflows", "Of these workflows; of all, if none is ticked", "checks")
        view: FormView = {
            "title": "Move times of waiting steps",
            "back": {"text": "Planner", "href": HERE},
            "action": f"{HERE}/move",
            "submit": "Preview",
            "fields": [
                {**at, "help": "Like 09:00. Leave it empty for all times."},
                {**to, "help": "Like 11:00, on the same day."},
                {**by, "help": "Like +2h, -30min, +1d or +1wd."},
                {**which, "choices": choices},
            ],
            "error": error,
        }
        status = 422 if error else 200
        return page(visit, tx, "form.html", view, title="Move times", here="planner", status=status)


def _field(name: str, label: str, kind: Any, value: str = "") -> FormField:
    return {
        "name": name, "label": label, "kind": kind, "value": value, "choices": [], "help": "",
        "error": "", "required": False,
    }  # fmt: skip
