"""Filters for addresses, HTML and JSON: what makes a value fit to stand in one of them."""

import json as json_text
import re
from datetime import date, datetime, time
from decimal import Decimal
from urllib.parse import quote, urlencode

import nh3
from markupsafe import Markup
from markupsafe import escape as escaped

from engine.phrases import mark
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    Fit,
    Setting,
    TextProblem,
    joined,
    markup,
    plain_text,
    quoted,
    shown,
)

RICH_TAGS = frozenset(
    {"a", "b", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p"}
    | {"pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)
LINKS = frozenset({"http", "https", "mailto"})
ADDRESS = re.compile(r"(?i)(https?://|mailto:)[^\x00-\x20\\/][^\x00-\x1f\\]{0,4000}")


@register(
    "urlencode",
    reads=mark("{value} made fit for an address"),
    words="Fit for an address.",
    example="{{ 'a&b c'|urlencode }} -> a%26b%20c",
)
def urlencoded(value: object) -> str:
    return Fit(quote(plain_text(value), safe=""), "url")


@register(
    "escape", "e",
    reads=mark("{value} made harmless for HTML"),
    words="Signs that HTML gives a meaning to, made harmless; in HTML this is done anyway.",
    example="{{ 'a < b'|escape }} -> a &lt; b",
)  # fmt: skip
def escape(value: object, *, setting: Setting) -> Markup:
    return escaped(shown(value, setting))


@register(
    "link",
    reads=mark("a link to {value}[ that reads {text}]"),
    words="An address as a link with your words; what you name besides is added to the address, "
    "made fit for it. In plain text, the words and the address.",
    example="{{ 'https://pay.example/'|link('Pay', for='A & B') }}"
    ' -> <a href="https://pay.example/?for=A%20%26%20B">Pay</a>',
    form="html",
)
def link(value: object, text: object = None, *, setting: Setting, **parameters: object) -> str:
    address = plain_text(value).strip()
    if not ADDRESS.fullmatch(address):
        remedy = "Give a whole address that begins with https://, http:// or mailto:."
        raise TextProblem(f"{quoted(value)} cannot be a link.", remedy)
    safe = quote(address, safe="%/:=&?~#+!$,;'@()*[]") + _query(address, parameters)
    words = safe if text is None else plain_text(text)
    if setting.form == "html":
        return Markup('<a href="{}">{}</a>').format(safe, address if text is None else words)
    return safe if words == safe else f"{words}: {safe}"


def _query(address: str, parameters: dict[str, object]) -> str:
    if not parameters:
        return ""
    given = {name: plain_text(value) for name, value in parameters.items() if value is not None}
    return ("&" if "?" in address else "?") + urlencode(given, quote_via=quote, safe="")


@register(
    "safe_html",
    reads=mark("{value} with harmless HTML alone"),
    words="HTML from a field with only harmless tags left.",
    example="{{ invoice.note|safe_html }} -> <b>Paid</b>",
    form="html",
)
def safe_html(value: object) -> Markup:
    return Markup(nh3.clean(markup(value), tags=set(RICH_TAGS), url_schemes=set(LINKS)))


@register(
    "json",
    reads=mark("{value} as JSON"),
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
