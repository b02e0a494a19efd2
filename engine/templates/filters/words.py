"""Filters for words: capitals, blanks, pieces of text."""

import re

import nh3

from engine.phrases import mark
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    MAX_TEXT,
    Setting,
    joined,
    markup,
    plain_text,
    read_whole,
    shown,
    too_long,
    unescaped,
)


@register(
    "upper",
    reads=mark("{value} in capitals"),
    words="All in capitals.",
    example="{{ contact.first_name|upper }} -> ANA",
)
def upper(value: object) -> str:
    return plain_text(value).upper()


@register(
    "lower",
    reads=mark("{value} in small letters"),
    words="All in small letters.",
    example="{{ contact.first_name|lower }} -> ana",
)
def lower(value: object) -> str:
    return plain_text(value).lower()


@register(
    "title",
    reads=mark("{value} with capitals"),
    words="Each word with a capital.",
    example="{{ 'jo o\\'neil'|title }} -> Jo O'neil",
)
def title(value: object) -> str:
    return "".join(map(capitalize, re.split(r"([-\s({\[<]+)", plain_text(value))))


@register(
    "capitalize",
    reads=mark("{value} with a capital first"),
    words="The first letter a capital.",
    example="{{ 'aNA'|capitalize }} -> Ana",
)
def capitalize(value: object) -> str:
    text = plain_text(value)
    return text[:1].upper() + text[1:].lower()


@register(
    "trim",
    reads=mark("{value} without blanks around it"),
    words="Without blanks at both ends.",
    example="{{ '  Ana '|trim }} -> Ana",
)
def trim(value: object) -> str:
    return plain_text(value).strip()


@register(
    "concat",
    reads=mark("{value}[ followed by {others}]"),
    words="Several texts as one; empty ones are left out. Also `a ~ b`.",
    example="{{ contact.first_name|concat(' ', contact.last_name) }} -> Ana Lopez",
    takes_empty=True,
)
def concat(value: object, *others: object, setting: Setting) -> str:
    return joined("", (shown(part, setting) for part in (value, *others)))


@register(
    "replace_text",
    reads=mark("{value} with {new} in place of {old}"),
    words="One piece of text replaced by another.",
    example="{{ invoice.number|replace_text('INV', 'Invoice') }} -> Invoice-1",
)
def replace_text(value: object, old: object, new: object) -> str:
    text, piece, instead = plain_text(value), plain_text(old), plain_text(new)
    if len(text) + text.count(piece) * len(instead) > MAX_TEXT:
        raise too_long()
    return text.replace(piece, instead) if piece else text


@register(
    "truncate",
    reads=mark("{value} cut to {length} letters[ and {end}]"),
    words="Cut to so many letters, with a sign that it was.",
    example="{{ 'A long story'|truncate(7) }} -> A long…",
)
def truncate(value: object, length: object = 255, end: object = "…") -> str:
    text, most, sign = plain_text(value), read_whole(length, 1, MAX_TEXT), plain_text(end)
    return text if len(text) <= most else text[: max(most - len(sign), 0)].rstrip() + sign


@register(
    "striptags",
    reads=mark("{value} without its HTML"),
    words="HTML as plain text.",
    example="{{ invoice.note|striptags }} -> Paid",
)
def striptags(value: object) -> str:
    return unescaped(nh3.clean(markup(value), tags=set())).strip()
