"""Filters for lists: their items chosen, put in order, counted and taken together."""

from collections.abc import Iterator
from datetime import date, datetime

from engine.phrases import mark
from engine.templates.filters.maths import total
from engine.templates.filters.numbers import money, number
from engine.templates.filters.registry import register
from engine.templates.filters.values import (
    Named,
    Setting,
    TextProblem,
    joined,
    ordered,
    picked,
    plain_text,
    read_items,
    read_moment,
    read_whole,
    shown,
    within,
)


@register(
    "length",
    reads=mark("the length of {value}"),
    words="How many items or letters.",
    example="{{ invoices|length }} -> 2",
)
def length(value: object) -> int:
    return len(value) if isinstance(value, (list, dict)) else len(plain_text(value))


@register(
    "join",
    reads=mark("[{attribute} of ]{value} joined[ by {separator}]"),
    words="The items of a list as one text.",
    example="{{ invoices|join(' and ', 'number') }} -> INV-2 and INV-1",
)
def join(
    value: object, separator: object = ", ", attribute: object = None, *, setting: Setting
) -> str:
    parts = (shown(item, setting) for item in picked(value, attribute))
    return joined(plain_text(separator), parts)


@register(
    "first",
    reads=mark("the first of {value}"),
    words="The first item of a list.",
    example="{{ ['a', 'b']|first }} -> a",
)
def first(value: object) -> object:
    return next(iter(read_items(value)), None)


@register(
    "last",
    reads=mark("the last of {value}"),
    words="The last item of a list.",
    example="{{ ['a', 'b']|last }} -> b",
)
def last(value: object) -> object:
    return next(iter(read_items(value)[-1:]), None)


@register(
    "sort",
    reads=mark("{value} sorted[ by {attribute}][, the last first: {reverse}]"),
    words="A list in order, by one of the items' fields; empty ones last.",
    example="{{ invoices|sort('number')|join(', ', 'number') }} -> INV-1, INV-2",
)
def sort(value: object, attribute: object = None, reverse: bool = False) -> list[object]:
    keyed = list(zip(map(ordered, picked(value, attribute)), read_items(value), strict=True))
    filled = [pair for pair in keyed if pair[0] is not None]
    try:
        filled.sort(key=lambda pair: pair[0], reverse=bool(reverse))
    except TypeError as error:
        remedy = "Sort by a field: `|sort('due_date')`."
        raise TextProblem("These items cannot be put in order.", remedy) from error
    return [item for _, item in filled] + [item for key, item in keyed if key is None]


@register(
    "where",
    reads=mark("those of {value} with {attribute}[ {equal}]"),
    words="The items of a list in which a field has this value.",
    example="{{ invoices|where('currency', 'EUR')|sum('balance')|money('EUR') }} -> €100.00",
)
def where(value: object, attribute: object, equal: object) -> list[object]:
    pairs = zip(read_items(value), picked(value, attribute), strict=True)
    return [item for item, have in pairs if have == equal]


@register(
    "overdue",
    reads=mark("those of {value} that are overdue[ by {days} days]"),
    words="Of a list of invoices, those past due by so many days or more; of a customer, what is "
    "left to pay on them.",
    example="{{ invoices|overdue(45)|join(', ', 'number') }} -> INV-1",
)
def overdue(value: object, days: object = 1, *, setting: Setting) -> object:
    late = read_whole(days, 0, 36_500)
    if isinstance(value, dict):
        return total(list(_late(value.get("invoices"), late, setting)), "balance")
    return list(_late(value, late, setting))


def _late(value: object, days: int, setting: Setting) -> Iterator[object]:
    today = setting.moment.date()
    for item in read_items(value):
        due = within(item, "due_date")
        if due is not None and (today - _day(due, setting)).days >= days:
            yield item


def _day(value: object, setting: Setting) -> date:
    moment = read_moment(value, setting)
    return moment.date() if isinstance(moment, datetime) else moment


@register(
    "totals",
    reads=mark("the totals of [{attribute} of ]{value}[ by {by}]"),
    words="The sums of a field, apart for each currency (or each value of another field); each "
    "has `name`, `sum` and `count`.",
    example="{{ invoices|totals('balance') }} -> €100.00, $40.00",
)
def totals(
    value: object, attribute: object, by: object = "currency", *, setting: Setting
) -> list[object]:
    groups: dict[str, list[object]] = {}
    for item, name in zip(read_items(value), picked(value, by), strict=True):
        groups.setdefault(shown(name, setting), []).append(item)
    field = plain_text(attribute)
    return [_total(name, items, field, by == "currency", setting) for name, items in groups.items()]


def _total(name: str, items: list[object], field: str, money_of: bool, setting: Setting) -> Named:
    added = total([{"of": within(item, field)} for item in items], "of")
    if money_of and name:
        told = money(added, name, setting=setting)
    else:
        told = f"{name}: {number(added, setting=setting)}"
    return Named(name, told, {"name": name, "sum": added, "count": len(items)})
