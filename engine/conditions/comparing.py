"""How one comparison reads: as part of a sentence, and with the value a record really has."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from engine.company.calendar import parse_moment
from engine.conditions import Binder, Compare
from engine.conditions.operators import OPERATORS, alternatives, denied, opposite, said
from engine.conditions.readings import Facts
from engine.problems import BadValue, Invalid
from engine.schema.english import listed
from engine.schema.fields import Field
from engine.schema.modules import Path

OPEN = ("at", "by", "for", "from", "on", "to", "until")  # "the valid until is" does not read
SINGULAR = ("ss", "us", "is")  # progress, status and analysis are no plurals


def compared(node: Compare, binder: Binder) -> str:
    """The comparison as part of a sentence: "the status is “Sent”"."""
    try:
        path = binder.schema.path(binder.module, node.field)
    except Invalid:
        return joined(node.field, label(node.op), plain(node.value))
    return joined(_called(path), _relation(node, path, binder))


def found(node: Compare, path: Path, binder: Binder, facts: Facts, true_of: bool) -> str:
    """The comparison with the real value in it: "status “Draft” is not equal to “Sent”"."""
    title, field = _titled(path), path.field
    of_value = node.op not in ("is_empty", "is_not_empty")
    if of_value and (missing := _missing(path, facts)):
        return f"{title}: there is no {missing}"
    value = facts.value(path)
    have = shown(field, value, binder)
    if field.kind == "bool" and node.op in ("equals", "not_equals") and _plain(node.value):
        return f"{title} is {have}"
    other = opposite(node.op) if field.kind == "list" else None
    if other:
        stated = node if true_of else node.model_copy(update={"op": other})
        told = f"({have})" if of_value else ""
        return joined(title, told, _relation(stated, path, binder))
    if value is None and of_value and not true_of and not OPERATORS[node.op].of_change:
        return f"{title} is empty"
    told = have if of_value or value is not None else ""
    verb = label(node.op, field) if true_of else denied(node.op, of_dates=_dated(field))
    wanted = _words(node, path, binder, facts)
    if len(wanted) == 1 and node.op in ("in", "not_in"):
        verb = verb.replace("one of", "equal to").replace("none of", "not equal to")
    last = "and" if OPERATORS[node.op].takes == "range" else "or"
    return joined(title, told, verb, listed(wanted, last))


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
            return "empty"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:,}"
        case list() | tuple():
            return listed([plain(item) for item in value]) or "empty"
        case str():
            return f"“{value}”"
    return str(value)


def plain_number(value: JsonValue) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:,}" if number else plain(value)


def label(op: str, field: Field | None = None) -> str:
    """The words of an operator, as they are said of such a field."""
    return said(op, of_dates=field is not None and _dated(field))


def _dated(field: Field) -> bool:
    return field.kind in ("date", "datetime")


def joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _plain(value: JsonValue) -> bool:
    return not isinstance(value, (dict, list))


def _missing(path: Path, facts: Facts) -> str:
    """The first reference of the path that leads nowhere."""
    for end, hop in enumerate(path.hops, 1):
        last = Path(path.module, path.hops[:end], hop.module.field("id"))
        if not facts.reached(last):
            return Path(path.module, path.hops[: end - 1], hop.field).title
    return ""


def _called(path: Path) -> str:
    """What a sentence calls a field; what Sayso stamps by itself has no noun for a label."""
    stamps = {"created_at": "time of creation", "modified_at": "time of the last change"}
    if path.field.builtin and path.field.name in stamps:
        return f"the {_whose(path)}{stamps[path.field.name]}"
    quoted = _titled(path) != path.title and not path.hops
    return _titled(path) if quoted else f"the {_titled(path)}"


def _titled(path: Path) -> str:
    """The name of a field, quoted where it is no noun: “In dispute”, “Valid until”."""
    title = path.field.title
    if path.field.kind == "bool" or title.lower().split(" ")[-1] in OPEN:
        return f"{_whose(path)}“{title}”"
    return path.title


def _whose(path: Path) -> str:
    return path.title.removesuffix(path.field.title.lower())


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
    told = joined(_verb(node.op, path.field, len(words)), _together(node.op, words))
    return _as_plural(told) if _plural(path.field) else told


def _verb(op: str, field: Field, few: int) -> str:
    """What stands before that with which a field is compared."""
    match op:
        case "equals" | "in":
            return "is"
        case "not_equals":
            return "is not"
        case "not_in" if few < 3:
            return "is not" if few == 1 else "is neither"
        case "contains_any":
            return "contains"
        case "contains_none" if few < 3:
            return "does not contain" if few == 1 else "contains neither"
    return label(op, field)


def _together(op: str, words: Sequence[str]) -> str:
    """What a field is compared with, in one."""
    takes = OPERATORS[op].takes if op in OPERATORS else "value"
    neither = op in ("not_in", "contains_none") and len(words) == 2
    return listed(words, "and" if takes == "range" else "nor" if neither else "or")


def _as_plural(told: str) -> str:
    first, _, rest = told.partition(" ")
    return joined({"is": "are", "has": "have", "becomes": "become"}.get(first, first), rest)


def _held(op: str, words: Sequence[str]) -> str:
    """How a list is compared, which is plural: "include “VIP” and “Gold”"."""
    few = len(words)
    match op:
        case "contains":
            return f"include {listed(words)}"
        case "not_contains":
            most = {1: "", 2: "both"}.get(few, "all of")
            return joined("do not include", most, listed(words))
        case "in":
            return f"include {listed(words, 'or')}"
        case "not_in":
            most = {1: "do not include", 2: "include neither"}.get(few, "include none of")
            return f"{most} {listed(words, 'nor' if few == 2 else 'or')}"
    return _as_plural(joined(label(op), listed(words, "or")))


def _in_time(node: Compare, words: Sequence[str]) -> str:
    """What is said of a moment that is told from today or now: "is 7 days ago or earlier"."""
    moments = [parse_moment(item) for item in _items(node) if isinstance(item, str)]
    if node.op == "between" and len(words) == 2:
        return f"is between {_from_now(words[0])} and {_from_now(words[1])}"
    if len(moments) != 1 or not (moment := moments[0]):
        return ""
    if not moment.offset and moment.word != "now":
        return ""
    when = _from_now(words[0])
    match node.op:
        case "at_most":
            return f"is {when} or earlier"
        case "at_least":
            return f"is {when} or later"
        case "less_than":
            return f"is earlier than {when}"
        case "greater_than":
            return f"is later than {when}"
    return ""


def _from_now(words: str) -> str:
    """A moment where "in 7 days" would not read: "7 days from now"."""
    if not words.startswith("in "):
        return words
    length, at_this_time, rest = words.removeprefix("in ").partition(" at this time")
    length, bracket, day = length.partition(" (")
    return f"{length} from now{at_this_time}{bracket}{day}{rest}"


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
    return f"{_from_now(moment.words())} ({shown(field, when, binder)})"


def _elsewhere(value: dict[str, JsonValue], binder: Binder, facts: Facts | None) -> str:
    key, name = next(iter(value.items()), ("field", ""))
    try:
        path = binder.schema.path(binder.module, str(name))
    except Invalid:
        return str(name)
    if key == "old":
        return f"the old {_titled(path)}"
    told = f" ({shown(path.field, facts.value(path), binder)})" if facts else ""
    return f"{_called(path)}{told}"
