"""Edits of a workflow document: set, add, move, remove, by step id. All are made, or none."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from engine.problems import Invalid, Problem, refuse, suggest

Steps = list[Any]
Edit = Mapping[str, Any]
KEYS: Mapping[str, tuple[str, ...]] = {
    "set": ("step", "key", "value"),
    "add": ("step", "after", "before", "into"),
    "move": ("step", "after", "before", "into"),
    "remove": ("step", "key"),
}
MEANT = {
    "replace": "set",
    "update": "set",
    "change": "set",
    "insert": "add",
    "append": "add",
    "delete": "remove",
}
BRANCHES = ("then", "else")
EXAMPLE = '{"op": "set", "step": "remind", "key": "subject", "value": "..."}'


def apply(document: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """The document with all edits made, in their order. Raises `Invalid`, and then nothing counts.

    `set` gives a key of a step a value, or without `step` a key of the workflow; dots lead into an
    object (`trigger.at`). `add` puts a step, and `move` one that is there, `after` or `before`
    another, `into` a branch (`big.then`), or at the end. `remove` takes away a step, or one key.
    """
    changed: dict[str, Any] = deepcopy(dict(document))
    problems: list[Problem] = []
    for place, edit in enumerate(edits):
        try:
            _apply(changed, edit)
        except Invalid as invalid:
            problems += [problem.under(f"edits.{place}") for problem in invalid.problems]
    if problems:
        raise Invalid(*problems)
    return changed


def _apply(document: dict[str, Any], edit: Edit) -> None:
    op = str(edit.get("op", ""))
    if op not in KEYS:
        raise refuse("op", f"`{op}` is no edit.", suggest(op, KEYS, "Edits", MEANT))
    if unknown := [key for key in edit if key not in ("op", *KEYS[op])]:
        problems = (
            Problem(key, f"`{op}` has no key `{key}`.", suggest(key, KEYS[op], "Keys"))
            for key in unknown
        )
        raise Invalid(*problems)
    match op:
        case "set":
            _set(document, edit)
        case "add":
            _put(document, _new(document, edit), edit)
        case "move":
            _move(document, edit)
        case "remove":
            _remove(document, edit)


def _set(document: dict[str, Any], edit: Edit) -> None:
    if "value" not in edit:
        raise refuse("value", "there is no new value.", f"Write it like {EXAMPLE}.")
    target, last = _leading(document, edit)
    target[last] = edit["value"]


def _leading(document: dict[str, Any], edit: Edit) -> tuple[dict[str, Any], str]:
    """The object that holds the key an edit names, and the last part of the key."""
    key = edit.get("key")
    if not isinstance(key, str) or not key:
        raise refuse("key", "it does not say which key is meant.", f"Write it like {EXAMPLE}.")
    target = _found(document, edit["step"], "step")[1] if "step" in edit else document
    *through, last = key.split(".")
    for part in through:
        inside = target.setdefault(part, {})
        if not isinstance(inside, dict):
            remedy = f"Set `{part}` as a whole."
            if part == "steps" or isinstance(inside, list):
                remedy = 'Name a step by its id: "step": "remind", "key": "subject".'
            raise refuse("key", f"`{part}` has no keys inside.", remedy)
        target = inside
    return target, last


def _new(document: dict[str, Any], edit: Edit) -> dict[str, Any]:
    step = edit.get("step")
    if not isinstance(step, dict) or not isinstance(step.get("id"), str):
        remedy = 'Write it like {"op": "add", "step": {"id": "call", "type": "create_task", ...}}.'
        raise refuse("step", "there is no new step with an `id`.", remedy)
    if step["id"] in dict(_all(document)):
        raise refuse("step.id", f"there is a step `{step['id']}` already.", "Choose another id.")
    return deepcopy(step)


def _move(document: dict[str, Any], edit: Edit) -> None:
    steps, step = _found(document, edit.get("step"), "step")
    inside = dict(_walk([step]))
    for key in ("after", "before", "into"):
        if str(edit.get(key, "")).split(".")[0] in inside:
            raise refuse(key, "a step cannot go into or beside itself.", "Name another step.")
    steps.remove(step)
    _put(document, step, edit)


def _remove(document: dict[str, Any], edit: Edit) -> None:
    if "key" in edit:
        target, last = _leading(document, edit)
        if last not in target:
            raise refuse("key", f"there is no `{last}` to remove.", suggest(last, target, "Keys"))
        del target[last]
        return
    steps, step = _found(document, edit.get("step"), "step")
    steps.remove(step)


def _put(document: dict[str, Any], step: dict[str, Any], edit: Edit) -> None:
    places = [key for key in ("after", "before", "into") if key in edit]
    if len(places) > 1:
        raise refuse(places[1], "one place is enough.", "Say `after`, `before` or `into`.")
    match places:
        case ["into"]:
            _branch(document, str(edit["into"])).append(step)
        case [side]:
            steps, other = _found(document, edit[side], side)
            steps.insert(steps.index(other) + (side == "after"), step)
        case _:
            _steps(document, "steps").append(step)


def _branch(document: dict[str, Any], place: str) -> Steps:
    id, _, branch = place.partition(".")
    step = _found(document, id, "into")[1]
    if step.get("type") != "if" or branch not in BRANCHES:
        raise refuse("into", f"`{place}` is no branch.", 'Write it like "big.then" or "big.else".')
    return _steps(step, branch)


def _steps(holder: dict[str, Any], key: str) -> Steps:
    inside = holder.setdefault(key, [])
    if not isinstance(inside, list):
        raise refuse(key, f"`{key}` is not a list.", "Set it as a whole.")
    return inside


def _found(document: dict[str, Any], id: Any, path: str) -> tuple[Steps, dict[str, Any]]:
    """A step by its id, with the list it stands in. Raises `Invalid`."""
    every = dict(_all(document))
    if not isinstance(id, str) or id not in every:
        shown = f"`{id}`" if isinstance(id, str) else "that"
        raise refuse(path, f"there is no step {shown}.", suggest(str(id), every, "Steps"))
    return every[id]


def _all(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Steps, dict[str, Any]]]]:
    steps = document.get("steps")
    yield from _walk(steps if isinstance(steps, list) else [])


def _walk(steps: Steps) -> Iterator[tuple[str, tuple[Steps, dict[str, Any]]]]:
    for step in steps:
        if isinstance(step, dict):
            yield str(step.get("id")), (steps, step)
            for branch in BRANCHES:
                inside = step.get(branch)
                yield from _walk(inside if isinstance(inside, list) else [])
