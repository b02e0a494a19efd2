"""Conditions that no record can satisfy are told apart from those that some record can."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.conditions.contradictions import contradiction
from tests.stages.conditions.world import binder, written


def asked(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def never(*parts: dict[str, Any], of: str = "all") -> bool:
    return contradiction(written({of: list(parts)}), binder("deals")) is not None


OPEN, WON = asked("status", "equals", "Open"), asked("status", "equals", "Won")


@pytest.mark.parametrize(
    "parts",
    [
        (OPEN, WON),
        (OPEN, asked("status", "in", ["Won", "Waiting"])),
        (OPEN, asked("status", "not_equals", "open")),
        (OPEN, {"not": OPEN}),
        (OPEN, {"all": [asked("amount", "at_least", 1), {"all": [WON]}]}),
        (OPEN, {"any": [WON, asked("status", "is_empty")]}),
        (asked("amount", "greater_than", 100), asked("amount", "less_than", 100)),
        (asked("amount", "between", [1, 2]), asked("amount", "equals", "2.01")),
        (asked("due", "less_than", "today-30d"), asked("due", "at_least", "today-5d")),
        (asked("due", "equals", "today"), asked("due", "is_empty")),
        (asked("title", "equals", "ACME"), asked("title", "starts_with", "b")),
        (asked("firm.vip", "equals", True), asked("firm.vip", "equals", False)),
    ],
)
def test_what_no_record_can_satisfy_is_found(parts: tuple[dict[str, Any], ...]) -> None:
    assert never(*parts)


@pytest.mark.parametrize(
    "parts",
    [
        (OPEN, asked("status", "not_equals", "Won")),
        (OPEN, {"any": [WON, asked("amount", "at_least", 1)]}),
        (asked("amount", "greater_than", 0), asked("amount", "less_than", 1)),
        (asked("amount", "at_least", 100), asked("amount", "at_most", 100)),
        (asked("due", "less_than", "today"), asked("due", "at_least", "today-1d")),
        (asked("title", "contains", "a"), asked("title", "starts_with", "b")),
        (asked("due", "less_than", {"field": "firm.closed"}), asked("due", "equals", "today")),
        (asked("title", "equals", "ACME"), asked("firm.name", "equals", "BETA")),
    ],
)
def test_what_some_record_can_satisfy_is_left_alone(parts: tuple[dict[str, Any], ...]) -> None:
    assert not never(*parts)


def test_alternatives_that_exclude_each_other_are_no_contradiction() -> None:
    assert not never(OPEN, WON, of="any")


WHOLE = st.builds(
    asked,
    st.just("seats"),
    st.sampled_from(["equals", "not_equals", "less_than", "greater_than", "at_most", "at_least"]),
    st.integers(-4, 4),
)


@given(WHOLE, WHOLE)
def test_of_whole_numbers_it_is_found_exactly_when_none_fits(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    meets = {
        "equals": int.__eq__,
        "not_equals": int.__ne__,
        "less_than": int.__lt__,
        "greater_than": int.__gt__,
        "at_most": int.__le__,
        "at_least": int.__ge__,
    }
    fits = any(
        all(meets[part["op"]](value, part["value"]) for part in (one, other))
        for value in range(-6, 7)
    )
    assert never(one, other) is not fits
