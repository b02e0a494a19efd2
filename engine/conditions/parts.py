"""The parts of a condition, wherever they stand: its comparisons, their values, the related."""

from collections.abc import Iterator

from pydantic import JsonValue

from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf, Related
from engine.problems import join


def leaves(condition: Condition | None) -> Iterator[Compare]:
    """Every comparison in a condition; those asked of related records are no part of it."""
    match condition:
        case Compare():
            yield condition
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from leaves(part)
        case NotOf(part=part):
            yield from leaves(part)


def related(condition: Condition | None) -> Iterator[Related]:
    """Every question about related records."""
    match condition:
        case Related():
            yield condition
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from related(part)
        case NotOf(part=part):
            yield from related(part)


def required(condition: Condition) -> Iterator[Compare]:
    """The comparisons that must all hold for the condition to hold."""
    if isinstance(condition, Compare):
        yield condition
    elif isinstance(condition, AllOf):
        for part in condition.all:
            yield from required(part)


def values(condition: Condition | None, path: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Each value that is compared with, also of related records, and the path to it."""
    match condition:
        case Compare(value=value):
            yield join(path, "value"), value
        case AllOf(all=parts):
            for place, part in enumerate(parts):
                yield from values(part, join(path, f"all.{place}"))
        case AnyOf(any=parts):
            for place, part in enumerate(parts):
                yield from values(part, join(path, f"any.{place}"))
        case NotOf(part=part):
            yield from values(part, join(path, "not"))
        case Related(where=where, value=value):
            yield join(path, "value"), value
            yield from values(where, join(path, "where"))
