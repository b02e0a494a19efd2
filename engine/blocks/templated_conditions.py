"""Conditions inside a step: their values may be templates, filled in before they are asked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.blocks.checking import Checking
from engine.blocks.context import Context
from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf, Related
from engine.conditions.readings import CONDITION
from engine.problems import Problem
from engine.schema.modules import Module


def written(condition: Condition) -> Any:
    """The condition as JSON, as somebody wrote it."""
    return CONDITION.dump_python(condition, mode="json", by_alias=True, exclude_none=True)


def filled(condition: Condition, ctx: Context) -> Condition:
    """The same condition with the values of its templates."""
    return CONDITION.validate_python(ctx.value(written(condition)))


def problems(
    condition: Condition, module: Module, checking: Checking, path: str
) -> Iterator[Problem]:
    """What is wrong with a condition on a module, as far as it can be told beforehand."""
    yield from checking.text(written(condition), path)
    there = replace(checking, binder=checking.binder.of(module))
    yield from there.condition(known(condition), path, event=False)


def known(condition: Condition) -> Condition:
    """The condition with a mere look for a value in the place of one that is a template."""
    match condition:
        case AllOf(all=parts):
            return AllOf(all=tuple(map(known, parts)))
        case AnyOf(any=parts):
            return AnyOf(any=tuple(map(known, parts)))
        case NotOf(part=part):
            return NotOf(part=known(part))
        case Related(where=inside) if inside:
            return condition.model_copy(update={"where": known(inside)})
        case Compare(field=field, value=value) if _templated(value):
            return Compare(field=field, op="is_not_empty")
    return condition


def _templated(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_templated, value))
    return isinstance(value, str) and "{{" in value
