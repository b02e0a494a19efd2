"""A template of the library was changed: the workflows that use it go to a person again."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, select

from engine.records.alerts import raise_alert
from engine.records.tables import VERSIONS, WORKFLOWS
from engine.records.text_library import current
from engine.records.transaction import Transaction
from engine.templates.wording import Wording, dumped
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import (
    By,
    add_version,
    examine,
    parsed_of,
    surroundings,
    withdraw,
)
from engine.workflows.workflow import Workflow

IN_USE = ("active", "paused", "in_review")


def renew(tx: Transaction, by: By, authors: Iterable[str]) -> int:
    """Put a version with the new wording into review wherever it differs. Returns how many.

    What was approved goes on saying what it said until a person approves the new wording. One that
    a person has rejected is not put before them again.
    """
    texts = current(tx)
    behind = [row for row in _newest(tx) if dumped(_worded(row, texts).texts) != (row.texts or {})]
    for row in behind:
        _renew(tx, row, by, list(authors))
    return len(behind)


def _newest(tx: Transaction) -> list[Row[Any]]:
    """Of each workflow that uses templates the version that waits, else the one that runs."""
    query = select(VERSIONS, WORKFLOWS.c.name.label("called")).where(
        VERSIONS.c.workflow == WORKFLOWS.c.id,
        WORKFLOWS.c.state.in_(IN_USE),
        VERSIONS.c.state.in_(("approved", "in_review")),
    )
    rows = tx.db.execute(query.order_by(VERSIONS.c.workflow, VERSIONS.c.version)).all()
    return [row for row in {row.workflow: row for row in rows}.values() if row.texts]


def _worded(row: Row[Any], texts: Mapping[str, tuple[Wording, ...]]) -> Workflow:
    return parsed_of(row).with_texts(texts)


def _renew(tx: Transaction, row: Row[Any], by: By, by_all: list[str]) -> None:
    # The addresses in it were found safe when it was submitted; only its wording is another.
    checked = examine(tx, row.document, lambda url: None, row.workflow)
    if checked.problems or checked.parsed is None:
        told = f"a template of “{row.called}” no longer fits it: {checked.problems[0]}"
        remedy = "Correct the template; until then the workflow says what it said before."
        raise_alert(tx, "changed", f"wording/{row.workflow}", told, remedy, row.workflow)
        return
    if _rejected(tx, row.workflow, fingerprint(row.document, checked.parsed, surroundings(tx))):
        return
    authors = [*row.authors, *by_all] if row.state == "in_review" else by_all
    withdraw(tx, row.workflow)
    note = "A template it uses was changed."
    add_version(tx, row.workflow, checked, list(dict.fromkeys(authors)), by, note, row.audience)
    told = f"a template of “{row.called}” was changed; it says what it said before until approval."
    remedy = "Read the new wording in its review, and approve it."
    raise_alert(tx, "changed", f"wording/{row.workflow}", told, remedy, row.workflow)


def _rejected(tx: Transaction, workflow: int, hash: str) -> bool:
    """Whether a person has rejected the very same version."""
    same = (VERSIONS.c.workflow == workflow, VERSIONS.c.hash == hash)
    return tx.count(VERSIONS, *same, VERSIONS.c.state == "rejected") > 0
