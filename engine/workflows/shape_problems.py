"""Faults of a document's shape in words: where, what, and the nearest right thing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.conditions import shape
from engine.problems import Problem, join, suggest
from engine.workflows.places import reader, right_key
from engine.workflows.recurrence import choices


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
            given = _at(document, path.split(".")[:-1])
            remedy = right_key(loc[-1], reader(loc[:-1]), given)
            return Problem(path, f"there is no key `{loc[-1]}` here.", remedy)
        case "union_tag_invalid":
            kind = Trigger if loc[0] == "trigger" else Step
            tag = str(error["ctx"]["tag"])
            remedy = suggest(tag, kind.types, "Types", kind.meant())
            return Problem(join(path, "type"), f"there is no type `{tag}`.", remedy)
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
        case "string_pattern_mismatch" if (meant := _described(loc)) and "[0-5]" not in _kind(
            error
        ):
            return Problem(path, f"`{_named(error['input'])}` is not possible here.", meant)
    return Problem(path, f"it {_asked(error)}.", f"It is {_brief(error.get('input'))} now.")


def _kind(error: Any) -> str:
    """The pattern that a text was to follow."""
    return str(error["ctx"].get("pattern", ""))


def _described(loc: list[str]) -> str:
    """What is said of a key where it is defined."""
    fields = reader(loc[:-1]).model_fields.items()
    found = [field.description for name, field in fields if loc[-1] in (field.alias or name, name)]
    return (found[0] if found else None) or ""


def _asked(error: Any) -> str:
    """What a value of the wrong type or size should be."""
    kind, facts = error["type"], error.get("ctx", {})
    known = {
        "greater_than_equal": f"must be {facts.get('ge')} or more",
        "less_than_equal": f"must be {facts.get('le')} or less",
        "string_too_short": "must not be empty",
        "string_too_long": f"must have {facts.get('max_length')} characters at most",
        "too_short": "must not be empty",
        "too_long": f"takes {facts.get('max_length')} at most, not {facts.get('actual_length')}",
        "greater_than": f"must be more than {facts.get('gt')}",
        "less_than": f"must be less than {facts.get('lt')}",
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


def _at(document: Any, parts: list[str]) -> Mapping[str, Any]:
    """The object at a path of the document; an empty one where there is none."""
    node = document
    for part in parts:
        if isinstance(node, Mapping):
            node = node.get(part)
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
    return node if isinstance(node, Mapping) else {}


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
