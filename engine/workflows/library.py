"""Workflows: drafts that are edited, versions that never change, and which version is live."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from engine.blocks.checking import Checking
from engine.conditions import positive
from engine.problems import Invalid, Problem, refuse
from engine.records.reader import active
from engine.records.tables import STATE, VERSIONS, WORKFLOWS
from engine.records.text_library import current
from engine.records.transaction import Transaction
from engine.templates.wording import dumped, loaded
from engine.workflows import store
from engine.workflows.checks import check
from engine.workflows.fingerprint import fingerprint
from engine.workflows.loops import rings
from engine.workflows.reading import read
from engine.workflows.schedule_limit import over_limit
from engine.workflows.size_limits import unreadable
from engine.workflows.surroundings import Started, Surroundings
from engine.workflows.workflow import Workflow

Document = Mapping[str, Any]


@dataclass(frozen=True)
class By:
    """Who acts on a workflow: a person, or an agent that holds a person's token."""

    name: str
    agent: bool = False


@dataclass(frozen=True)
class Live:
    """A version as it runs. Changes made before `since` are none of its business."""

    workflow: int
    name: str
    version: int
    hash: str
    document: Document
    parsed: Workflow
    since: datetime | None = None


@dataclass(frozen=True)
class Checked:
    """A document and all that is wrong with it. `parsed` is None where it cannot be read."""

    document: Document
    parsed: Workflow | None
    problems: tuple[Problem, ...]


class Library:
    """The live workflows, parsed once in each process and read again when one changed anywhere."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mark = -1
        self._live: dict[int, Live] = {}
        self._parsed: dict[tuple[int, int], Live] = {}

    def live(self, tx: Transaction) -> dict[int, Live]:
        """The version of each active workflow that a person approved, by workflow."""
        mark = tx.db.scalar(select(STATE.c.value).where(STATE.c.key == "workflows")) or 0
        with self._lock:
            if mark != self._mark:
                active = (WORKFLOWS.c.state == "active", WORKFLOWS.c.active_version.is_not(None))
                facts = (WORKFLOWS.c.id, WORKFLOWS.c.active_version, WORKFLOWS.c.activated_at)
                rows = tx.db.execute(select(*facts).where(*active)).all()
                keys = [(row.id, row.active_version) for row in rows]
                self._load(tx, [key for key in keys if key not in self._parsed])
                self._live = {
                    row.id: replace(self._parsed[key], since=row.activated_at)
                    for row, key in zip(rows, keys, strict=True)
                }
                self._mark = mark
            return self._live

    def version(self, tx: Transaction, workflow: int, version: int) -> Live:
        """One version, live or not."""
        key = (workflow, version)
        with self._lock:
            if key not in self._parsed:
                self._load(tx, [key])
            return self._parsed[key]

    def _load(self, tx: Transaction, keys: list[tuple[int, int]]) -> None:
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            where = [
                VERSIONS.c.workflow.in_([key[0] for key in part]),
                VERSIONS.c.workflow == WORKFLOWS.c.id,
            ]
            rows = tx.db.execute(
                select(VERSIONS, WORKFLOWS.c.name.label("called")).where(*where)
            ).all()
            for row in rows:
                if (row.workflow, row.version) in part:
                    parsed = parsed_of(row)
                    facts = (row.workflow, row.called, row.version, row.hash, row.document)
                    self._parsed[(row.workflow, row.version)] = Live(*facts, parsed)


def parsed_of(version: Row[Any]) -> Workflow:
    """A version as it runs, its templates saying what they said when it was submitted."""
    return Workflow.model_validate(version.document).with_texts(loaded(version.texts))


def checking(tx: Transaction, workflow: Workflow, unsafe: Any) -> Checking:
    """What a document is checked against, here and now."""
    module = tx.schema.module(workflow.module)
    event = bool(workflow.trigger.listens())
    binder, templates = tx.binder(module, event=event), current(tx)
    table = tx.schema.tables[module.name]
    return Checking(
        binder,
        tx.handles,
        workflow.group_by or "",
        unsafe=unsafe,
        size=lambda: tx.count(table, table.c.deleted_at.is_(None)),
        chosen={node.related for node in positive(workflow.entry)},
        categories=tx.categories,
        templates=templates,
        inactive=tx.inactive,
        others=active(tx),
        senders=[sender.name for sender in tx.company.senders],
    )


def examine(
    tx: Transaction, document: Document, unsafe: Any, workflow: int | None = None
) -> Checked:
    """Everything that is wrong with a document."""
    parsed, problems = read(document)
    if parsed is None:
        return Checked(document, None, tuple(problems))
    if parsed.module not in tx.schema.modules:
        try:
            tx.schema.module(parsed.module)
        except Invalid as invalid:
            return Checked(document, None, invalid.problems)
    against = checking(tx, parsed, unsafe)
    parsed = parsed.with_texts(against.templates)
    problems = [*check(parsed, against), *over_limit(tx, parsed, workflow)]
    if not problems:
        problems = list(rings(parsed, others(tx, workflow), tx.schema))
    return Checked(document, parsed, tuple(problems))


def others(tx: Transaction, workflow: int | None) -> list[Live]:
    """The active workflows beside this one, as they run."""
    running = VERSIONS.c.version == WORKFLOWS.c.active_version
    return _beside(tx, workflow, running, WORKFLOWS.c.state == "active")


def proposed(tx: Transaction, workflow: int | None) -> list[Live]:
    """The versions of other workflows that wait for review, as they would run."""
    return _beside(tx, workflow, VERSIONS.c.state == "in_review")


def _beside(tx: Transaction, workflow: int | None, *which: ColumnElement[bool]) -> list[Live]:
    mine = (VERSIONS.c.workflow == WORKFLOWS.c.id, WORKFLOWS.c.id != (workflow or 0))
    query = select(VERSIONS, WORKFLOWS.c.name.label("called")).where(*mine, *which)
    rows = tx.db.execute(query.limit(500)).all()
    return [
        Live(
            row.workflow,
            row.called,
            row.version,
            row.hash,
            row.document,
            parsed_of(row),
        )
        for row in rows
    ]


def surroundings(tx: Transaction) -> Surroundings:
    """What decides beside its document what a workflow may do, here and now."""

    def started(named: int | str) -> list[Started]:
        """Those in force, also while they are switched off: what they may do is the same."""
        known = WORKFLOWS.c.id == named if isinstance(named, int) else WORKFLOWS.c.name == named
        query = select(VERSIONS, WORKFLOWS.c.name.label("called")).where(
            VERSIONS.c.workflow == WORKFLOWS.c.id,
            VERSIONS.c.version == WORKFLOWS.c.active_version,
            WORKFLOWS.c.state.in_(("active", "paused")),
            known,
        )
        rows = tx.db.execute(query.order_by(WORKFLOWS.c.id)).all()
        return [Started(row.workflow, row.called, parsed_of(row)) for row in rows]

    return Surroundings(tx.schema, tx.company, started)


def row_of(tx: Transaction, workflow: int) -> Row[Any]:
    """The stored workflow. Raises `Invalid`."""
    found = tx.db.execute(
        select(WORKFLOWS).where(WORKFLOWS.c.id == workflow).with_for_update()
    ).first()
    if found is None:
        raise refuse("workflow", f"there is no workflow {workflow}.", "List them to find its id.")
    return found


def save_draft(
    tx: Transaction,
    document: Document,
    by: By,
    workflow: int | None = None,
    revision: int | None = None,
) -> Row[Any]:
    """Keep a draft, sound or not; a live version goes on as it is.

    Raises `Invalid` if someone else was quicker, or if it is nothing that could ever be read.
    """
    if problem := unreadable(document):
        raise Invalid(problem)
    facts = {
        "name": str(document.get("name") or "Untitled")[:120],
        "module": str(document.get("module") or ""),
        "category": str(document.get("category") or ""),
        "draft": dict(document),
        "changed_at": tx.now,
    }
    if workflow is None:
        fresh = {
            **facts,
            "state": "draft",
            "revision": 1,
            "authors": [by.name],
            "created_by": by.name,
            "created_at": tx.now,
        }
        return row_of(tx, store.add_workflow(tx, fresh))
    row = row_of(tx, workflow)
    if row.state == "archived":
        raise refuse("workflow", f"“{row.name}” is archived.", "Draft a new workflow instead.")
    if revision is not None and revision != row.revision:
        told = f"the draft is at revision {row.revision}, you have {revision}."
        raise refuse("revision", told, "Read it again and repeat your edits on what is there now.")
    authors = list(dict.fromkeys([*row.authors, by.name]))
    kept = (
        facts
        if row.active_version is None
        else {name: facts[name] for name in ("draft", "changed_at")}
    )
    state = "draft" if row.state == "in_review" else row.state
    if row.state == "in_review" or row.active_version is not None:
        withdraw(tx, workflow, but=row.active_version)
    changes = {**kept, "revision": row.revision + 1, "authors": authors, "state": state}
    store.keep_draft(tx, workflow, changes)
    return row_of(tx, workflow)


def withdraw(tx: Transaction, workflow: int, but: int | None = None) -> None:
    """A version that waits for review is overtaken by a newer draft.

    Not one that says what version `but` does in new words: there a template was changed.
    """
    waiting = (VERSIONS.c.workflow == workflow, VERSIONS.c.state == "in_review")
    rows = tx.db.execute(select(VERSIONS.c.id, VERSIONS.c.document).where(*waiting)).all()
    kept = version_row(tx, workflow, but).document if rows and but is not None else None
    store.withdraw(tx, [row.id for row in rows if row.document != kept])


def current_document(tx: Transaction, row: Row[Any]) -> Document:
    """The draft, or without one the newest version."""
    if row.draft is not None:
        return dict(row.draft)
    newest = (
        select(VERSIONS.c.document)
        .where(VERSIONS.c.workflow == row.id)
        .order_by(VERSIONS.c.version.desc())
    )
    return dict(tx.db.scalar(newest.limit(1)) or {})


def versions(tx: Transaction, workflow: int) -> list[Row[Any]]:
    """All versions, the newest first."""
    return list(
        tx.db.execute(
            select(VERSIONS)
            .where(VERSIONS.c.workflow == workflow)
            .order_by(VERSIONS.c.version.desc())
        ).all()
    )


def version_row(tx: Transaction, workflow: int, version: int) -> Row[Any]:
    """One version. Raises `Invalid`."""
    where = (VERSIONS.c.workflow == workflow, VERSIONS.c.version == version)
    if (found := tx.db.execute(select(VERSIONS).where(*where)).first()) is None:
        raise refuse(
            "version",
            f"there is no version {version} of workflow {workflow}.",
            "List its versions.",
        )
    return found


def submit(
    tx: Transaction,
    workflow: int,
    revision: int,
    note: str,
    by: By,
    unsafe: Any,
    audience: int | None,
    around: Surroundings | None = None,
) -> Row[Any]:
    """Make the draft a version that waits for a person. Raises `Invalid` while it has problems.

    `around` is the whole of what there is, where the transaction shows a part of it alone.
    """
    row = row_of(tx, workflow)
    if revision != row.revision:
        told = f"the draft is at revision {row.revision}, you have {revision}."
        raise refuse("revision", told, "Read it again before you submit it.")
    if row.draft is None:
        raise refuse("workflow", f"“{row.name}” has no draft to submit.", "Change it first.")
    checked = examine(tx, row.draft, unsafe, workflow)
    if checked.problems or checked.parsed is None:
        raise Invalid(*checked.problems)
    withdraw(tx, workflow)
    version = add_version(tx, workflow, checked, row.authors, by, note, audience, around)
    if row.state == "draft":
        store.send_to_review(tx, workflow)
    return version


def add_version(
    tx: Transaction,
    workflow: int,
    checked: Checked,
    authors: list[str],
    by: By,
    note: str,
    audience: int | None,
    around: Surroundings | None = None,
) -> Row[Any]:
    """Keep a sound document, and what its templates say, as a version that waits for a person."""
    assert checked.parsed
    mine = VERSIONS.c.workflow == workflow
    newest = tx.db.scalar(select(func.max(VERSIONS.c.version)).where(mine)) or 0
    values = {
        "workflow": workflow,
        "version": newest + 1,
        "document": dict(checked.document),
        "texts": dumped(checked.parsed.texts) or None,
        "hash": fingerprint(checked.document, checked.parsed, around or surroundings(tx)),
        "authors": authors,
        "by_agent": by.agent,
        "note": note,
        "audience": audience,
        "submitted_by": by.name,
    }
    id = store.add_version(tx, values)
    return tx.db.execute(select(VERSIONS).where(VERSIONS.c.id == id)).one()
