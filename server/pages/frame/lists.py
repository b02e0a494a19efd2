"""What lists share: the filters above them, and pages below."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from engine.workflows.workflow import Workflow
from server.access.session import Visit
from server.operations.queries import records
from server.pages.frame.views import Choice, Filters, Paging, Segment

ROWS = 50
DEEPEST = 10_000


def segment(name: str, label: str, choices: Iterable[tuple[str, str]], chosen: str) -> Segment:
    """A row of filters; the first is usually "all"."""
    return {
        "name": name,
        "label": label,
        "choices": [choice(value, text, value == chosen) for value, text in choices],
    }


def choice(value: str, label: str, chosen: bool = False, help: str = "") -> Choice:
    return {"value": value, "label": label, "help": help, "chosen": chosen}


def filters(
    visit: Visit,
    target: str,
    hint: str,
    pick: Segment | None = None,
    selects: list[Segment] | None = None,
) -> Filters:
    """The line above a table."""
    path, query = visit.request.url.path, visit.asked("q")
    selects = selects or []
    asked = [each["name"] for each in [*selects, *([pick] if pick else [])]]
    return {
        "action": path,
        "target": target,
        "q": query,
        "hint": hint,
        "segment": pick,
        "selects": selects,
        "clear": path,
        "active": bool(query) or any(visit.asked(name) for name in asked),
    }


def fitting(workflow: Workflow) -> str:
    """The address of the list of just the records that fit a workflow now."""
    asked = records.written(records.fitting(workflow).where)
    return f"/records/{workflow.module}?{urlencode({'where': asked})}"


def place(visit: Visit) -> int:
    """Which page of a list is asked for, from 1."""
    asked = visit.asked("page")
    return min(max(int(asked), 1), DEEPEST) if asked.isdigit() and len(asked) < 7 else 1


def paging(visit: Visit, shown: int, total: int, rows: int = ROWS) -> Paging:
    """Where in the list this page is."""
    here = place(visit)
    first = (here - 1) * rows
    if total <= rows and here == 1:
        return {"text": "", "back": "", "next": ""}
    return {
        "text": f"{first + 1:,} to {first + shown:,} of {total:,}" if shown else f"0 of {total:,}",
        "back": address(visit, page=str(here - 1)) if here > 1 else "",
        "next": address(visit, page=str(here + 1)) if first + shown < total else "",
    }


def address(visit: Visit, **changes: str) -> str:
    """This page's address with other parameters; "" takes one away."""
    kept: Mapping[str, str] = {**dict(visit.request.query_params), **changes}
    query = urlencode({name: value for name, value in kept.items() if value})
    path = visit.request.url.path
    return f"{path}?{query}" if query else path
