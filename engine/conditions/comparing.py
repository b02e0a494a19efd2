"""How one comparison reads: as part of a sentence, and with the value a record really has."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from engine.company.calendar import parse_moment
from engine.conditions import Binder, Compare
from engine.conditions.operators import (
    OPERATORS,
    alternatives,
    denied,
    of_several,
    opposite,
    said,
)
from engine.conditions.readings import Facts
from engine.phrases import figure, listed, mark, say, worded
from engine.problems import BadValue, Invalid
from engine.schema.fields import Field
from engine.schema.modules import Path

OPEN = ("at", "by", "for", "from", "on", "to", "until")  # "the valid until is" does not read
STAMPS = {
    "created_at": mark("time of creation"),
    "modified_at": mark("time of the last change"),
}
SINGULAR = ("ss", "us", "is")  # progress, status and analysis are no plurals


def compared(node: Compare, binder: Binder) -> str:
    """The comparison as part of a sentence: "the status is “Sent”"."""
    try:
        path = binder.schema.path(binder.module, node.field)
    except Invalid:
        comparison = predicate(label(node.op), plain(node.value))
        return say("{field} {comparison}", field=node.field, comparison=comparison)
    told = say("{field} {comparison}", field=called(path), comparison=_relation(node, path, binder))
    if _of_any_year(path.field, node):
        return say("{comparison} (day and month, whatever the year)", comparison=told)
    return say("{comparison} (capital letters as here)", comparison=told) if node.exact else told


def _of_any_year(field: Field, node: Compare) -> bool:
    """Whether the year makes no difference: a birthday, compared with days."""
    if not field.yearly:
        return False
    if node.op == "between" and isinstance(node.value, list):
        return all(isinstance(raw, str) and parse_moment(raw) for raw in node.value)
    return node.op in ("equals", "not_equals", "in", "not_in")


def found(node: Compare, path: Path, binder: Binder, facts: Facts, true_of: bool) -> str:
    """The comparison with the real value in it: "status “Draft” is not equal to “Sent”"."""
    title, field = _titled(path), path.field
    of_value = node.op not in ("is_empty", "is_not_empty")
    if of_value and (missing := _missing(path, facts)):
        return say("{field}: there is no {other}", field=title, other=missing)
    value = facts.value(path)
    have = shown(field, value, binder)
    if field.kind == "bool" and node.op in ("equals", "not_equals") and _plain(node.value):
        return say("{field} is {value}", field=title, value=have)
    other = opposite(node.op) if field.kind == "list" else None
    if other:
        stated = node if true_of else node.model_copy(update={"op": other})
        subject = say("{field} ({value})", field=title, value=have) if of_value else title
        comparison = _relation(stated, path, binder)
        return say("{field} {comparison}", field=subject, comparison=comparison)
    if value is None and of_value and not true_of and not OPERATORS[node.op].of_change:
        return say("{field} is empty", field=title)
    told = of_value or value is not None
    subject = say("{field} {value}", field=title, value=have) if told else title
    verb = label(node.op, field) if true_of else denied(node.op, of_dates=_dated(field))
    wanted = _words(node, path, binder, facts)
    if len(wanted) == 1 and node.op in ("in", "not_in"):
        verb = verb.replace("one of", "equal to").replace("none of", "not equal to")
    last = "and" if OPERATORS[node.op].takes == "range" else "or"
    comparison = predicate(verb, listed(wanted, last))
    return say("{field} {comparison}", field=subject, comparison=comparison)


def predicate(verb: str, values: str) -> str:
    """A comparison with what it compares with, if with anything: "is at least 3"."""
    told = worded(verb)
    return say("{comparison} {values}", comparison=told, values=values) if values else told


def shown(field: Field, value: Any, binder: Binder) -> str:
    """A field's value as a person in the company reads it."""
    if isinstance(value, datetime):
        return plain(value.astimezone(binder.calendar.timezone))
    if field.type == "reference" and isinstance(value, int):
        return plain(binder.called(binder.schema.module(field.module or ""), value))
    return plain(value)


def plain(value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return say("empty")
        case bool():
            return say("yes") if value else say("no")
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case Decimal():
            return figure(value)
        case list() | tuple():
            return listed([plain(item) for item in value]) or say("empty")
        case str():
            return say("“{text}”", text=value)
    return str(value)


def plain_number(value: JsonValue) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return figure(value)
    return plain(value)


def label(op: str, field: Field | None = None) -> str:
    """The words of an operator, as they are said of such a field."""
    return said(op, of_dates=field is not None and _dated(field))


def _dated(field: Field) -> bool:
    return field.kind in ("date", "datetime")


def _plain(value: JsonValue) -> bool:
    return not isinstance(value, (dict, list))


def _missing(path: Path, facts: Facts) -> str:
    """The first reference of the path that leads nowhere."""
    for end, hop in enumerate(path.hops, 1):
        last = Path(path.module, path.hops[:end], hop.module.field("id"))
        if not facts.reached(last):
            return Path(path.module, path.hops[: end - 1], hop.field).title
    return ""


def called(path: Path) -> str:
    """What a sentence calls a field; what Sayso stamps by itself has no noun for a label."""
    if path.field.builtin and path.field.name in STAMPS:
        return say("the {field}", field=path.called(worded(STAMPS[path.field.name])))
    quoted = _titled(path) != path.title and not path.hops
    return _titled(path) if quoted else say("the {field}", field=_titled(path))


def _titled(path: Path) -> str:
    """The name of a field, quoted where it is no noun: “In dispute”, “Valid until”."""
    title = path.field.title
    if path.field.kind == "bool" or title.lower().split(" ")[-1] in OPEN:
        return path.called(say("“{text}”", text=title))
    return path.title


def _plural(field: Field) -> bool:
    """Whether one says "are" of it: the tags, the days due."""
    first = field.title.split(" ")[0].lower()
    counted = field.kind == "number" and first.endswith("s") and not first.endswith(SINGULAR)
    return field.kind == "list" or counted


def _relation(node: Compare, path: Path, binder: Binder) -> str:
    """How a field is compared, and with what: "is “Sent”", "is 7 days ago or earlier"."""
    words = _words(node, path, binder, None)
    if path.field.kind == "list":
        return _held(node.op, words)
    if _dated(path.field) and (in_time := _in_time(node, words)):
        return in_time
    verb = _verb(node.op, path.field, len(words))
    return predicate(of_several(verb) if _plural(path.field) else verb, _together(node.op, words))


def _verb(op: str, field: Field, few: int) -> str:
    """What stands before that with which a field is compared."""
    match op:
        case "equals" | "in":
            return mark("is")
        case "not_equals":
            return mark("is not")
        case "not_in" if few < 3:
            return mark("is not") if few == 1 else mark("is neither")
        case "contains_any":
            return mark("contains")
        case "contains_none" if few < 3:
            return mark("does not contain") if few == 1 else mark("contains neither")
    return label(op, field)


def _together(op: str, words: Sequence[str]) -> str:
    """What a field is compared with, in one."""
    takes = OPERATORS[op].takes if op in OPERATORS else "value"
    neither = op in ("not_in", "contains_none") and len(words) == 2
    return listed(words, "and" if takes == "range" else "nor" if neither else "or")


def _held(op: str, words: Sequence[str]) -> str:
    """How a list is compared, which is plural: "include “VIP” and “Gold”"."""
    few, either = len(words), listed(words, "or")
    match op:
        case "contains":
            return say("include {values}", values=listed(words))
        case "not_contains":
            most = {1: mark("do not include {values}"), 2: mark("do not include both {values}")}
            told = most.get(few, mark("do not include all of {values}"))
            return say(told, values=listed(words))
        case "in":
            return say("include {values}", values=either)
        case "not_in" if few == 2:
            return say("include neither {values}", values=listed(words, "nor"))
        case "not_in":
            told = mark("do not include {values}") if few == 1 else mark("include none of {values}")
            return say(told, values=either)
    return predicate(of_several(label(op)), either)


IN_TIME = {
    "at_most": mark("is {moment} or earlier"),
    "at_least": mark("is {moment} or later"),
    "less_than": mark("is earlier than {moment}"),
    "greater_than": mark("is later than {moment}"),
}


def _in_time(node: Compare, words: Sequence[str]) -> str:
    """What is said of a moment that is told from today or now: "is 7 days ago or earlier"."""
    moments = [parse_moment(item) for item in _items(node) if isinstance(item, str)]
    if node.op == "between" and len(words) == 2:
        first, last = map(_from_now, _items(node), words)
        return say("is between {first} and {last}", first=first, last=last)
    if len(moments) != 1 or not (moment := moments[0]):
        return ""
    if node.op not in IN_TIME or (not moment.offset and moment.word != "now"):
        return ""
    return say(IN_TIME[node.op], moment=moment.from_now())


def _from_now(item: JsonValue, words: str) -> str:
    """One end of a range: "7 days from now", as "in 7 days" would not read."""
    moment = parse_moment(item) if isinstance(item, str) else None
    return moment.from_now() if moment else words


def _items(node: Compare) -> list[JsonValue]:
    """The values that a comparison names, one or several."""
    takes = OPERATORS[node.op].takes if node.op in OPERATORS else "value"
    if takes == "nothing":
        return []
    if isinstance(node.value, str) and takes == "list":
        return list(alternatives(node.value))
    return node.value if isinstance(node.value, list) else [node.value]


def _words(node: Compare, path: Path, binder: Binder, facts: Facts | None) -> list[str]:
    """What a field is compared with; for one record also what a day or another field means."""
    operator = OPERATORS.get(node.op)
    held = operator.other_side(path.field) if operator else path.field
    return [word(item, held, binder, facts) for item in _items(node)]


def word(value: JsonValue, field: Field, binder: Binder, facts: Facts | None) -> str:
    """One value that a field is compared with."""
    if isinstance(value, dict):
        return _elsewhere(value, binder, facts)
    if field.kind in ("date", "datetime") and isinstance(value, str):
        return _day(value, field, binder, resolved=facts is not None)
    if field.type == "reference" and str(value).isdecimal():
        return shown(field, int(str(value)), binder)
    if field.kind == "bool" and isinstance(value, str):
        with suppress(BadValue):
            return plain(field.parse(value, binder.calendar.timezone))
    return plain_number(value) if field.kind == "number" else plain(value)


def _day(word: str, field: Field, binder: Binder, *, resolved: bool) -> str:
    """A day or moment in words; `resolved` adds which one that is now."""
    moment = parse_moment(word)
    if not moment:
        return word
    if not resolved:
        return moment.words()
    when = moment.resolve(binder.now, binder.calendar)
    if field.kind == "date" and isinstance(when, datetime):
        when = binder.calendar.today(when)
    return say("{moment} ({date})", moment=moment.from_now(), date=shown(field, when, binder))


def _elsewhere(value: dict[str, JsonValue], binder: Binder, facts: Facts | None) -> str:
    key, name = next(iter(value.items()), ("field", ""))
    try:
        path = binder.schema.path(binder.module, str(name))
    except Invalid:
        return str(name)
    if key == "old":
        return say("the old {field}", field=_titled(path))
    if facts is None:
        return called(path)
    have = shown(path.field, facts.value(path), binder)
    return say("{field} ({value})", field=called(path), value=have)
