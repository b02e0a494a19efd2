"""What a document may be before anybody reads it: its size, its depth, its text."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from engine.problems import Problem, join

MOST_CHARACTERS = 256 * 1024
MOST_LEVELS = 64
MOST_STEPS = 200
MOST_BRANCHES = 12


def unreadable(document: Any) -> Problem | None:
    """The first reason why a document cannot even be kept as a draft; None if it can."""
    if not isinstance(document, dict):
        return Problem("", "a workflow is an object.", 'Write {"name": ..., "module": ..., ...}.')
    size = 0
    for path, node, level in _nodes(document):
        size += _size(node)
        if size > MOST_CHARACTERS:
            told = f"a document has at most {MOST_CHARACTERS // 1024} kB, and this one has more."
            return Problem("", told, "Split it into several workflows.")
        if level > MOST_LEVELS:
            told = f"a document is at most {MOST_LEVELS} levels deep, and this one is deeper."
            return Problem(".".join(path.split(".")[:8]), told, "Use fewer levels.")
        if fault := _fault(node):
            return Problem(path, *fault)
    return None


def _nodes(document: Any) -> Iterator[tuple[str, Any, int]]:
    """Everything in the document, keys too, with its path and depth; without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    while waiting:
        path, node, level = waiting.pop()
        yield path, node, level
        if level > MOST_LEVELS:
            continue
        if isinstance(node, dict):
            for key, part in node.items():
                yield path, key, level
                waiting.append((join(path, str(key)), part, level + 1))
        elif isinstance(node, (list, tuple)):
            waiting += [(join(path, str(i)), part, level + 1) for i, part in enumerate(node)]


def _size(node: Any) -> int:
    return len(node) + 3 if isinstance(node, str) else 2


def _fault(node: Any) -> tuple[str, str] | None:
    match node:
        case str() if "\x00" in node:
            return "the text holds a null character.", "Take it out."
        case str() if any("\ud800" <= char <= "\udfff" for char in node):
            return "the text holds half of a character (a lone surrogate).", "Send valid Unicode."
        case float() if not isfinite(node):
            return f"{node} is no number.", "Write a number, or leave it out."
        case None | str() | bool() | int() | float() | dict() | list() | tuple():
            return None
    return (
        f"{type(node).__name__} is nothing that JSON can hold.",
        "Write text, a number or a list.",
    )


def too_many_steps(document: dict[str, Any]) -> Problem | None:
    """Whether the steps are more, or their branches deeper, than anybody could review."""
    lists = list(_lists(document))
    count = sum(len(steps) for _, steps, _ in lists)
    if count > MOST_STEPS:
        told = f"at most {MOST_STEPS} steps are possible, and these are {count}."
        return Problem("steps", told, "Split it into several workflows.")
    for path, steps, level in lists:
        if steps and level > MOST_BRANCHES:
            told = f"branches may be at most {MOST_BRANCHES} deep, and this one is the {level}th."
            remedy = "Split it into several workflows, or flatten the conditions."
            return Problem(path, told, remedy)
    return None


def _lists(document: dict[str, Any]) -> Iterator[tuple[str, Any, int]]:
    """Every list of steps, with its path and how deep it lies."""
    waiting: list[tuple[str, Any, int]] = [("steps", document.get("steps"), 1)]
    while waiting:
        path, steps, level = waiting.pop()
        if not isinstance(steps, (list, tuple)):
            continue
        yield path, steps, level
        for place, step in enumerate(steps):
            if isinstance(step, dict):
                inner = ((branch, step.get(branch)) for branch in ("then", "else"))
                waiting += [(f"{path}.{place}.{name}", part, level + 1) for name, part in inner]
