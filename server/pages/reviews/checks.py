"""What is right, wrong and unwise about a version under review, and all that it may do."""

from typing import Any

from sqlalchemy import Row

from engine.installation import Installation
from engine.records.transaction import Transaction
from engine.workflows.advice import advice
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import examine
from engine.workflows.rights import new_hosts, rights
from engine.workflows.workflow import Workflow
from server.pages.frame.field_values import sentence, size
from server.pages.frame.views import Check, Fact
from server.pages.reviews.views import DryRun


def checks(
    installation: Installation,
    tx: Transaction,
    row: Row[Any],
    parsed: Workflow,
    before: Workflow | None,
    runs: list[DryRun],
    audience: int,
) -> list[Check]:
    """What a reviewer should know before deciding, the gravest first."""
    found = _sound(installation, tx, row)
    if fingerprint(row.document, parsed, tx.schema) != row.hash:
        told = "A field or function it uses is another now than when it was sent."
        found.insert(0, _check("bad", told, "", "Ask for it to be sent for review again."))
    for host in new_hosts(parsed.every_step, before.every_step if before else ()):
        remedy = "Approve only if you know who reads there."
        found.append(_check("warn", "Calls an outside address not used before", host, remedy))
    for problem in advice(parsed, tx.schema, audience, installation.lacks(tx.company)):
        found.append(_check("warn", sentence(problem.message), "", sentence(problem.remedy)))
    return [*found, _passed(runs)] if runs else found


def _sound(installation: Installation, tx: Transaction, row: Row[Any]) -> list[Check]:
    wrong = examine(tx, row.document, installation.unsafe, row.workflow).problems
    if wrong:
        return [
            _check("bad", sentence(problem.message), problem.path, sentence(problem.remedy))
            for problem in wrong
        ]
    return [
        _check("ok", "Valid: every field, person and template exists"),
        _check("ok", "No loop: it does not start itself, nor do two in turn"),
    ]


def _passed(runs: list[DryRun]) -> Check:
    tried = [run for run in runs if run["outcome"] != "no"]
    good = sum(run["outcome"] == "ok" for run in tried)
    if not tried:
        return _check("info", "Dry run: none of the sample records matches")
    tone = "ok" if good == len(tried) else "warn"
    return _check(tone, f"Dry run: {good} of {size(len(tried), 'matching record')} go through")


def _check(tone: Any, text: str, detail: str = "", remedy: str = "") -> Check:
    return {"tone": tone, "text": text, "detail": detail, "remedy": remedy}


# --- what it may do ---


def allowed(tx: Transaction, parsed: Workflow) -> list[Fact]:
    """What it may do, kind by kind: whom it may write to, what it may change, whom it may call."""
    binder = tx.binder(tx.schema.module(parsed.module))
    found: dict[str, list[str]] = {}
    for right in rights(parsed.every_step, binder):
        found.setdefault(right.kind, []).append(right.words)
    return [
        {"label": f"May {kind}", "text": "; ".join(dict.fromkeys(words)), "href": ""}
        for kind, words in found.items()
    ]
