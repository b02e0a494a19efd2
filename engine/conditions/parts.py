"""The parts of a condition, wherever they stand: its comparisons, those it cannot do without."""

from collections.abc import Iterator

from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf, Related


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
