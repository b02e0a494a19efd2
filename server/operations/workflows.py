"""Workflows: listed, and read with what can be said about them."""

from datetime import datetime
from typing import Any, NotRequired

from pydantic import JsonValue
from sqlalchemy import Row, func, select
from typing_extensions import TypedDict

from engine.problems import Invalid, refuse, suggest
from engine.records.tables import ALERTS
from engine.records.transaction import Transaction
from engine.runs.advising import advised
from engine.runs.keeping_back import keeps_back
from engine.workflows.diff import Difference, differences
from engine.workflows.library import (
    Checked,
    Document,
    current_document,
    examine,
    surroundings,
    version_row,
    versions,
)
from engine.workflows.reading import read
from engine.workflows.rights import rights
from engine.workflows.workflow import Workflow
from server.access.desk import Desk
from server.operations import answers
from server.operations.queries import runs
from server.operations.queries import workflows as queries
from server.operations.queries.versions import waiting as waiting_for_review
from server.operations.registry import Missing, Number, operation

STATES = ("draft", "in_review", "active", "paused", "archived")


class WorkflowLine(TypedDict):
    """A workflow in short: how it stands, how many of its runs stand how, its open alerts."""

    workflow: int
    name: str
    module: str
    category: str
    state: str
    version: int | None
    draft: bool
    in_review: bool
    runs: dict[str, int]
    alerts: int
    changed_at: str


class Workflows(TypedDict):
    """Workflows in short."""

    workflows: list[WorkflowLine]


class Examined(TypedDict):
    """A document in words, line by line, with what is wrong with it and what is unwise.

    `words` are the engine's alone; `may` is all that it may do, `keeps_back` has every rule that
    may hold back a run or a message, `next_dates` the next three times at which its schedule looks
    for records.
    """

    words: list[str]
    may: list[str]
    keeps_back: list[str]
    next_dates: list[str]
    problems: list[answers.Fault]
    advice: list[answers.Fault]


class VersionLine(TypedDict):
    """A version: who sent it when, and who decided what."""

    version: int
    state: str
    by: NotRequired[str]
    at: NotRequired[str]
    note: NotRequired[str]
    decided_by: NotRequired[str]
    decided_at: NotRequired[str | None]
    comment: NotRequired[str]


class EditInWords(TypedDict):
    """A setting before and after; null where there was, or is, nothing."""

    name: str
    before: str | None
    after: str | None


class DifferenceInWords(TypedDict):
    """One thing that differs between two versions."""

    sign: str
    step: NotRequired[str]
    title: NotRequired[str]
    place: NotRequired[str]
    edits: NotRequired[list[EditInWords]]


class WorkflowInFull(Examined):
    """A workflow with one document, the words of that and all its versions.

    `diff` is null where the document is not well-formed enough to be compared.
    """

    workflow: int
    name: str
    revision: int
    state: str
    active_version: int | None
    version: int | None
    document: dict[str, JsonValue]
    versions: list[VersionLine]
    link: str
    diff: NotRequired[list[DifferenceInWords] | None]


@operation("GET /workflows", scope="workflows:read", stage="workflows")
def list_workflows(
    desk: Desk,
    status: str | None = None,
    module: str | None = None,
    category: str | None = None,
    text: str | None = None,
) -> Workflows:
    """List workflows with state, runs and open alerts. Look here before drafting a duplicate.

    `status`: draft, in_review, active, paused, archived.
    """
    if status is not None and status not in STATES:
        raise refuse("status", f"there is no state `{status}`.", suggest(status, STATES, "States"))
    with desk.read() as tx:
        wanted = queries.Wanted(status or "", module or "", category or "", text or "")
        chosen = queries.listed(tx, wanted)
        counted, alerts, waiting = runs.by_state(tx), _alerts(tx), waiting_for_review(tx)
        return {
            "workflows": [
                {
                    "workflow": row.id,
                    "name": row.name,
                    "module": row.module,
                    "category": row.category,
                    "state": row.state,
                    "version": row.active_version,
                    "draft": row.draft is not None,
                    "in_review": row.id in waiting,
                    "runs": dict(counted.get(row.id, {})),
                    "alerts": alerts.get(row.id, 0),
                    "changed_at": answers.iso(row.changed_at),
                }
                for row in chosen
            ]
        }


def _alerts(tx: Transaction) -> dict[int, int]:
    query = select(ALERTS.c.workflow, func.count()).where(ALERTS.c.state == "open")
    rows = tx.db.execute(query.group_by(ALERTS.c.workflow))
    return {workflow: count for workflow, count in rows if workflow is not None}


@operation(
    "GET /workflows/{workflow}",
    scope="workflows:read",
    stage="workflows",
)
def get_workflow(
    desk: Desk, workflow: Number, version: Number | None = None, compare_to: Number | None = None
) -> WorkflowInFull:
    """Read a workflow: its draft or newest version, or one `version`; document, words, problems.

    `compare_to`: also what differs.
    """
    with desk.read() as tx:
        row = answers.workflow_row(tx, workflow)
        every = versions(tx, workflow)
        shown = _version(tx, workflow, version) if version else None
        document = dict(shown.document if shown else current_document(tx, row))
        if shown is None and row.draft is None and every:
            shown = every[0]
        checked = examine(tx, document, desk.installation.unsafe, workflow)
        said = told(desk, tx, checked, workflow)
        answer: WorkflowInFull = {
            "workflow": row.id,
            "name": row.name,
            "revision": row.revision,
            "state": row.state,
            "active_version": row.active_version,
            "version": shown.version if shown else None,
            "document": document,
            "words": said["words"],
            "may": said["may"],
            "keeps_back": said["keeps_back"],
            "next_dates": said["next_dates"],
            "problems": said["problems"],
            "advice": said["advice"],
            "versions": [_version_line(each) for each in every],
            "link": f"{desk.installation.settings.address}/workflows/{row.id}",
        }
        if compare_to is not None:
            old = _version(tx, workflow, compare_to).document
            answer["diff"] = _diff(tx, old, checked)
        return answer


def _diff(tx: Transaction, old: Document, new: Checked) -> list[DifferenceInWords] | None:
    """What differs, in words; nothing can be said while the newer one is not well-formed."""
    before, _ = read(old)
    if before is None or new.parsed is None:
        return None
    binder = tx.binder(tx.schema.module(new.parsed.module))
    return [difference(each) for each in differences(before, new.parsed, binder)]


def difference(found: Difference) -> DifferenceInWords:
    """One difference between two versions, in words."""
    said: DifferenceInWords = {
        "sign": found.sign,
        "step": found.step,
        "title": found.title,
        "place": found.place,
        "edits": [{"name": e.name, "before": e.before, "after": e.after} for e in found.edits],
    }
    return answers.without(("", []), said)


def _version(tx: Transaction, workflow: int, version: int) -> Row[Any]:
    try:
        return version_row(tx, workflow, version)
    except Invalid as invalid:
        raise Missing(*invalid.problems) from None


def _version_line(row: Row[Any]) -> VersionLine:
    line: VersionLine = {
        "version": row.version,
        "state": row.state,
        "by": row.submitted_by,
        "at": answers.iso(row.submitted_at),
        "note": row.note,
        "decided_by": row.decided_by,
        "decided_at": answers.iso(row.decided_at),
        "comment": row.comment,
    }
    return answers.without((None, ""), line)


def told(desk: Desk, tx: Transaction, checked: Checked, number: int) -> Examined:
    """What can be said about a document: its words, what is wrong, what is unwise."""
    parsed = checked.parsed
    if parsed is None:
        faults = answers.faults(checked.problems, checked.document)
        silent: Examined = {
            "words": [],
            "may": [],
            "keeps_back": [],
            "next_dates": [],
            "problems": faults,
            "advice": [],
        }
        return silent
    lacks = desk.installation.lacks(tx.company)
    unwise = [] if checked.problems else list(advised(tx, parsed, lacks, number))
    return {
        "words": parsed.words(tx.binder(tx.schema.module(parsed.module))),
        "may": list(map(str, rights(parsed, surroundings(tx)))),
        "keeps_back": [] if checked.problems else kept_back(tx, parsed),
        "next_dates": next_dates(tx, parsed),
        "problems": answers.faults(checked.problems, checked.document),
        "advice": answers.faults(unwise, checked.document),
    }


def kept_back(tx: Transaction, parsed: Workflow) -> list[str]:
    """Every rule that may hold back a run of a sound workflow or a message of it."""
    return keeps_back(tx, parsed)


def next_dates(tx: Transaction, parsed: Workflow, at: datetime | None = None) -> list[str]:
    """The next three times at which a schedule looks for records; none without one."""
    binder = tx.binder(tx.schema.module(parsed.module), at=at)
    return [answers.iso(each) for each in parsed.next_dates(binder)]
