"""What is right, wrong and unwise about a version under review, and all that it may do."""

from typing import Any

from engine.records.transaction import Transaction
from engine.workflows.rights import rights
from engine.workflows.workflow import Workflow
from server.operations.reviews import Proposal
from server.pages.frame.field_values import sentence, size
from server.pages.frame.views import Check, Fact
from server.pages.reviews.views import DryRun


def checks(it: Proposal, runs: list[DryRun]) -> list[Check]:
    """What a reviewer should know before deciding, the gravest first."""
    found = _sound(it)
    if not it.unchanged:
        told = "A field or function it uses is another now than when it was sent."
        found.insert(0, _check("bad", told, "", "Ask for it to be sent for review again."))
    for host in it.new_hosts:
        remedy = "Approve only if you know who reads there."
        found.append(_check("warn", "Calls an outside address not used before", host, remedy))
    for problem in it.advice:
        found.append(_check("warn", sentence(problem.message), "", sentence(problem.remedy)))
    return [*found, _passed(runs)] if runs else found


def _sound(it: Proposal) -> list[Check]:
    if it.problems:
        return [
            _check("bad", sentence(problem.message), problem.path, sentence(problem.remedy))
            for problem in it.problems
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
