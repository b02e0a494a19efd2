"""Filters for dates and times: how they are written, and what comes before and after them."""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from babel.dates import format_date, format_datetime

from engine.phrases import mark
from engine.problems import suggest
from engine.templates.filters import formats
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    Setting,
    TextProblem,
    Zoned,
    as_moment,
    off_calendar,
    plain_text,
    quoted,
    read_moment,
    read_number,
    read_whole,
)

WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
PARTS: dict[str, Callable[[datetime], int]] = {
    "day": lambda moment: moment.day,
    "month": lambda moment: moment.month,
    "year": lambda moment: moment.year,
    "weekday": lambda moment: moment.isoweekday(),
    "week": lambda moment: moment.isocalendar().week,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
}


@register(
    "date",
    reads=mark("{value} as a date[ written {format}][ in the zone {zone}]"),
    words="A date or time in your format, in the text's language, if you say so in another zone.",
    example="{{ sent_at|date('dd/MM/yyyy HH:mm', 'America/New_York') }} -> 10/03/2026 04:00",
)
def dated(
    value: object, format: object = "medium", zone: object = None, *, setting: Setting
) -> str:
    moment = timezone(value, zone, setting=setting) if zone else read_moment(value, setting)
    locale = formats.locale(setting.language)
    if format in ("short", "medium", "long", "full"):
        return format_date(moment, str(format), locale)
    shown = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return format_datetime(shown, formats.pattern(plain_text(format)), shown.tzinfo, locale)


@register(
    "timezone",
    reads=mark("{value} on the clocks of {zone}"),
    words="The same moment on the clocks of another zone; a day stays that day.",
    example="{{ sent_at|timezone('America/New_York')|date('HH:mm') }} -> 04:00",
)
def timezone(value: object, zone: object, *, setting: Setting) -> date:
    there, moment = formats.zone(zone), read_moment(value, setting)
    if not isinstance(moment, datetime):
        return moment
    moved = moment.astimezone(there)
    return Zoned.combine(moved.date(), moved.timetz())


@register(
    "get_date",
    reads=mark("{part} of {value}"),
    words="A part of a date: day, month, year, weekday (1 is Monday), week, quarter, hour or "
    "minute; without one, the day that `today`, `tomorrow` or `yesterday` is.",
    example="{{ invoice.due_date|get_date('month') }} {{ 'tomorrow'|get_date }} -> 1 2026-03-11",
)
def get_date(value: object, part: object = None, *, setting: Setting) -> date | int:
    known = WORDS.get(value) if isinstance(value, str) else None
    moment = (
        read_moment(value, setting)
        if known is None
        else setting.moment.date() + timedelta(days=known)
    )
    if part is None:
        return moment.date() if isinstance(moment, datetime) else moment
    name = plain_text(part)
    if name not in PARTS:
        raise TextProblem(f"A date has no “{name[:60]}”.", suggest(name, PARTS, "There are"))
    whole = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return PARTS[name](whole)


# --- so much later, so much earlier ---


@register(
    "add_days",
    reads=mark("{value} plus {days} days"),
    words="So many days later, or earlier.",
    example="{{ invoice.due_date|add_days(5) }} -> 2026-02-05",
    starts="today",
)
def add_days(value: object, days: object, *, setting: Setting) -> date | None:
    if days is None:
        return None
    moment = read_moment(value, setting)
    return _moved(moment, timedelta(days=read_whole(days, -40_000, 40_000)))


@register(
    "sub_days",
    reads=mark("{value} minus {days} days"),
    words="So many days earlier.",
    example="{{ invoice.due_date|sub_days(5) }} -> 2026-01-26",
    starts="today",
)
def sub_days(value: object, days: object, *, setting: Setting) -> date | None:
    return add_days(value, _minus(days), setting=setting)


@register(
    "add_working_days",
    reads=mark("{value} plus {days} working days"),
    words="So many of the company's working days later, or earlier.",
    example="{{ '2026-03-06'|add_working_days(1) }} -> 2026-03-09",
    starts="today",
)
def add_working_days(value: object, days: object, *, setting: Setting) -> date | None:
    if days is None:
        return None
    moment, count = read_moment(value, setting), read_whole(days, -2_000, 2_000)
    day = moment.date() if isinstance(moment, datetime) else moment
    try:
        there = setting.calendar.add_working_days(day, count)
    except (OverflowError, ValueError) as error:
        raise off_calendar() from error
    return _moved(moment, there - day)


@register(
    "add_months",
    reads=mark("{value} plus {months} months"),
    words="So many months later, or earlier; the last day of a shorter month.",
    example="{{ invoice.due_date|add_months(1) }} -> 2026-02-28",
    starts="today",
)
def add_months(value: object, months: object, *, setting: Setting) -> date | None:
    if months is None:
        return None
    moment = read_moment(value, setting)
    year, month = divmod(
        moment.year * 12 + moment.month - 1 + read_whole(months, -1_200, 1_200), 12
    )
    if not 1 <= year <= 9999:
        raise off_calendar()
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


@register(
    "sub_months",
    reads=mark("{value} minus {months} months"),
    words="So many months earlier; the last day of a shorter month.",
    example="{{ '2026-03-31'|sub_months(1) }} -> 2026-02-28",
    starts="today",
)
def sub_months(value: object, months: object, *, setting: Setting) -> date | None:
    return add_months(value, _minus(months), setting=setting)


@register(
    "add_hours",
    reads=mark("{value} plus {hours} hours"),
    words="So many hours later, or earlier, also across a change of the clocks.",
    example="{{ sent_at|add_hours(2)|date('HH:mm') }} -> 10:00",
    starts="now",
)
def add_hours(value: object, hours: object, *, setting: Setting) -> date | None:
    return None if hours is None else _elapsed(value, timedelta(hours=_small(hours)), setting)


@register(
    "sub_hours",
    reads=mark("{value} minus {hours} hours"),
    words="So many hours earlier.",
    example="{{ sent_at|sub_hours(2)|date('HH:mm') }} -> 06:00",
    starts="now",
)
def sub_hours(value: object, hours: object, *, setting: Setting) -> date | None:
    return add_hours(value, _minus(hours), setting=setting)


@register(
    "add_time",
    reads=mark("{value} plus {minutes} minutes"),
    words="So many minutes later, or earlier: from a moment, or from a time of day as 09:30.",
    example="{{ '09:30'|add_time(45) }} -> 10:15",
    starts="now",
)
def add_time(value: object, minutes: object, *, setting: Setting) -> date | time | None:
    if minutes is None:
        return None
    length = timedelta(minutes=_small(minutes))
    if isinstance(value, str) and re.fullmatch(r"[0-2]?\d:[0-5]\d(:[0-5]\d)?", value):
        value = _time_of_day(value)
    if isinstance(value, time):
        return (datetime.combine(date(2000, 1, 1), value) + length).time()
    return _elapsed(value, length, setting)


@register(
    "sub_time",
    reads=mark("{value} minus {minutes} minutes"),
    words="So many minutes earlier: from a moment, or from a time of day as 09:30.",
    example="{{ '09:30'|sub_time(45) }} -> 08:45",
    starts="now",
)
def sub_time(value: object, minutes: object, *, setting: Setting) -> date | time | None:
    return add_time(value, _minus(minutes), setting=setting)


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text.zfill(5))
    except ValueError:
        raise TextProblem(f"{quoted(text)} is not a time.", "Write it as 09:30.") from None


def _minus(count: object) -> object:
    return None if count is None else -read_number(count)


def _small(count: object) -> float:
    """A count of hours or minutes that no calendar is too small for."""
    amount = read_number(count)
    if abs(amount) > 1_000_000:
        raise TextProblem(f"{quoted(count)} cannot be used here.", "Give at most 1,000,000.")
    return float(amount)


def _moved(moment: date, length: timedelta) -> date:
    try:
        return moment + length
    except OverflowError as error:
        raise off_calendar() from error


def _elapsed(value: object, length: timedelta, setting: Setting) -> date:
    """Time that has really passed, not what the clocks on the wall show."""
    moment = as_moment(value, setting)
    try:
        return (moment.astimezone(UTC) + length).astimezone(moment.tzinfo)
    except OverflowError as error:
        raise off_calendar() from error
