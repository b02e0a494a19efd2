"""Filters that calculate, with decimals: what is printed is what adds up on paper."""

from collections.abc import Callable
from decimal import Decimal, DecimalException

from engine.phrases import mark
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    MAX_DECIMALS,
    TextProblem,
    ordered,
    picked,
    plain_text,
    read_number,
    read_whole,
    rounded_to,
    settled,
    too_large,
    within,
)


@register(
    "add",
    "addition",
    reads=mark("{value} + {number}"),
    words="Adds a number.",
    example="{{ 17|add(13) }} -> 30",
)
def add(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a + b)


@register(
    "sub",
    reads=mark("{value} - {number}"),
    words="Takes a number away.",
    example="{{ 17|sub(13) }} -> 4",
)
def sub(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a - b)


@register(
    "mul",
    reads=mark("{value} times {number}"),
    words="Multiplies by a number.",
    example="{{ 17|mul(2) }} -> 34",
)
def mul(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a * b)


@register(
    "div",
    reads=mark("{value} divided by {number}"),
    words="Divides by a number.",
    example="{{ 17|div(2) }} -> 8.5",
)
def div(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a / _divisor(b))


@register(
    "intdiv",
    reads=mark("{value} divided by {number} without the remainder"),
    words="Divides, without the remainder.",
    example="{{ 17|intdiv(5) }} -> 3",
)
def intdiv(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: _whole_times(a, _divisor(b)))


@register(
    "mod",
    reads=mark("what is left of {value} divided by {number}"),
    words="What is left over by a division.",
    example="{{ 17|mod(5) }} -> 2",
)
def mod(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a - b * _whole_times(a, _divisor(b)))


@register(
    "power",
    reads=mark("{value} to the power {exponent}"),
    words="The number to a power.",
    example="{{ 2|power(10) }} -> 1024",
)
def power(value: object, exponent: object) -> Decimal | None:
    return _calculated(value, exponent, _raised)


@register(
    "abs",
    reads=mark("{value} without its minus"),
    words="The number without its minus.",
    example="{{ -4|abs }} -> 4",
)
def absolute(value: object) -> Decimal:
    return abs(read_number(value))


@register(
    "int",
    reads=mark("{value} without its decimals"),
    words="The number without its decimals.",
    example="{{ 4.9|int }} -> 4",
)
def whole(value: object) -> int:
    return int(read_number(value))


@register(
    "round",
    reads=mark("{value} rounded[ to {digits} decimals]"),
    words="Rounded; half goes up.",
    example="{{ 2.345|round(2) }} -> 2.35",
)
def rounded(value: object, digits: object = 0) -> Decimal:
    return rounded_to(read_number(value), read_whole(digits, 0, MAX_DECIMALS))


# --- over lists ---


@register(
    "sum",
    reads=mark("the sum of [{attribute} of ]{value}"),
    words="The numbers of a list added up, or those in one of the items' fields. Amounts in "
    "several currencies are refused: see `totals`.",
    example="{{ invoices|where('currency', 'EUR')|sum('balance') }} -> 100.00",
)
def total(value: object, attribute: object = None) -> Decimal:
    items = picked(value, None)
    currencies = {str(found) for item in items if (found := within(item, "currency"))}
    if attribute is not None and len(currencies) > 1:
        several = " and ".join(sorted(currencies))
        remedy = f"Write `|totals('{plain_text(attribute)}')`, or choose some with `|where`."
        raise TextProblem(f"Amounts in {several} do not add up.", remedy)
    return settled(sum(_numbers(value, attribute), Decimal(0)))


@register(
    "average",
    reads=mark("the average of [{attribute} of ]{value}"),
    words="The mean of the numbers of a list, or of one of the items' fields.",
    example="{{ [2, 3, 4]|average }} -> 3",
)
def average(value: object, attribute: object = None) -> Decimal | None:
    numbers = _numbers(value, attribute)
    return settled(sum(numbers, Decimal(0)) / len(numbers)) if numbers else None


@register(
    "min",
    reads=mark("the smallest of {value}[ and {other}]"),
    words="The smaller of two numbers or dates; of a list the smallest, by one of the fields.",
    example="{{ 17|min(13) }} {{ invoices|min('due_date') }} -> 13 2026-01-20",
)
def smallest(value: object, other: object = None) -> object:
    return next(iter(_compared(value, other)), None)


@register(
    "max",
    reads=mark("the largest of {value}[ and {other}]"),
    words="The larger of two numbers or dates; of a list the largest, by one of the fields.",
    example="{{ 17|max(13) }} {{ invoices|max('due_date') }} -> 17 2026-02-20",
)
def largest(value: object, other: object = None) -> object:
    return next(iter(_compared(value, other)[-1:]), None)


def _numbers(value: object, attribute: object) -> list[Decimal]:
    return [read_number(item) for item in picked(value, attribute) if item is not None]


def _compared(value: object, other: object) -> list[object]:
    """Two values, or those of a list, from the smallest to the largest."""
    listed = isinstance(value, (list, tuple))
    found = picked(value, other) if listed else [value, other]
    try:
        return sorted((each for each in found if each is not None), key=ordered)
    except TypeError as error:
        remedy = "Compare numbers with numbers, dates with dates."
        raise TextProblem("These values cannot be compared.", remedy) from error


def _calculated(
    value: object, number: object, operation: Callable[[Decimal, Decimal], Decimal]
) -> Decimal | None:
    """The result, or None where the second number is an empty field."""
    if number is None:
        return None
    try:
        return settled(operation(read_number(value), read_number(number)))
    except DecimalException as error:
        raise too_large() from error


def _divisor(number: Decimal) -> Decimal:
    if number:
        return number
    remedy = "Guard it with `{% if %}`, or divide by another field."
    raise TextProblem("This divides by zero.", remedy)


def _whole_times(a: Decimal, b: Decimal) -> Decimal:
    times = a // b
    return times - 1 if a % b and (a < 0) != (b < 0) else times


def _raised(base: Decimal, exponent: Decimal) -> Decimal:
    whole = exponent == exponent.to_integral_value()
    if abs(exponent) > 1_000 or (not base and exponent <= 0) or (base < 0 and not whole):
        remedy = "Raise a number above zero, to a power of 1,000 at most."
        raise TextProblem("This power cannot be worked out.", remedy)
    raised = base**exponent
    nearest = raised.to_integral_value() if abs(raised) < 10**25 else raised
    # A root of a square, such as 16 to the power 0.5, comes out a hair beside its whole number.
    return nearest if abs(raised - nearest) < Decimal("1e-20") else raised
