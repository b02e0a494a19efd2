"""Who is on the way through a workflow: how many, and where each of them stands."""

from engine.records.states import GOING_ON
from engine.records.transaction import Transaction
from engine.workflows.workflow import Workflow
from server.access.session import Visit
from server.operations.queries import Stored, runs
from server.operations.queries.runs import Wanted
from server.pages.frame.field_values import size
from server.pages.frame.lists import ROWS, place
from server.pages.frame.moments import NEVER, moment
from server.pages.frame.names import Names
from server.pages.frame.rows import number, step_of, waits_for_time
from server.pages.workflows.views import InsideRow


def inside(tx: Transaction, workflow: int) -> str:
    """How many records are on their way through, in words."""
    count = runs.count(tx, Wanted((workflow,), states=GOING_ON))
    return size(count, "record is", "records are") + " inside" if count else "nobody is inside"


def inside_rows(
    visit: Visit, names: Names, workflow: Stored, parsed: Workflow | None, step: str = ""
) -> list[InsideRow]:
    """The records inside, or those at one step, the next to go on first."""
    wanted = Wanted((workflow.id,), states=GOING_ON, step=step or None)
    rows = runs.next_due(names.tx, wanted, ROWS, (place(visit) - 1) * ROWS)
    names.load(workflow.module, [row.record for row in rows])
    return [_row(names, row, parsed) for row in rows]


def _row(names: Names, row: Stored, parsed: Workflow | None) -> InsideRow:
    record, about = names.record(row.module, row.record)
    members = len(row.members or ())
    return {
        "run": {"text": number(row.id), "href": f"/runs/{row.id}"},
        "record": record,
        "record_name": f"{about} and {members - 1} more" if members > 1 else about,
        "step": step_of(names, row, parsed),
        "state": runs.standing(row),
        "since": moment(names.tx, row.started_at),
        "next": moment(names.tx, row.due) if waits_for_time(row) else NEVER,
        "actions": [],
    }
