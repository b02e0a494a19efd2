"""Workflows: the list, one workflow with its tabs, two versions compared."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.records.states import GOING_ON
from engine.records.transaction import Transaction
from engine.workflows.diff import differences
from engine.workflows.reading import read
from engine.workflows.workflow import Workflow
from server.access.session import Signed, Visit
from server.operations.queries import Stored, runs, versions, workflows
from server.pages.frame.charts import charts, first_moment
from server.pages.frame.diagram import blocks, changes
from server.pages.frame.errors import PageRoute
from server.pages.frame.lists import ROWS, choice, filters, paging, place, segment
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.page import page
from server.pages.frame.views import Segment
from server.pages.workflows.views import CompareView, Comparing, WorkflowRow, WorkflowsView
from server.pages.workflows.workflow import TABS, Shown

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STATES = {
    "active": "Live", "paused": "Paused", "in_review": "In review", "draft": "Draft",
    "archived": "Archived",
}  # fmt: skip


@router.get("/workflows")
def show_workflows(visit: Signed) -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        wanted = _wanted(visit)
        rows = workflows.listed(tx, wanted, "name", ROWS, (place(visit) - 1) * ROWS)
        pick = segment("state", "State", [("", "All"), *STATES.items()], visit.asked("state"))
        view: WorkflowsView = {
            "filters": filters(visit, "workflows", "Name or category", pick, [_modules(visit, tx)]),
            "rows": _rows(tx, rows),
            "paging": paging(visit, len(rows), workflows.count(tx, wanted)),
        }
        return page(visit, tx, "workflows.html", view, title="Workflows", here="workflows")


@router.get("/workflows/{workflow}")
def show_workflow(visit: Signed, workflow: int) -> Response:
    visit.desk.need("workflows:read")
    tab = visit.asked("tab")
    with visit.desk.read() as tx:
        shown = Shown(visit, tx, workflow)
        view = shown.view(tab if tab in TABS else TABS[0])
        return page(visit, tx, "workflow.html", view, title=shown.row.name, here="workflows")


@router.get("/workflows/{workflow}/compare")
def compare(visit: Signed, workflow: int, old: int, new: int) -> Response:
    visit.desk.need("workflows:read")
    with visit.desk.read() as tx:
        shown = Shown(visit, tx, workflow)
        before, after = (_version(tx, workflow, version) for version in (old, new))
        binder = tx.binder(tx.schema.module(after.module), event=True)
        view: CompareView = {
            "workflow": {"text": shown.row.name, "href": f"/workflows/{workflow}?tab=versions"},
            "old": old,
            "new": new,
            "compare": comparing(tx, workflow, old, new),
            "changes": changes(differences(before, after, binder)),
            "blocks": blocks(after, binder, old=before),
        }
        title = f"{shown.row.name}: version {old} to {new}"
        return page(visit, tx, "compare.html", view, title=title, here="workflows")


def comparing(tx: Transaction, workflow: int, old: int, new: int) -> Comparing:
    """The choice of two versions."""
    numbers = [row.version for row in versions.of_workflow(tx, workflow)]
    return {
        "action": f"/workflows/{workflow}/compare",
        "old": [choice(str(n), f"version {n}", n == old) for n in numbers],
        "new": [choice(str(n), f"version {n}", n == new) for n in numbers],
    }


def _version(tx: Transaction, workflow: int, version: int) -> Workflow:
    return Workflow.model_validate(versions.one(tx, workflow, version).document)


def _wanted(visit: Visit) -> workflows.Wanted:
    """What the filters ask for."""
    state = visit.asked("state")
    return workflows.Wanted(
        state=state if state in STATES else "", module=visit.asked("module"), words=visit.asked("q")
    )


def _modules(visit: Visit, tx: Transaction) -> Segment:
    used = workflows.modules_used(tx)
    known = [(module.name, module.label) for module in tx.schema if module.name in used]
    choices = [("", "All modules"), *sorted(known, key=lambda each: each[1])]
    return segment("module", "Module", choices, visit.asked("module"))


def _rows(tx: Transaction, rows: Sequence[Stored]) -> list[WorkflowRow]:
    ids = [row.id for row in rows]
    inside = runs.by_state(tx, runs.Wanted(ids, states=GOING_ON))
    recent = runs.by_state(tx, runs.Wanted(ids, since=first_moment(tx)))
    failed = runs.failures(tx, first_moment(tx), ids)
    bars, documents = charts(tx, ids), versions.documents(tx, ids)
    names = Names(tx)
    return [
        {
            "id": str(row.id),
            "href": f"/workflows/{row.id}",
            "name": row.name,
            "module": _label(tx, row.module),
            "category": row.category,
            "state": row.state,
            "version": row.active_version or 0,
            "trigger": _trigger(tx, row, documents),
            "inside": inside.get(row.id, Counter()).total(),
            "runs": recent.get(row.id, Counter()).total(),
            "failed": failed[row.id],
            "chart": bars[row.id],
            "changed": moment(tx, row.changed_at),
            "changed_by": names.person((row.authors or [row.created_by])[-1]),
        }
        for row in rows
    ]


def _label(tx: Transaction, module: str) -> str:
    known = tx.schema.modules.get(module)
    return known.label if known else module


def _trigger(tx: Transaction, row: Any, documents: dict[tuple[int, int], Any]) -> str:
    """When it starts, in words; nothing for a draft that cannot be read yet."""
    live = documents.get((row.id, row.active_version))
    newest = max((key for key in documents if key[0] == row.id), default=None)
    document = live or row.draft or (documents[newest] if newest else None)
    parsed = read(document)[0] if document else None
    module = tx.schema.modules.get(parsed.module) if parsed else None
    return parsed.trigger.say(tx.binder(module)) if parsed and module else ""
