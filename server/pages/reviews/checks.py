"""What is right, wrong and unwise about a version under review, and all that it may do."""

from collections.abc import Iterator, Sequence
from typing import Literal

from engine.problems import Problem
from server.operations.reviews import Proposal
from server.pages.frame.field_values import sentence
from server.pages.reviews.outcomes import CameTo, summary
from server.pages.reviews.views import Advice, Allowed, Permission

Tone = Literal["bad", "warn", "info", "ok"]
TONES: tuple[Tone, ...] = ("bad", "warn", "info", "ok")
AT_ONCE = 5


def checks(it: Proposal, tried: Sequence[CameTo]) -> list[Advice]:
    """What a reviewer should know before deciding, each once, the gravest first."""
    found = [*_grave(it), *_usual(it), *_sound(it)]
    told = [*found, _tried(tried)] if tried else found
    once = {(each["text"], each["remedy"]): each for each in reversed(told)}
    return sorted(reversed(once.values()), key=lambda each: TONES.index(each["tone"]))


def _grave(it: Proposal) -> Iterator[Advice]:
    """What keeps it from running as it is meant."""
    if not it.unchanged:
        told = "What it uses is another now than when it was sent."
        yield _check("bad", told, "", "Ask for it to be sent for review again.")
    for problem in it.problems:
        yield _check("bad", sentence(problem.message), problem.path, sentence(problem.remedy))
    yield from (_advice("warn", each) for each in it.advice if each.gravity == "grave")


def _usual(it: Proposal) -> Iterator[Advice]:
    yield from (_advice("warn", each) for each in it.advice if each.gravity == "usual")
    yield from (_advice("info", each) for each in it.advice if each.gravity == "note")


def _advice(tone: Tone, problem: Problem) -> Advice:
    told = _check(tone, sentence(problem.message), "", sentence(problem.remedy))
    if problem.workflow:
        told["link"] = {"text": "Look at it", "href": f"/workflows/{problem.workflow}"}
    return told


def _sound(it: Proposal) -> Iterator[Advice]:
    if not it.problems:
        yield _check("ok", "Valid: every field, person and template exists")
        yield _check("ok", "No loop: no other workflow starts it again")


def _tried(every: Sequence[CameTo]) -> Advice:
    told = f"Dry run: {summary(every)}"
    real = [it for it in every if it.matches and not it.supposed]
    if real and not any(it.done for it in real):
        return _check("bad" if all(it.fails for it in real) else "warn", told)
    if any(it.kept and it.done for it in real):
        detail = "The steps after one that is skipped or fails are done all the same."
        remedy = "See whether they assume it: an if can ask what became of a step."
        return _check("warn", told, detail, remedy)
    if any(it.kept for it in real):
        return _check("warn", told)
    return _check("ok" if any(it.whole for it in real) else "info", told)


def _check(tone: Tone, text: str, detail: str = "", remedy: str = "") -> Advice:
    return {"tone": tone, "text": text, "detail": detail, "remedy": remedy, "link": None}


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
