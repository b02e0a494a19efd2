"""What people decide about versions: approve what they saw, reject it, switch off and on."""

from typing import Any, Literal

from sqlalchemy import Row, select

from engine.blocks.triggers.schedule import Schedule
from engine.problems import Invalid, refuse
from engine.records.alerts import settle_replaced
from engine.records.tables import VERSIONS
from engine.records.text_library import current
from engine.records.transaction import Transaction
from engine.review.deactivated_users import absent
from engine.review.one_off import begin as begin_now
from engine.runs import store as run_store
from engine.runs.candidates import candidates
from engine.runs.episodes import begin
from engine.runs.schedules.next_due import plan_next
from engine.runs.switching import switch_off
from engine.workflows import store as workflow_store
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import (
    By,
    Library,
    Live,
    parsed_of,
    row_of,
    surroundings,
    withdraw,
)
from engine.workflows.rewording import renew
from engine.workflows.schedule_limit import over_limit
from engine.workflows.store import Seen

Baseline = Literal["ignore", "include"]


def review_row(tx: Transaction, id: int) -> Row[Any]:
    """The version under review. Raises `Invalid`."""
    if (
        found := tx.db.execute(
            select(VERSIONS).where(VERSIONS.c.id == id).with_for_update()
        ).first()
    ) is None:
        raise refuse("review", f"there is no review {id}.", "Open the list of reviews.")
    return found


def approve(
    tx: Transaction,
    library: Library,
    id: int,
    shown: str,
    by: By,
    comment: str,
    baseline: Baseline | None = None,
    seen: Seen | None = None,
) -> Row[Any]:
    """Put a version into force, if it is still exactly what the person saw. Raises `Invalid`.

    `seen` is what was shown to the person; it is kept with the decision.
    """
    row = review_row(tx, id)
    if by.agent:
        raise refuse("review", "an agent cannot approve.", "Send the link to a person.")
    if row.state != "in_review":
        raise refuse(
            "review",
            f"version {row.version} is {row.state.replace('_', ' ')}, "
            "it does not wait for a decision.",
            "Open its workflow.",
        )
    now = parsed_of(row).with_texts(current(tx))
    if shown != row.hash or fingerprint(row.document, now, surroundings(tx)) != row.hash:
        raise refuse("hash", "this has changed since you opened it.", "Read it again, then decide.")
    own = by.name in row.authors
    if own and tx.company.four_eyes:
        raise refuse(
            "review",
            "you took part in writing this version.",
            "Somebody else must approve it (or allow solo mode).",
        )
    workflow_store.supersede(tx, row.workflow)
    workflow_store.approve(tx, id, by.name, comment, seen, own=own)
    activate(tx, library, row.workflow, row.version, baseline)
    begin_now(tx, library.version(tx, row.workflow, row.version), by.name)
    return review_row(tx, id)


def reject(tx: Transaction, id: int, by: By, comment: str, seen: Seen | None = None) -> Row[Any]:
    """Send a version back to its author, with a reason. Raises `Invalid`."""
    row = review_row(tx, id)
    if row.state != "in_review":
        raise refuse(
            "review",
            f"version {row.version} is {row.state.replace('_', ' ')}.",
            "Open its workflow.",
        )
    if not comment.strip():
        raise refuse(
            "comment",
            "a rejection needs a reason.",
            "Say what should change, so that the author can fix it.",
        )
    workflow_store.reject(tx, id, by.name, comment, seen)
    workflow_store.send_back(tx, row.workflow)
    if row.texts:  # with other changes rejected, a new wording of its templates is still to be read
        renew(tx, By(row.submitted_by, row.by_agent), row.authors)
    return review_row(tx, id)


def activate(
    tx: Transaction, library: Library, workflow: int, version: int, baseline: Baseline | None = None
) -> None:
    """Let an approved version run from now on. Raises `Invalid`."""
    live = library.version(tx, workflow, version)
    _may_run(tx, live)
    row = row_of(tx, workflow)
    first = row.active_version is None
    going_on = row.draft is not None and row.draft != live.document  # it was not what was submitted
    values = {
        "draft": row.draft if going_on else None,
        "authors": row.authors if going_on else [],
        "name": live.parsed.name,
        "module": live.parsed.module,
        "category": live.parsed.category,
    }
    workflow_store.activate(tx, workflow, version, values)
    if first and (baseline or usual(live)) == "ignore":
        take_baseline(tx, live)
    settle_replaced(tx, workflow)
    plan_next(tx, live, tx.now)
    tx.touch("workflows")


def _may_run(tx: Transaction, live: Live) -> None:
    """Raises `Invalid` if its day is past, it names an absent user, or schedules are too many."""
    if gone := tuple(absent(live.parsed, tx.schema, tx.inactive)):
        raise Invalid(*gone)
    trigger = live.parsed.trigger
    if isinstance(trigger, Schedule) and trigger.past(tx.now, tx.company.calendar):
        told = f"“{live.name}” was to run once, on {trigger.date}, and that is past."
        raise refuse("trigger.date", told, "Give it a day to come, and submit it for review.")
    if problems := tuple(over_limit(tx, live.parsed, live.workflow)):
        raise Invalid(*problems)


def usual(live: Live) -> Baseline:
    """What happens to records that match already, unless somebody says otherwise."""
    return "include" if live.parsed.trigger.repeats else "ignore"


def take_baseline(tx: Transaction, live: Live) -> int:
    """Mark the records that match already: this alone starts nothing. Returns their number."""
    if not live.parsed.recurrence.takes_baseline:
        return 0
    subjects = select(candidates(tx, live.parsed, tx.now).subquery().c.subject)
    return begin(tx, live.workflow, subjects, number=0)


def switch_on(tx: Transaction, library: Library, workflow: int, by: str) -> bool:
    """Let a paused workflow run again, and its held runs go on.

    False if a person has to approve first: nothing was, or what was approved has changed.
    Raises `Invalid` if it cannot run any more.
    """
    row = row_of(tx, workflow)
    if row.state == "active":
        return True
    if row.state != "paused" or row.active_version is None:
        return False
    live = library.version(tx, workflow, row.active_version)
    _may_run(tx, live)
    if fingerprint(live.document, live.parsed, surroundings(tx)) != live.hash:
        return False
    workflow_store.switch_on(tx, workflow)
    run_store.resume(tx, workflow, by)
    plan_next(tx, live, tx.now)
    tx.touch("workflows")
    return True


def archive(tx: Transaction, workflow: int, by: str) -> None:
    """Take a workflow away; its history stays."""
    row = row_of(tx, workflow)
    if row.state == "active":
        switch_off(tx, workflow, "stop", by)
    withdraw(tx, workflow)
    workflow_store.archive(tx, workflow)
    tx.touch("workflows")


def discard(tx: Transaction, workflow: int, by: str) -> None:
    """Let go of a draft, and of what waits for review; what runs goes on as it is.

    A workflow of which nothing was ever approved is archived. Raises `Invalid` where there is no
    draft.
    """
    row = row_of(tx, workflow)
    if row.state == "archived" or (row.draft is None and row.state != "in_review"):
        raise refuse("workflow", f"“{row.name}” has no draft to discard.", "Nothing is to be done.")
    if row.active_version is None:
        archive(tx, workflow, by)
        return
    withdraw(tx, workflow)
    undrafted = {"draft": None, "authors": [], "revision": row.revision + 1, "changed_at": tx.now}
    workflow_store.keep_draft(tx, workflow, undrafted)
