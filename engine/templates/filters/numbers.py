"""Filters that write numbers as the language of the text does."""

import re

from babel.numbers import format_currency, format_decimal, get_currency_precision

from engine.phrases import mark
from engine.templates.filters.formats import locale
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    MAX_DECIMALS,
    Setting,
    TextProblem,
    plain_text,
    quoted,
    read_number,
    read_whole,
    rounded_to,
)


@register(
    "number",
    reads=mark("{value} as a number[ with {digits} decimals]"),
    words="A number as the language of the text writes it.",
    example="{{ 4200.5|number }} -> 4,200.50",
)
def number(value: object, digits: object = None, *, setting: Setting) -> str:
    amount = read_number(value)
    usual = 2 if amount != amount.to_integral_value() or "." in str(amount) else 0
    places = usual if digits is None else read_whole(digits, 0, MAX_DECIMALS)
    pattern = "#,##0." + "0" * places
    return format_decimal(rounded_to(amount, places), pattern, locale(setting.language))


@register(
    "money",
    reads=mark("{value} as money[ in {currency}]"),
    words="An amount as the language of the text writes it, with its currency.",
    example="{{ 4200.5|money('EUR') }} -> €4,200.50",
)
def money(value: object, currency: object = None, *, setting: Setting) -> str:
    if currency is None:
        return number(value, 2, setting=setting)
    code = plain_text(currency).strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise TextProblem(f"{quoted(currency)} is not a currency.", "Write three letters, as EUR.")
    amount = rounded_to(read_number(value), get_currency_precision(code))
    return format_currency(amount, code, locale=locale(setting.language))


@register(
    "percent",
    reads=mark("{value} as a percentage[ with {digits} decimals]"),
    words="A share as a percentage, as the language of the text writes it.",
    example="{{ 0.125|percent(1) }} -> 12.5%",
)
def percent(value: object, digits: object = 0, *, setting: Setting) -> str:
    places = read_whole(digits, 0, MAX_DECIMALS)
    pattern = "#,##0." + "0" * places + _percent_sign(setting.language)
    share = rounded_to(read_number(value), places + 2)
    return format_decimal(share, pattern, locale(setting.language))


def _percent_sign(language: str) -> str:
    """The sign, and the blank that some languages put before it."""
    return str(locale(language).percent_formats[None].pattern).rpartition("0")[2] or "%"
