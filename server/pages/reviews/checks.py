"""What is right, wrong and unwise about a version under review, and all that it may do."""

from collections.abc import Sequence
from typing import Any

from server.operations.reviews import Proposal
from server.pages.frame.field_values import sentence
from server.pages.frame.views import Check
from server.pages.reviews.outcomes import CameTo, summary
from server.pages.reviews.views import Allowed, Permission


def checks(it: Proposal, tried: Sequence[CameTo]) -> list[Check]:
    """What a reviewer should know before deciding, the gravest first."""
    found = _sound(it)
    if not it.unchanged:
        told = "What it uses is another now than when it was sent."
        found.insert(0, _check("bad", told, "", "Ask for it to be sent for review again."))
    for problem in it.advice:
        found.append(_check("warn", sentence(problem.message), "", sentence(problem.remedy)))
    return [*found, _tried(tried)] if tried else found


def _sound(it: Proposal) -> list[Check]:
    if it.problems:
        return [
            _check("bad", sentence(problem.message), problem.path, sentence(problem.remedy))
            for problem in it.problems
        ]
    return [
        _check("ok", "Valid: every field, person and template exists"),
        _check("ok", "No loop: no other workflow starts it again"),
    ]


def _tried(all: Sequence[CameTo]) -> Check:
    told = f"Dry run: {summary(all)}"
    real = [it for it in all if it.matches and not it.supposed]
    if any(it.kept and it.done for it in real):
        detail = "The steps after one that is skipped or fails are done all the same."
        remedy = "See whether they assume it: an if can ask what became of a step."
        return _check("warn", told, detail, remedy)
    if any(it.kept for it in real):
        return _check("warn", told)
    return _check("ok" if any(it.whole for it in real) else "info", told)


def _check(tone: Any, text: str, detail: str = "", remedy: str = "") -> Check:
    return {"tone": tone, "text": text, "detail": detail, "remedy": remedy}


# --- what it may do ---


def allowed(it: Proposal) -> list[Allowed]:
    """What it may do, kind by kind, and by itself before what it may do through others."""
    new = {right.key for right in it.new} if it.base else set()
    found: dict[str, dict[str, Permission]] = {}
    for right in it.rights:
        through = f" through “{right.through}”" if right.through else ""
        told: Permission = {"text": right.words, "new": right.key in new, "risk": right.risk}
        found.setdefault(f"May {right.kind}{through}", {}).setdefault(right.words, told)
    return [{"label": label, "all": list(told.values())} for label, told in found.items()]
