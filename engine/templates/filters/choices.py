"""Filters that choose: another value for an empty field, the first filled, one of two."""

from engine.phrases import mark
from engine.templates.filters.registry import register


@register(
    "default", "d",
    reads=mark("{value}, or {instead} where it is empty"),
    words="Gives another value where the field is empty.",
    example="{{ contact.nickname|default('friend') }} -> friend",
    takes_empty=True,
)  # fmt: skip
def default(value: object, instead: object = "", boolean: bool = False) -> object:
    return instead if value is None or value == "" or (boolean and not value) else value


@register(
    "coalesce",
    reads=mark("the first that is filled of {value}[ and {others}]"),
    words="The first of several values that is filled.",
    example="{{ contact.nickname|coalesce(contact.first_name, 'friend') }} -> Ana",
    takes_empty=True,
)
def coalesce(value: object, *others: object) -> object:
    return next((each for each in (value, *others) if each not in (None, "")), None)


@register(
    "if_else",
    reads=mark("{then} if {value}[, otherwise {otherwise}]"),
    words="One value if something is so, another if not; also `'a' if this else 'b'`.",
    example="{{ (invoice.number == 'INV-1')|if_else('the first', 'another') }} -> the first",
    takes_empty=True,
)
def if_else(value: object, then: object, otherwise: object = "") -> object:
    return then if value else otherwise
