"""Filters that lay out the items of a list: as a table or a list, for HTML and for plain text."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from markupsafe import Markup

from engine.phrases import mark
from engine.templates.filters.formats import locale
from engine.templates.filters.headings import heading, headings
from engine.templates.filters.numbers import money, number
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    MAX_TEXT,
    Row,
    Setting,
    joined,
    plain_text,
    read_items,
    read_moment,
    shown,
    too_long,
    within,
)

CELL = "padding:4px 12px 4px 0"
MAX_ROWS = 1_000


@register(
    "heading",
    reads=mark("the heading for {value}"),
    words="Our word for a field of an invoice, in the language of the text.",
    example="{{ 'balance'|heading }} -> Left to pay",
)
def headed(value: object, *, setting: Setting) -> str:
    return heading(plain_text(value), setting.language)


@register(
    "table",
    reads=mark("a table of {value}[ with {columns}]"),
    words="A list as a table of the fields you name, each if you like with a heading of yours: "
    "an HTML table in HTML, columns in plain text. Its number is headed with what one record is "
    "called, any other field with its title.",
    example="{{ []|table('number', 'due_date', 'balance=To pay') }} -> Number  Due date  To pay",
)
def table(value: object, *columns: object, setting: Setting) -> str:
    items = read_items(value)[:MAX_ROWS]
    named = [plain_text(column).partition("=") for column in columns]
    fields = [field.strip() for field, _, _ in named]
    heads = [
        words.strip() or _heading(field, items, setting)
        for field, (_, _, words) in zip(fields, named, strict=True)
    ]
    rows = [[cell(item, field, setting) for field in fields] for item in items]
    right = [_numeric(items, field) for field in fields]
    return _html(heads, rows, right) if setting.form == "html" else _text(heads, rows, right)


@register(
    "listed",
    reads=mark("a list of {value}[ with {fields}]"),
    words="A list as lines, each with the fields you name: `<li>` in HTML, a dash in plain text.",
    example="{{ invoices|where('currency', 'EUR')|listed('number', 'balance') }}"
    " -> - INV-2, €100.00",
)
def listed(value: object, *fields: object, setting: Setting) -> str:
    names = [plain_text(field) for field in fields]
    items = read_items(value)[:MAX_ROWS]
    lines = [
        [told for name in names if (told := cell(item, name, setting))]
        if names
        else [shown(item, setting)]
        for item in items
    ]
    if setting.form != "html":
        return joined("\n", (f"- {', '.join(line)}" for line in lines))
    points = (str(Markup("<li>{}</li>").format(", ".join(line))) for line in lines)
    return Markup("<ul>{}</ul>").format(Markup(joined("", points)))


def cell(item: object, field: str, setting: Setting) -> str:
    """One value as a reader wants it: dates and amounts as its language writes them."""
    value = within(item, field)
    match value:
        case Decimal() if currency := within(item, "currency"):
            return money(value, currency, setting=setting)
        case Decimal():
            return number(value, setting=setting)
        case date():
            return format_date(read_moment(value, setting), "medium", locale(setting.language))
    return shown(value, setting)


def _heading(field: str, items: Sequence[object], setting: Setting) -> str:
    """What heads a field: as its module calls it, where the items are records of one."""
    above, _, name = field.rpartition(".")
    homes = (within(item, above) if above else item for item in items)
    module = next((home.module for home in homes if isinstance(home, Row) and home.module), None)
    return heading(name, setting.language, headings(module) if module else {})


def _numeric(items: Sequence[object], field: str) -> bool:
    values = [value for item in items if (value := within(item, field)) is not None]
    return bool(values) and all(isinstance(value, (int, Decimal)) for value in values)


def _html(heads: list[str], rows: list[list[str]], right: list[bool]) -> Markup:
    def row(tag: str, cells: list[str]) -> str:
        filled = Markup("").join(
            Markup('<{0} align="{1}" style="{2}">{3}</{0}>').format(
                Markup(tag),
                "right" if numeric else "left",
                CELL,
                text,
            )
            for text, numeric in zip(cells, right, strict=True)
        )
        return f"<tr>{filled}</tr>"

    body = joined("", (row("td", cells) for cells in rows))
    return Markup(f"<table><thead>{row('th', heads)}</thead><tbody>{body}</tbody></table>")


def _text(heads: list[str], rows: list[list[str]], right: list[bool]) -> str:
    lines = [heads, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    if sum(widths) * len(lines) > MAX_TEXT:
        raise too_long()
    told = (
        "  ".join(
            text.rjust(width) if numeric else text.ljust(width)
            for text, width, numeric in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )
    return joined("\n", told)
