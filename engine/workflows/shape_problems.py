"""Faults of a document's shape in words: where, what, and the nearest right thing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.conditions import SHAPES, shape
from engine.problems import Problem, join, suggest
from engine.workflows.recurrence import choices
from engine.workflows.workflow import Workflow


def taught(error: Any, document: Mapping[str, Any]) -> Problem:
    """A fault of shape, in words: where, what, and the nearest right thing."""
    loc = [str(part) for part in error["loc"]]
    path = ".".join(_place(loc, document))
    if loc and loc[0] == "recurrence":
        remedy = f"Write {choices()}."
        return Problem(
            "recurrence", f"`{_named(document['recurrence'])}` is no recurrence.", remedy
        )
    if "when_nothing_matches" in loc:
        key = loc.index("when_nothing_matches")
        remedy = 'Write "stop", "skip" or {"wait_days": 5}, with 1 day or more.'
        said = "this is no way to go on when nothing matches."
        return Problem(".".join(_place(loc[: key + 1], document)), said, remedy)
    match error["type"]:
        case "extra_forbidden":
            return Problem(
                path,
                f"there is no key `{loc[-1]}` here.",
                suggest(loc[-1], _keys(loc[:-1]), "Keys"),
            )
        case "union_tag_invalid":
            known = Trigger.types if loc[0] == "trigger" else Step.types
            tag = str(error["ctx"]["tag"])
            return Problem(
                join(path, "type"), f"there is no type `{tag}`.", suggest(tag, known, "Types")
            )
        case "union_tag_not_found":
            example = "record_created" if loc[0] == "trigger" else "send_email"
            remedy = f'Name one, like "type": "{example}".'
            return Problem(join(path, "type"), "it has no `type`.", remedy)
        case "missing":
            return Problem(path, f"`{loc[-1]}` is missing.", "Give it a value.")
        case "condition":
            remedy = 'Write {"field": "status", "op": "equals", "value": "Sent"}.'
            if isinstance(error["input"], list):
                remedy = 'Put the list into {"all": [...]} or {"any": [...]}.'
            return Problem(path, "this is no condition.", remedy)
        case "literal_error":
            possible = [
                word.strip(" '")
                for word in str(error["ctx"]["expected"]).replace(" or ", ",").split(",")
            ]
            said = f"`{_named(error['input'])}` is not possible here."
            return Problem(path, said, suggest(str(error["input"]), possible, "Possible"))
        case "tuple_type" | "list_type":
            return Problem(
                path, f"`{_named(error['input'])}` is not a list.", "Put it in brackets: [ ... ]."
            )
        case "string_pattern_mismatch" if loc[-1] == "id":
            return Problem(
                path,
                f"`{_named(error['input'])}` cannot name a step.",
                "Use a-z, 0-9 and _, a letter first.",
            )
    return Problem(path, f"it {_asked(error)}.", f"It is {_brief(error.get('input'))} now.")


def _asked(error: Any) -> str:
    """What a value of the wrong type or size should be."""
    kind, facts = error["type"], error.get("ctx", {})
    known = {
        "greater_than_equal": f"must be {facts.get('ge')} or more",
        "less_than_equal": f"must be {facts.get('le')} or less",
        "string_too_short": "must not be empty",
        "string_too_long": f"must have {facts.get('max_length')} characters at most",
        "too_short": "must not be empty",
        "string_pattern_mismatch": "must be written like 09:00",
    }
    kinds = {
        "string": "text",
        "int": "a whole number",
        "bool": "true or false",
        "float": "a number",
    }
    types = next(
        (named for name, named in kinds.items() if kind.startswith(f"{name}_")), "an object"
    )
    return known.get(kind, f"must be {types}")


def _brief(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case str():
            return f"“{_named(value)}”"
    return _named(value)


def _named(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _place(loc: list[str], document: Any) -> Iterator[str]:
    """The path as it is in the document, without the names of types that the reader adds."""
    node, named = document, True
    for part in loc:
        tag = None if named or not isinstance(node, dict) else node.get("type") or shape(node)
        if tag == part:
            named = True
            continue
        yield part
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and part.isdigit():
            node = node[int(part)]
        named = False


def _keys(loc: list[str]) -> list[str]:
    """The keys that are possible at a place: those of the class that was being read there."""
    if loc == ["window"]:
        return ["from", "to", "days"]
    for part in reversed(loc):
        if kind := Step.types.get(part) or Trigger.types.get(part) or SHAPES.get(part):
            return [field.alias or name for name, field in kind.model_fields.items()]
    return [field.alias or name for name, field in Workflow.model_fields.items()]
