"""What filters are given and give: how values are read, printed, and made fit for their place."""

import html
import json as json_text
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import escape as escaped

from engine.company.calendar import Calendar
from engine.problems import BadValue
from engine.schema.civil_times import as_written, moment_of
from engine.schema.modules import Module

MAX_TEXT = 1_000_000
MAX_MARKUP = 50_000  # the HTML cleaner's time can grow with the square of what it is given
MAX_NUMBER = Decimal(10) ** 30
MAX_DECIMALS = 10
WEEKDAYS = Calendar(ZoneInfo("UTC"))

Form = Literal["text", "html", "url", "json"]


class TextProblem(BadValue):
    """A template that cannot be used, as written or with this data: what is wrong, what to do."""


@dataclass(frozen=True)
class Setting:
    """For whom, when and in what form a text is written.

    The language of the text, the zone in which times are shown, the moment, the company's working
    days, and what the text will be part of.
    """

    language: str = "en"
    timezone: tzinfo = UTC
    now: datetime | None = None
    calendar: Calendar = WEEKDAYS
    form: Form = "text"

    @property
    def moment(self) -> datetime:
        """The time of writing, on the reader's clock."""
        if self.now is None:
            raise TextProblem("What time it is is not known here.", "Name a date.")
        return local(self.now, self.timezone)


class Fit(str):
    """Text that a filter has already made fit for one form; there it is printed as it is."""

    form: Form

    def __new__(cls, text: str, form: Form) -> "Fit":
        fit = super().__new__(cls, text)
        fit.form = form
        return fit


def fitted(text: str, form: Form) -> str:
    """The text made harmless for where it will stand: no tag, no part of an address, no JSON."""
    if isinstance(text, Fit) and text.form == form:
        return str(text)
    match form:
        case "html":
            return str(escaped(text))
        case "url":
            return quote(text, safe="")
        case "json":
            return json_text.dumps(text, ensure_ascii=False)[1:-1]
    return str(text)


class Row(dict[str, Any]):
    """A record as data: its fields, and its module where that is known."""

    def __init__(self, fields: Mapping[str, Any], module: Module | None) -> None:
        super().__init__(fields)
        self.module = module


class Named(Row):
    """A record with its name where it is printed, its id where a value is wanted."""

    def __init__(self, id: int | str, name: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields, fields.module if isinstance(fields, Row) else None)
        self.id, self.name = id, name


@dataclass(frozen=True)
class Unusable:
    """A value that would mislead: a text that asks for it is told why, and what to ask for."""

    why: str
    remedy: str


class Zoned(datetime):
    """A moment that is printed on the clocks of its own zone, not the reader's."""


# --- printing ---


def shown(value: object, setting: Setting) -> str:
    """A value as a text prints it. What is marked as HTML stays so marked."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case Decimal():
            return format(value, "f")
        case datetime():
            return local(value, setting.timezone).isoformat(timespec="seconds")
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case date():
            return value.isoformat()
        case list() | tuple():
            return joined(", ", (shown(item, setting) for item in value))
        case Named():
            return value.name
        case dict():
            raise TextProblem(
                "This is a whole record, not a value.", "Name one of its fields, or write `|json`."
            )
    return str(value)


def joined(separator: str, parts: Iterable[str]) -> str:
    """The parts as one text, stopping as soon as it grows too long."""
    kept: list[str] = []
    size = 0
    for part in parts:
        size += len(part) + len(separator)
        if size > MAX_TEXT + len(separator):
            raise too_long()
        kept.append(part)
    return separator.join(kept)


def plain_text(value: object) -> str:
    return str(shown(value, Setting()))


def markup(value: object) -> str:
    """HTML from a field, not longer than can be cleaned in time."""
    text = plain_text(value)
    if len(text) > MAX_MARKUP:
        raise TextProblem(f"This HTML is longer than {MAX_MARKUP:,} characters.", "Shorten it.")
    return text


def quoted(value: object) -> str:
    """A value as a problem names it."""
    kind = "A list" if isinstance(value, (list, tuple)) else "A record"
    return kind if isinstance(value, (list, tuple, dict)) else f"“{plain_text(value)[:60]}”"


def too_long() -> TextProblem:
    return TextProblem(f"The text grows past {MAX_TEXT:,} characters.", "Print less.")


def unescaped(text: str) -> str:
    return html.unescape(text)


# --- moments ---


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The moment on the clocks of a zone. One that has no zone is taken to be of it already."""
    if isinstance(moment, Zoned):
        return moment
    known = moment if moment.tzinfo else moment_of(moment.date(), moment.time(), zone)
    return known.astimezone(zone)


def as_moment(value: object, setting: Setting) -> datetime:
    """As `read_moment`; of a day, its first moment."""
    known = read_moment(value, setting)
    if isinstance(known, datetime):
        return known
    try:
        return moment_of(known, time(), setting.timezone).astimezone(setting.timezone)
    except OverflowError as error:
        raise off_calendar() from error


def read_moment(value: object, setting: Setting) -> date:
    """A date, or a datetime in the reader's zone, also from ISO text such as other systems send."""
    try:
        match as_written(value):
            case datetime() as moment:
                return local(moment, setting.timezone)
            case date() as day:
                return day
    except (ValueError, OverflowError):
        pass
    raise TextProblem(f"{quoted(value)} is not a date.", "Use a date field, `today` or `now`.")


def off_calendar() -> TextProblem:
    return TextProblem("That date is outside the calendar.", "Check the fields it is made of.")


# --- numbers ---


def read_number(value: object) -> Decimal:
    """A number, also from text that is plainly one."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,30}(\.[0-9]{1,20})?\s*", value):
        return Decimal(value.strip())
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    raise TextProblem(f"{quoted(value)} is not a number.", "Use a number field, or `|default(0)`.")


def read_whole(value: object, least: int, most: int) -> int:
    """A whole number within bounds."""
    amount = read_number(value)
    if amount != amount.to_integral_value() or not least <= amount <= most:
        remedy = f"Give a whole number from {least:,} to {most:,}."
        raise TextProblem(f"{quoted(value)} cannot be used here.", remedy)
    return int(amount)


def settled(result: Decimal) -> Decimal:
    """The result of a calculation, if it can be used: not too large, and without endless digits."""
    if abs(result) > MAX_NUMBER:
        raise too_large()
    exponent = result.as_tuple().exponent
    fine = isinstance(exponent, int) and exponent >= -MAX_DECIMALS
    return result + 0 if fine else rounded_to(result, MAX_DECIMALS)


def rounded_to(amount: Decimal, places: int) -> Decimal:
    """Rounded; half goes up."""
    try:
        return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0
    except DecimalException as error:
        raise too_large() from error


def too_large() -> TextProblem:
    return TextProblem("The result is too large a number.", "Check the fields it is made of.")


# --- lists ---


def read_items(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise TextProblem(f"{quoted(value)} is not a list.", "Use a field that holds several values.")


def picked(value: object, attribute: object) -> list[object]:
    """The items of a list, or one field of each."""
    items = read_items(value)
    return items if attribute is None else [within(item, plain_text(attribute)) for item in items]


def within(item: object, path: str) -> object:
    """What a dotted path leads to inside an item of a list; None where it leads nowhere."""
    for key in path.split("."):
        item = item.get(key) if isinstance(item, dict) else None
    return item


def ordered(key: object) -> Any:  # what does not compare raises TypeError, and is told
    return key.casefold() if isinstance(key, str) else key
