"""The filters of templates (`{{ record.due_date|date('dd/MM/yyyy') }}`): one function each."""

import calendar
import html
import inspect
import json as json_text
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import nh3
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision
from markupsafe import Markup
from markupsafe import escape as escaped

from engine.problems import BadValue

MAX_TEXT = 1_000_000
MAX_MARKUP = 50_000  # the HTML cleaner's time can grow with the square of what it is given
MAX_NUMBER = Decimal(10) ** 30
MAX_DECIMALS = 10
RICH_TAGS = frozenset(
    {"a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p"}
    | {"pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)
LINKS = frozenset({"http", "https", "mailto"})


class TextProblem(BadValue):
    """A template that cannot be used, as written or with this data: what is wrong, what to do."""


@dataclass(frozen=True)
class Setting:
    """For whom a text is written: the reader's language, and the zone in which times are shown."""

    language: str = "en"
    timezone: tzinfo = UTC


@dataclass(frozen=True)
class Filter:
    """One filter. Those that take empty are given None for an empty field; others let it pass."""

    name: str
    function: Callable[..., object]
    words: str
    example: str
    takes_empty: bool = False

    @cached_property
    def localised(self) -> bool:
        return "setting" in inspect.signature(self.function).parameters

    @property
    def settings(self) -> str:
        """How it is written: `date(format, zone)`."""
        names = [name for name in inspect.signature(self.function).parameters if name != "setting"]
        return f"{self.name}({', '.join(names[1:])})" if names[1:] else self.name

    def takes(self, positional: int, named: Iterable[str]) -> bool:
        """Whether it can be given that many settings, and settings of these names."""
        given = dict.fromkeys([*named, *(["setting"] if self.localised else [])])
        try:
            inspect.signature(self.function).bind(None, *[None] * positional, **given)
        except TypeError:
            return False
        return "setting" not in named


FILTERS: dict[str, Filter] = {}

SAMPLE: dict[str, object] = {
    "contact": {"first_name": "Ana", "nickname": None},
    "invoice": {
        "number": "INV-1",
        "due_date": date(2026, 1, 31),
        "note": "<b>Paid</b><script>x</script>",
    },
    "invoices": [
        {"number": "INV-2", "currency": "EUR", "balance": Decimal("100.00")},
        {"number": "INV-1", "currency": "USD", "balance": Decimal("40.00")},
    ],
    "sent_at": datetime(2026, 3, 10, 8, 0, tzinfo=UTC),
}
"""The data that the examples read."""

F = TypeVar("F", bound=Callable[..., object])


def register(*names: str, words: str, example: str, takes_empty: bool = False) -> Callable[[F], F]:
    """Make a function a filter, under each of these names."""

    def enter(function: F) -> F:
        for name in names:
            FILTERS[name] = Filter(name, function, words, example, takes_empty)
        return function

    return enter


Form = Literal["text", "html", "url", "json"]


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


class Named(dict[str, object]):
    """A record as data: its fields, its name where printed, its id where a value is wanted."""

    def __init__(self, id: int | str, name: str, fields: Mapping[str, object]) -> None:
        super().__init__(fields)
        self.id, self.name = id, name


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
            raise _too_long()
        kept.append(part)
    return separator.join(kept)


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The moment on the clocks of a zone. One that has no zone is taken to be of it already."""
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def within(item: object, path: str) -> object:
    """What a dotted path leads to inside an item of a list; None where it leads nowhere."""
    for key in path.split("."):
        item = item.get(key) if isinstance(item, dict) else None
    return item


def read_moment(value: object, setting: Setting) -> date:
    """A date, or a datetime in the reader's zone, also from ISO text such as other systems send."""
    try:
        match value:
            case str() if len(value) == len("2026-03-10"):
                return date.fromisoformat(value)
            case str():
                return local(datetime.fromisoformat(value), setting.timezone)
            case datetime():
                return local(value, setting.timezone)
            case date():
                return value
    except (ValueError, OverflowError):
        pass
    raise TextProblem(f"{_quoted(value)} is not a date.", "Use a date field, `today` or `now`.")


def read_number(value: object) -> Decimal:
    """A number, also from text that is plainly one."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,30}(\.[0-9]{1,20})?\s*", value):
        return Decimal(value.strip())
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    raise TextProblem(f"{_quoted(value)} is not a number.", "Use a number field, or `|default(0)`.")


@register(
    "default", "d",
    words="Gives another value where the field is empty.",
    example="{{ contact.nickname|default('friend') }} -> friend",
    takes_empty=True,
)  # fmt: skip
def default(value: object, instead: object = "", boolean: bool = False) -> object:
    return instead if value is None or value == "" or (boolean and not value) else value


@register("upper", words="All in capitals.", example="{{ contact.first_name|upper }} -> ANA")
def upper(value: object) -> str:
    return _text(value).upper()


@register("lower", words="All in small letters.", example="{{ contact.first_name|lower }} -> ana")
def lower(value: object) -> str:
    return _text(value).lower()


@register(
    "title", words="Each word with a capital.", example="{{ 'jo o\\'neil'|title }} -> Jo O'neil"
)
def title(value: object) -> str:
    return "".join(map(capitalize, re.split(r"([-\s({\[<]+)", _text(value))))


@register(
    "capitalize", words="The first letter a capital.", example="{{ 'aNA'|capitalize }} -> Ana"
)
def capitalize(value: object) -> str:
    text = _text(value)
    return text[:1].upper() + text[1:].lower()


@register("trim", words="Without blanks at both ends.", example="{{ '  Ana '|trim }} -> Ana")
def trim(value: object) -> str:
    return _text(value).strip()


@register("length", words="How many items or letters.", example="{{ invoices|length }} -> 2")
def length(value: object) -> int:
    return len(value) if isinstance(value, (list, dict)) else len(_text(value))


@register(
    "join",
    words="The items of a list as one text.",
    example="{{ invoices|join(' and ', 'number') }} -> INV-2 and INV-1",
)
def join(
    value: object, separator: object = ", ", attribute: object = None, *, setting: Setting
) -> str:
    return joined(_text(separator), (shown(item, setting) for item in _picked(value, attribute)))


@register("first", words="The first item of a list.", example="{{ ['a', 'b']|first }} -> a")
def first(value: object) -> object:
    return next(iter(_items(value)), None)


@register("last", words="The last item of a list.", example="{{ ['a', 'b']|last }} -> b")
def last(value: object) -> object:
    return next(iter(_items(value)[-1:]), None)


@register(
    "sort",
    words="A list in order, by one of the items' fields; empty ones last.",
    example="{{ invoices|sort('number')|join(', ', 'number') }} -> INV-1, INV-2",
)
def sort(value: object, attribute: object = None, reverse: bool = False) -> list[object]:
    keyed = list(zip(map(_order, _picked(value, attribute)), _items(value), strict=True))
    filled = [pair for pair in keyed if pair[0] is not None]
    try:
        filled.sort(key=lambda pair: pair[0], reverse=bool(reverse))
    except TypeError as error:
        remedy = "Sort by a field: `|sort('due_date')`."
        raise TextProblem("These items cannot be put in order.", remedy) from error
    return [item for _, item in filled] + [item for key, item in keyed if key is None]


@register(
    "sum",
    words="The numbers of a list added up, or those in one of the items' fields.",
    example="{{ invoices|sum('balance') }} -> 140.00",
)
def total(value: object, attribute: object = None) -> Decimal:
    numbers = (read_number(item) for item in _picked(value, attribute) if item is not None)
    return _settled(sum(numbers, Decimal(0)))


@register(
    "where",
    words="The items of a list in which a field has this value.",
    example="{{ invoices|where('currency', 'EUR')|sum('balance')|money('EUR') }} -> €100.00",
)
def where(value: object, attribute: object, equal: object) -> list[object]:
    pairs = zip(_items(value), _picked(value, attribute), strict=True)
    return [item for item, have in pairs if have == equal]


@register("add", words="Adds a number.", example="{{ 17|add(13) }} -> 30")
def add(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a + b)


@register("sub", words="Takes a number away.", example="{{ 17|sub(13) }} -> 4")
def sub(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a - b)


@register("mul", words="Multiplies by a number.", example="{{ 17|mul(2) }} -> 34")
def mul(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a * b)


@register("div", words="Divides by a number.", example="{{ 17|div(2) }} -> 8.5")
def div(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a / _divisor(b))


@register("intdiv", words="Divides, without the remainder.", example="{{ 17|intdiv(5) }} -> 3")
def intdiv(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: _whole_times(a, _divisor(b)))


@register("mod", words="What is left over by a division.", example="{{ 17|mod(5) }} -> 2")
def mod(value: object, number: object) -> Decimal | None:
    return _calculated(value, number, lambda a, b: a - b * _whole_times(a, _divisor(b)))


@register("abs", words="The number without its minus.", example="{{ -4|abs }} -> 4")
def absolute(value: object) -> Decimal:
    return abs(read_number(value))


@register("int", words="The number without its decimals.", example="{{ 4.9|int }} -> 4")
def whole(value: object) -> int:
    return int(read_number(value))


@register("round", words="Rounded; half goes up.", example="{{ 2.345|round(2) }} -> 2.35")
def rounded(value: object, digits: object = 0) -> Decimal:
    return _rounded(read_number(value), _whole(digits, 0, MAX_DECIMALS))


@register(
    "number",
    words="A number as the reader's language writes it.",
    example="{{ 4200.5|number }} -> 4,200.50",
)
def number(value: object, digits: object = None, *, setting: Setting) -> str:
    amount = read_number(value)
    usual = 2 if amount != amount.to_integral_value() or "." in str(amount) else 0
    places = usual if digits is None else _whole(digits, 0, MAX_DECIMALS)
    pattern = "#,##0." + "0" * places
    return format_decimal(_rounded(amount, places), pattern, _locale(setting.language))


@register(
    "money",
    words="An amount as the reader's language writes it, with its currency.",
    example="{{ 4200.5|money('EUR') }} -> €4,200.50",
)
def money(value: object, currency: object = None, *, setting: Setting) -> str:
    if currency is None:
        return number(value, 2, setting=setting)
    code = _text(currency).strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise TextProblem(f"{_quoted(currency)} is not a currency.", "Write three letters, as EUR.")
    amount = _rounded(read_number(value), get_currency_precision(code))
    return format_currency(amount, code, locale=_locale(setting.language))


@register(
    "date",
    words="A date or time in your format, in the reader's language, if you say so in another zone.",
    example="{{ sent_at|date('dd/MM/yyyy HH:mm', 'America/New_York') }} -> 10/03/2026 04:00",
)
def dated(
    value: object, format: object = "medium", zone: object = None, *, setting: Setting
) -> str:
    shown_in = Setting(setting.language, _zone(zone)) if zone else setting
    moment, locale = read_moment(value, shown_in), _locale(setting.language)
    if format in ("short", "medium", "long", "full"):
        return format_date(moment, str(format), locale)
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), shown_in.timezone)
    return format_datetime(moment, _pattern(_text(format)), shown_in.timezone, locale)


@register(
    "add_days",
    words="So many days later, or earlier.",
    example="{{ invoice.due_date|add_days(5) }} -> 2026-02-05",
)
def add_days(value: object, days: object, *, setting: Setting) -> date | None:
    if days is None:
        return None
    try:
        return read_moment(value, setting) + timedelta(days=_whole(days, -40_000, 40_000))
    except OverflowError as error:
        raise TextProblem("That date is outside the calendar.") from error


@register(
    "add_months",
    words="So many months later, or earlier; the last day of a shorter month.",
    example="{{ invoice.due_date|add_months(1) }} -> 2026-02-28",
)
def add_months(value: object, months: object, *, setting: Setting) -> date | None:
    if months is None:
        return None
    moment = read_moment(value, setting)
    year, month = divmod(moment.year * 12 + moment.month - 1 + _whole(months, -1_200, 1_200), 12)
    if not 1 <= year <= 9999:
        raise TextProblem("That date is outside the calendar.")
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


@register(
    "replace_text",
    words="One piece of text replaced by another.",
    example="{{ invoice.number|replace_text('INV', 'Invoice') }} -> Invoice-1",
)
def replace_text(value: object, old: object, new: object) -> str:
    text, piece, instead = _text(value), _text(old), _text(new)
    if len(text) + text.count(piece) * len(instead) > MAX_TEXT:
        raise _too_long()
    return text.replace(piece, instead) if piece else text


@register(
    "truncate",
    words="Cut to so many letters, with a sign that it was.",
    example="{{ 'A long story'|truncate(7) }} -> A long…",
)
def truncate(value: object, length: object = 255, end: object = "…") -> str:
    text, most, sign = _text(value), _whole(length, 1, MAX_TEXT), _text(end)
    return text if len(text) <= most else text[: max(most - len(sign), 0)].rstrip() + sign


@register("striptags", words="HTML as plain text.", example="{{ invoice.note|striptags }} -> Paid")
def striptags(value: object) -> str:
    return html.unescape(nh3.clean(_markup(value), tags=set())).strip()


@register("urlencode", words="Fit for an address.", example="{{ 'a&b c'|urlencode }} -> a%26b%20c")
def urlencode(value: object) -> str:
    return Fit(quote(_text(value), safe=""), "url")


@register(
    "escape", "e",
    words="Signs that HTML gives a meaning to, made harmless; in HTML this is done anyway.",
    example="{{ 'a < b'|escape }} -> a &lt; b",
)  # fmt: skip
def escape(value: object, *, setting: Setting) -> Markup:
    return escaped(shown(value, setting))


@register(
    "link",
    words="An address as a link with your words, for HTML.",
    example="{{ 'https://pay.example/?a=1&b=2'|link('Pay') }}"
    ' -> <a href="https://pay.example/?a=1&amp;b=2">Pay</a>',
)
def link(value: object, text: object = None) -> Markup:
    address = _text(value).strip()
    if not re.fullmatch(r"(?i)(https?://|mailto:)[^\x00-\x20\\/][^\x00-\x1f\\]{0,4000}", address):
        remedy = "Give a whole address that begins with https://, http:// or mailto:."
        raise TextProblem(f"{_quoted(value)} cannot be a link.", remedy)
    safe = quote(address, safe="%/:=&?~#+!$,;'@()*[]")
    return Markup('<a href="{}">{}</a>').format(safe, address if text is None else _text(text))


@register(
    "safe_html",
    words="HTML from a field with only harmless tags left.",
    example="{{ invoice.note|safe_html }} -> <b>Paid</b>",
)
def safe_html(value: object) -> Markup:
    return Markup(nh3.clean(_markup(value), tags=set(RICH_TAGS), url_schemes=set(LINKS)))


@register(
    "json",
    words="The value as JSON, quotes included, for the body of a web call.",
    example="{{ contact.first_name|json }} -> \"Ana\"",
    takes_empty=True,
)  # fmt: skip
def json(value: object) -> str:
    return Fit(_json(value), "json")


def _json(value: object) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return f'"{value.isoformat()}"'
        case list() | tuple():
            return f"[{joined(', ', map(_json, value))}]"
        case dict():
            parts = (f"{_json(str(key))}: {_json(part)}" for key, part in value.items())
            return f"{{{joined(', ', parts)}}}"
    return json_text.dumps(value, ensure_ascii=False)


def _text(value: object) -> str:
    return str(shown(value, Setting()))


def _markup(value: object) -> str:
    text = _text(value)
    if len(text) > MAX_MARKUP:
        raise TextProblem(f"This HTML is longer than {MAX_MARKUP:,} characters.", "Shorten it.")
    return text


def _items(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise TextProblem(f"{_quoted(value)} is not a list.", "Use a field that holds several values.")


def _picked(value: object, attribute: object) -> list[object]:
    items = _items(value)
    return items if attribute is None else [within(item, _text(attribute)) for item in items]


def _order(key: object) -> Any:  # what does not compare raises TypeError, and is told
    return key.casefold() if isinstance(key, str) else key


def _quoted(value: object) -> str:
    kind = "A list" if isinstance(value, (list, tuple)) else "A record"
    return kind if isinstance(value, (list, tuple, dict)) else f"“{_text(value)[:60]}”"


def _too_long() -> TextProblem:
    return TextProblem(f"The text grows past {MAX_TEXT:,} characters.", "Print less.")


def _calculated(
    value: object, number: object, operation: Callable[[Decimal, Decimal], Decimal]
) -> Decimal | None:
    """The result, or None where the second number is an empty field."""
    if number is None:
        return None
    try:
        return _settled(operation(read_number(value), read_number(number)))
    except DecimalException as error:
        raise _too_large() from error


def _settled(result: Decimal) -> Decimal:
    if abs(result) > MAX_NUMBER:
        raise _too_large()
    exponent = result.as_tuple().exponent
    fine = isinstance(exponent, int) and exponent >= -MAX_DECIMALS
    return result + 0 if fine else _rounded(result, MAX_DECIMALS)


def _too_large() -> TextProblem:
    return TextProblem("The result is too large a number.", "Check the fields it is made of.")


def _divisor(number: Decimal) -> Decimal:
    if number:
        return number
    remedy = "Guard it with `{% if %}`, or divide by another field."
    raise TextProblem("This divides by zero.", remedy)


def _whole_times(a: Decimal, b: Decimal) -> Decimal:
    times = a // b
    return times - 1 if a % b and (a < 0) != (b < 0) else times


def _rounded(amount: Decimal, places: int) -> Decimal:
    try:
        return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0
    except DecimalException as error:
        raise _too_large() from error


def _whole(value: object, least: int, most: int) -> int:
    amount = read_number(value)
    if amount != amount.to_integral_value() or not least <= amount <= most:
        remedy = f"Give a whole number from {least:,} to {most:,}."
        raise TextProblem(f"{_quoted(value)} cannot be used here.", remedy)
    return int(amount)


@lru_cache(maxsize=256)
def _locale(language: str) -> Locale:
    """The language's customs; English for a language not known."""
    if not re.fullmatch("[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}", language):
        return Locale("en")
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(_text(name))
    except (OSError, ValueError, KeyError) as error:
        remedy = "Write it as America/New_York."
        raise TextProblem(f"{_quoted(name)} is not a time zone.", remedy) from error


_PERCENT = {
    "d": "dd", "e": "d", "m": "MM", "y": "yy", "Y": "yyyy", "B": "MMMM", "b": "MMM", "A": "EEEE",
    "a": "EEE", "H": "HH", "I": "hh", "M": "mm", "S": "ss", "p": "a", "Z": "z", "z": "Z",
    "-d": "d", "-m": "M", "-H": "H", "-I": "h",
}  # fmt: skip
_LETTERS = r"'[^']*'|y{4}|yy?|[ML]{1,4}|dd?|E{1,4}|HH?|hh?|mm?|ss?|a|z{4}|z|Z|[^A-Za-z']"


@lru_cache(maxsize=256)
def _pattern(format: str) -> str:
    """A format in either dialect, `%d/%m/%Y` or `dd/MM/yyyy`, as the second."""
    pattern = _from_percent(format) if "%" in format else format
    if len(pattern) > 100 or not re.fullmatch(f"({_LETTERS})*", pattern):
        remedy = "Write it as dd/MM/yyyy, d MMMM yyyy or HH:mm; words in it between ' and '."
        raise TextProblem(f"{_quoted(format)} is not a date format.", remedy)
    return pattern


def _from_percent(format: str) -> str:
    def piece(found: re.Match[str]) -> str:
        code, words = found["code"], found["words"]
        if words:
            return "'" + words.replace("%%", "%").replace("'", "''") + "'"
        if code not in _PERCENT:
            remedy = "Write it as %d/%m/%Y, or as dd/MM/yyyy."
            raise TextProblem(f"“%{code}” is not part of a date.", remedy)
        return _PERCENT[code]

    return re.sub(r"(?P<words>(?:[^%]|%%)+)|%(?P<code>-?.?)", piece, format[:100], flags=re.DOTALL)
