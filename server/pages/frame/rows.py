"""Rows of lists that several pages show: runs, reviews."""

from collections.abc import Sequence

from engine.records.states import Result, RunState
from engine.workflows.diff import differences
from engine.workflows.library import parsed_of, surroundings
from engine.workflows.rights import rights, risks
from engine.workflows.workflow import Workflow
from server.operations.queries import Stored, runs, versions
from server.pages.frame.diagram import short
from server.pages.frame.field_values import sentence, size
from server.pages.frame.moments import NEVER, moment, took
from server.pages.frame.names import Names
from server.pages.frame.views import ReviewRow, RunRow

# Of these a list says why.
STUCK = (RunState.FAILED, RunState.PAUSED, Result.HELD, Result.UNKNOWN)


def number(run: int) -> str:
    """What people call a run."""
    return f"R-{run}"


def waits_for_time(row: Stored) -> bool:
    """Whether a run goes on at a set time, and not when something comes about."""
    waits = runs.standing(row) in (RunState.WAITING, runs.HELD)
    return waits and row.due is not None and row.awaits is None


def skipped(row: Stored) -> str:
    """How many steps of a listed run were skipped, in words; "" if none was."""
    return f"{row.skipped} skipped" if row.skipped else ""


def run_rows(names: Names, rows: Sequence[Stored]) -> list[RunRow]:
    """Runs as lines of a table."""
    parsed = versions.parsed(names.tx, {(row.workflow, row.version) for row in rows})
    for module in {row.module for row in rows}:
        names.load(module, [row.record for row in rows if row.module == module])
    return [_run_row(names, row, parsed.get((row.workflow, row.version))) for row in rows]


def _run_row(names: Names, row: Stored, workflow: Workflow | None) -> RunRow:
    tx = names.tx
    record, about = names.record(row.module, row.record)
    members = len(row.members or ())
    waits = waits_for_time(row)
    return {
        "id": number(row.id),
        "href": f"/runs/{row.id}",
        "state": runs.standing(row),
        "skipped": skipped(row),
        "workflow": {"text": names.workflow(row.workflow), "href": f"/workflows/{row.workflow}"},
        "version": row.version,
        "record": record,
        "record_name": f"{about} and {members - 1} more" if members > 1 else about,
        "step": step_of(names, row, workflow),
        "problem": runs.reason(row) if runs.standing(row) in STUCK else "",
        "waits": moment(tx, row.due) if waits else NEVER,
        "started": moment(tx, row.started_at),
        "took": took(row.started_at, row.ended_at, tx.now),
        "actions": [],
    }


def step_of(names: Names, row: Stored, workflow: Workflow | None) -> str:
    """Where a run stands, or how it ended."""
    if row.step is None:
        said = str(row.reason or "finished")
        return sentence(said)
    if workflow is None or row.step not in workflow.route:
        return str(row.step)
    module = names.tx.schema.modules.get(workflow.module)
    if module is None:
        return str(row.step)
    step = workflow.route[row.step][0]
    return step.label or short(step, names.tx.binder(module))[0]


def review_rows(names: Names, rows: Sequence[Stored]) -> list[ReviewRow]:
    """Proposals as lines of a list; each row is a version with its workflow's live version."""
    bases = versions.parsed(names.tx, {(row.workflow, row.active_version or 0) for row in rows})
    return [_review_row(names, row, bases.get((row.workflow, row.active_version))) for row in rows]


def _review_row(names: Names, row: Stored, base: Workflow | None) -> ReviewRow:
    proposed = parsed_of(row)
    signs = _signs(names, base, proposed) if row.state == "in_review" else []
    told = proposed.trigger.repeats and row.audience is not None
    matching = f"{size(row.audience, 'record')} matched" if told else ""
    return {
        "id": str(row.id),
        "href": f"/reviews/{row.id}",
        "workflow": proposed.name,
        "version": row.version,
        "state": row.state,
        "author": names.author(row.submitted_by, row.by_agent),
        "sent": moment(names.tx, row.submitted_at),
        "added": signs.count("added") if base else 0,
        "changed": signs.count("changed") + signs.count("moved"),
        "removed": signs.count("removed"),
        "risks": _risks(names, proposed, base) if row.state == "in_review" else [],
        "audience": matching,
    }


def _risks(names: Names, proposed: Workflow, base: Workflow | None) -> list[str]:
    around = surroundings(names.tx)
    return risks(rights(proposed, around), rights(base, around) if base else ())


def _signs(names: Names, base: Workflow | None, proposed: Workflow) -> list[str]:
    module = names.tx.schema.modules.get(proposed.module)
    if base is None or module is None:
        return []
    return [each.sign for each in differences(base, proposed, names.tx.binder(module))]
