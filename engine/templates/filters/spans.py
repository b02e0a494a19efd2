"""Filters that measure the time between two dates or moments."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from engine.phrases import mark
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    Setting,
    TextProblem,
    as_moment,
    read_moment,
    settled,
)

LONGEST = timedelta(days=36_600)


@register(
    "days_between",
    reads=mark("days from {value}[ to {other}]"),
    words="How many days from one date to another; below zero if the other is earlier.",
    example="{{ invoice.due_date|days_between(today) }} -> 38",
)
def days_between(value: object, other: object, *, setting: Setting) -> int | None:
    return None if other is None else (_day(other, setting) - _day(value, setting)).days


@register(
    "working_days_between",
    reads=mark("working days from {value}[ to {other}]"),
    words="How many of the company's working days come after one date, up to another.",
    example="{{ '2026-03-06'|working_days_between(today) }} -> 2",
)
def working_days_between(value: object, other: object, *, setting: Setting) -> int | None:
    if other is None:
        return None
    first, last = sorted((_day(value, setting), _day(other, setting)))
    if last - first > LONGEST:
        raise TextProblem("These dates are more than a century apart.", "Check the fields.")
    days = (first + timedelta(days=day) for day in range(1, (last - first).days + 1))
    count = sum(map(setting.calendar.is_working_day, days))
    return count if _day(value, setting) <= _day(other, setting) else -count


@register(
    "hours_between",
    reads=mark("hours from {value}[ to {other}]"),
    words="How many hours from one moment to another; below zero if the other is earlier.",
    example="{{ sent_at|hours_between('2026-03-10T09:30:00Z') }} -> 1.5",
)
def hours_between(value: object, other: object, *, setting: Setting) -> Decimal | None:
    if other is None:
        return None
    return settled(_seconds(_moment(other, setting) - _moment(value, setting)) / 3600)


@register(
    "time_diff",
    reads=mark("seconds between {value}[ and {other}]"),
    words="How many seconds the first moment is after the second, or now is after the first.",
    example="{{ now|time_diff(sent_at) }} -> 0",
)
def time_diff(value: object, other: object = None, *, setting: Setting) -> Decimal:
    """With one moment, how long ago it was."""
    later, earlier = (setting.moment, value) if other is None else (value, other)
    return settled(_seconds(_moment(later, setting) - _moment(earlier, setting)))


@register(
    "time_diffdays",
    reads=mark("days between {value}[ and {other}]"),
    words="How many days the first date is after the second, or today is after the first.",
    example="{{ invoice.due_date|time_diffdays }} -> 38",
)
def time_diffdays(value: object, other: object = None, *, setting: Setting) -> int:
    later, earlier = (setting.moment, value) if other is None else (value, other)
    return (_day(later, setting) - _day(earlier, setting)).days


def _day(value: object, setting: Setting) -> date:
    moment = read_moment(value, setting)
    return moment.date() if isinstance(moment, datetime) else moment


def _moment(value: object, setting: Setting) -> datetime:
    return as_moment(value, setting).astimezone(UTC)


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length.days * 86_400 + length.seconds)
