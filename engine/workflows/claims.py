"""What an author says of a workflow, in English, that its steps contradict or nobody has checked.

Descriptions, names and labels are their author's own words: an approver reads them as such, and is
told where they do not hold.
"""

import re
from collections.abc import Iterator, Sequence

from engine.blocks.rights import Right
from engine.problems import Problem
from engine.workflows.advice import placed
from engine.workflows.workflow import Workflow

NOTHING = r"nothing|nobody|no one|no"
OBJECTS = r"(?:any\w*|e-?mails?|mails?|messages?|records?|out)\b"


def _denies(verbs: str, things: str) -> re.Pattern[str]:
    """Words that deny these verbs, or that there is any of these things."""
    said = (
        rf"\b(?:{verbs})\w* (?:{NOTHING})\b",
        rf"\b(?:does not|doesn't|do not|never|will not|won't) (?:{verbs})\w*(?: {OBJECTS}|\W*$)",
        rf"\bno (?:{things})s? (?:is|are|will|leaves?|goes|go)\b",
    )
    return re.compile("|".join(said), re.IGNORECASE)


REACHING = frozenset({"mail", "text", "call"})
# Each way to deny something, with the kinds of rights that contradict it.
DENIED: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (_denies("send|mail|email|text|message", "e-?mail|mail|message|text"), REACHING - {"call"}),
    (_denies("call|contact|reach", "call|request"), REACHING),
    (_denies("chang|writ|touch|modif|updat|delet", "record|field|change"), frozenset({"write"})),
    (re.compile(r"\bread[- ]only\b", re.IGNORECASE), frozenset({"write"})),
    (re.compile(r"\bnothing (?:leaves|is sent)\b", re.IGNORECASE), REACHING),
    (re.compile(r"\b(?:does nothing|harmless)\b", re.IGNORECASE), REACHING | {"write"}),
)
VOUCHES = re.compile(
    r"\bsafe to approve\b|\b(?:just|please) approve\b|\b(?:pre-?|already )(?:approved|checked)\b"
    r"|\bno need to (?:read|check|review)\b"
    r"|\b(?:checked|approved|verified|reviewed|tested) by (?:the )?"
    r"(?:engine|system|sayso|security|legal|compliance|it department)\b",
    re.IGNORECASE,
)


def claims(workflow: Workflow, rights: Sequence[Right]) -> Iterator[Problem]:
    """Where what its author says is contradicted by what it may do, or vouches for it."""
    for path, text in _own_words(workflow):
        if against := _contradicting(text, rights):
            told = f"its author says “{text}”, but it may {against}."
            yield Problem(path, told, "Believe the steps, not the words.", "grave")
        elif VOUCHES.search(text):
            told = f"its author says “{text}”: nobody has checked that."
            yield Problem(path, told, "Judge it by its steps.", "grave")


def _own_words(workflow: Workflow) -> Iterator[tuple[str, str]]:
    said = [("name", workflow.name), ("description", workflow.description)]
    said += [(f"{path}.label", step.label) for path, step in placed(workflow.steps, "steps")]
    return ((path, text) for path, text in said if text)


def _contradicting(text: str, rights: Sequence[Right]) -> Right | None:
    """The first right that a text denies."""
    denied: set[str] = set()
    for words, kinds in DENIED:
        if words.search(text):
            denied |= kinds
    return next((right for right in rights if right.kind in denied), None)
