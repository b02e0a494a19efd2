"""What is right, wrong and unwise about a version under review, and all that it may do."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from engine.blocks.attach_words import attached
from engine.blocks.words import person
from engine.installation import Installation
from engine.records.transaction import Transaction
from engine.workflows.advice import advice
from engine.workflows.fingerprint import fingerprint, writes
from engine.workflows.library import examine
from engine.workflows.workflow import Workflow
from server.pages.frame.field_values import sentence, size
from server.pages.frame.rows import hosts
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
    for host in sorted(hosts(parsed) - hosts(before)):
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


def rights(tx: Transaction, parsed: Workflow) -> list[Fact]:
    """Whom it may write to, what it may change, which machines it may call."""
    binder = tx.binder(tx.schema.module(parsed.module))
    steps = [step for step, _ in parsed.route.values()]
    mails = [step for step in steps if step.kind == "send_email"]
    people = {who for step in mails for key in ("to", "cc") for who in getattr(step, key, ())}
    files = {word for step in mails for word in getattr(step, "attach", ())}
    senders = {name for step in mails if (name := getattr(step, "from_", ""))}
    texted = {who for step in steps if step.kind == "send_sms" for who in getattr(step, "to", ())}
    called = {getattr(step, "function", "") for step in steps if step.kind == "call_function"}
    erp = any(step.kind == "update_erp" for step in steps)
    written: dict[str, list[str]] = {}
    for write in writes(parsed, tx.schema):
        written.setdefault(write.module, []).append(write.field)
    pairs = (
        ("May mail", _each(person(word, binder) for word in people)),
        ("May text", _each(person(word, binder) for word in texted)),
        ("May attach", _each(attached([word], binder) for word in files)),
        ("Sends as", ", ".join(sorted(senders))),
        ("May write", "; ".join(_written(tx, name, names) for name, names in written.items())),
        ("May call", ", ".join(sorted(hosts(parsed)))),
        ("May change", "the record's counterpart in the accounting system" if erp else ""),
        ("May run", ", ".join(f"the function {name}" for name in sorted(called))),
        ("May ask", "the model" if any(step.kind == "fill_fields" for step in steps) else ""),
    )
    return [{"label": label, "text": text, "href": ""} for label, text in pairs if text]


def _each(words: Iterable[str]) -> str:
    return "; ".join(sorted(words))


def _written(tx: Transaction, module: str, fields: list[str]) -> str:
    known = tx.schema.modules.get(module)
    label = known.label if known else module
    if "*" in fields or known is None:
        return f"new {label.lower()}"
    titles = [known.by_name[name].title.lower() for name in fields if name in known.by_name]
    return f"{', '.join(dict.fromkeys(titles))} of {label.lower()}"
