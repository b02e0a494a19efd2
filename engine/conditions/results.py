"""What earlier steps gave, asked about like fields of the record: `steps.call.status`."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf
from engine.conditions.bound import Binder
from engine.conditions.readings import Facts, Instead
from engine.conditions.words import describe
from engine.phrases import say
from engine.problems import BadValue
from engine.schema.fields import Field

ROOT = "steps."


def asked(condition: Condition) -> Iterator[Compare]:
    """The comparisons of results in a condition."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from asked(part)
        case NotOf(part=part):
            yield from asked(part)
        case Compare(field=name) if name.startswith(ROOT):
            yield condition


def lifted(condition: Condition, binder: Binder) -> tuple[Condition, Binder]:
    """The condition with results as fields of the module, and a binder that knows these."""
    fields = {_name(part): _field(part) for part in asked(condition)}
    module = binder.module.model_copy(update={"fields": (*binder.module.fields, *fields.values())})
    return _renamed(condition), binder.of(module)


def told(condition: Condition, binder: Binder) -> str:
    """The condition in words."""
    return describe(*lifted(condition, binder))


def found(condition: Condition, facts: Facts, steps: Mapping[str, Mapping[str, Any]]) -> Facts:
    """The record together with the results that the condition asks about."""
    return Instead(facts, {_name(part): _value(part, steps) for part in asked(condition)})


def _value(part: Compare, steps: Mapping[str, Mapping[str, Any]]) -> Any:
    """The result as it is compared; None where the step gave none, or nothing of that kind."""
    _, step, key = part.field.split(".", 2)
    raw: Any = steps.get(step, {})
    for name in key.split("."):
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    given = ", ".join(map(str, raw)) if isinstance(raw, (list, tuple)) else raw
    try:
        return _field(part).parse(given, UTC)  # of no kind that tells a time
    except BadValue:
        return None


def _renamed(condition: Condition) -> Condition:
    match condition:
        case AllOf(all=parts):
            return AllOf(all=tuple(map(_renamed, parts)))
        case AnyOf(any=parts):
            return AnyOf(any=tuple(map(_renamed, parts)))
        case NotOf(part=part):
            return NotOf(part=_renamed(part))
        case Compare(field=name) if name.startswith(ROOT):
            return condition.model_copy(update={"field": _name(condition)})
    return condition


def _field(part: Compare) -> Field:
    """A field for the result: of the kind of what it is compared with."""
    _, step, *key = part.field.split(".")
    asked, given = " ".join(key).replace("_", " "), step.replace("_", " ")
    label = say("{key} of {value}", key=asked, value=given)
    return Field(name=_name(part), type=_kind(part.value), label=label)


def _name(part: Compare) -> str:
    return f"{part.field.replace('.', '__')}__{_kind(part.value)}"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "decimal"
        case [first, *_]:
            return _kind(first)
    return "text"
