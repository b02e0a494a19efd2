"""The third reading of a condition: as a sentence, and for one record with what it really has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from engine.calendar import parse_moment
from engine.conditions import (
    AllOf,
    AnyOf,
    Binder,
    Compare,
    Condition,
    NotOf,
    Related,
    bind,
)
from engine.conditions.operators import DATE_LABELS, OPERATORS, alternatives
from engine.conditions.readings import Facts, holds
from engine.conditions.relations import relation
from engine.fields import Field
from engine.modules import Path
from engine.problems import Invalid

NOT = {
    "is": "is not",
    "begins": "does not begin",
    "ends": "does not end",
    "contains": "does not contain",
    "becomes": "does not become",
    "has": "has not",
    "include": "do not include",
}
NUMBER = Field(name="number", type="decimal")


@dataclass(frozen=True)
class Reason:
    """Why a condition holds of a record or not.

    The sentence, the value the record really has, and the reasons inside.
    """

    words: str
    holds: bool
    have: str = ""
    parts: tuple["Reason", ...] = ()

    @property
    def said(self) -> str:
        """One sentence: "due date 2026-03-17 is not before today (2026-03-10)"."""
        decisive = [part for part in self.parts if part.holds == self.holds] or self.parts
        return "; ".join(part.said for part in decisive) or self.words


def describe(condition: Condition, binder: Binder) -> str:
    """The condition as part of a sentence; "always" where there is none."""
    match condition:
        case AllOf(all=parts):
            return _listed("and", [_bracketed(part, binder) for part in parts]) or "always"
        case AnyOf(any=parts):
            return _listed("or", [_bracketed(part, binder) for part in parts]) or "never"
        case NotOf(part=part):
            return f"not ({describe(part, binder)})"
        case Related():
            return _related(condition, binder)
        case Compare():
            return _compare(condition, binder)


def reasons(condition: Condition, binder: Binder, facts: Facts) -> Reason:
    """The condition, part by part, with what this record really has. It must be sound."""
    words = describe(condition, binder)
    match condition:
        case AllOf(all=parts):
            inside = tuple(reasons(part, binder, facts) for part in parts)
            return Reason(words, all(part.holds for part in inside), parts=inside)
        case AnyOf(any=parts):
            inside = tuple(reasons(part, binder, facts) for part in parts)
            return Reason(words, any(part.holds for part in inside), parts=inside)
        case NotOf(part=part):
            denied = reasons(part, binder, facts)
            return Reason(words, not denied.holds, parts=(denied,))
    true_of = holds(bind(condition, binder), facts)
    if isinstance(condition, Related):
        link = relation(binder, condition.related, condition.via, "")
        number = str(len(facts.related(link)))
        return Reason(f"{words}: {'yes' if true_of else 'no'}, of {number}", true_of, number)
    path = binder.schema.path(binder.module, condition.field)
    have = shown(path.field, facts.value(path), binder)
    return Reason(_found(condition, path, binder, facts, true_of), true_of, have)


def shown(field: Field, value: Any, binder: Binder) -> str:
    """A field's value as a person in the company reads it."""
    if isinstance(value, datetime):
        return plain(value.astimezone(binder.calendar.timezone))
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
            return _either([plain(item) for item in value])
        case str():
            return f"“{value}”"
    return str(value)


def plain_number(value: JsonValue) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:,}" if number else plain(value)


def _found(node: Compare, path: Path, binder: Binder, facts: Facts, true_of: bool) -> str:
    """The comparison with the real value in it: "status “Draft” is not equal to “Sent”"."""
    has_value = node.op not in ("is_empty", "is_not_empty")
    if has_value and (missing := _missing(path, facts)):
        return f"{path.title}: there is no {missing}"
    value = facts.value(path)
    have = shown(path.field, value, binder) if has_value or value is not None else ""
    label = _label(node.op, path.field) if true_of else _denied(node.op, path.field)
    return _joined(path.title, have, label, _wanted(node, path, binder, facts))


def _missing(path: Path, facts: Facts) -> str:
    """The first reference of the path that leads nowhere."""
    for end, hop in enumerate(path.hops, 1):
        last = Path(path.module, path.hops[:end], hop.module.field("id"))
        if not facts.reached(last):
            return Path(path.module, path.hops[: end - 1], hop.field).title
    return ""


def _label(op: str, field: Field) -> str:
    if field.kind in ("date", "datetime") and op in DATE_LABELS:
        return DATE_LABELS[op]
    return OPERATORS[op].label if op in OPERATORS else op


def _denied(op: str, field: Field) -> str:
    """The label of a comparison that does not hold."""
    if negated := OPERATORS[op].negates:
        return _label(negated, field)
    first, _, rest = _label(op, field).partition(" ")
    return _joined(NOT[first], rest)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _bracketed(part: Condition, binder: Binder) -> str:
    said = describe(part, binder)
    match part:
        case AllOf(all=inside) | AnyOf(any=inside) if len(inside) > 1:
            return f"({said})"
    return said


def _compare(node: Compare, binder: Binder) -> str:
    try:
        path = binder.schema.path(binder.module, node.field)
    except Invalid:
        return _joined(node.field, _label(node.op, NUMBER), plain(node.value))
    return _joined(f"the {_called(path)}", _relation(node, path, binder))


def _called(path: Path) -> str:
    """What a sentence calls a field; what Sayso stamps by itself has no noun for a label."""
    stamps = {"created_at": "time of creation", "modified_at": "time of the last change"}
    if not (path.field.builtin and path.field.name in stamps):
        return path.title
    whose = path.title.removesuffix(path.field.title.lower())
    return f"{whose}{stamps[path.field.name]}"


def _relation(node: Compare, path: Path, binder: Binder) -> str:
    """How a field is compared, and with what: "is “Sent”", "is 7 days ago or earlier"."""
    wanted = _wanted(node, path, binder)
    moment = parse_moment(node.value) if isinstance(node.value, str) else None
    later = {"at_most": "earlier", "at_least": "later"}.get(node.op)
    if path.field.kind in ("date", "datetime") and moment and moment.offset and later:
        return f"is {wanted} or {later}"
    if path.field.kind == "list":
        return _joined(_label(node.op, path.field), wanted)
    several = node.value if isinstance(node.value, list) else []
    words = [_word(item, path.field, binder, None) for item in several]
    match node.op:
        case "equals" | "in":
            return f"is {wanted}"
        case "not_equals":
            return f"is not {wanted}"
        case "not_in" if len(words) == 2:
            return f"is neither {words[0]} nor {words[1]}"
        case "between" if len(words) == 2 and words[1].startswith("in "):
            return f"is between {words[0]} and {words[1].removeprefix('in ')} from now"
    return _joined(_label(node.op, path.field), wanted)


def _wanted(node: Compare, path: Path, binder: Binder, facts: Facts | None = None) -> str:
    """What a field is compared with; for one record also what a day or another field means."""
    takes = OPERATORS[node.op].takes if node.op in OPERATORS else "value"
    if takes == "nothing":
        return ""
    value = node.value
    if isinstance(value, str) and takes == "list":
        value = list(alternatives(value))
    if not isinstance(value, list):
        return _word(value, path.field, binder, facts)
    words = [_word(item, path.field, binder, facts) for item in value]
    return " and ".join(words) if takes == "range" else _either(words)


def _word(value: JsonValue, field: Field, binder: Binder, facts: Facts | None) -> str:
    if isinstance(value, dict):
        return _elsewhere(value, binder, facts)
    if field.kind in ("date", "datetime") and isinstance(value, str):
        return _day(value, field, binder, resolved=facts is not None)
    return plain_number(value) if field.kind == "number" else plain(value)


def _day(word: str, field: Field, binder: Binder, *, resolved: bool) -> str:
    """A day or moment in words; `resolved` adds which one that is now."""
    moment = parse_moment(word)
    if not moment:
        return word
    when = moment.resolve(binder.now, binder.calendar)
    if field.kind == "date" and isinstance(when, datetime):
        when = binder.calendar.today(when)
    return f"{moment.words()} ({shown(field, when, binder)})" if resolved else moment.words()


def _elsewhere(value: dict[str, JsonValue], binder: Binder, facts: Facts | None) -> str:
    key, name = next(iter(value.items()), ("field", ""))
    try:
        path = binder.schema.path(binder.module, str(name))
    except Invalid:
        return str(name)
    if key == "old":
        return f"the old {path.title}"
    return f"the {path.title}" + (
        f" ({shown(path.field, facts.value(path), binder)})" if facts else ""
    )


def _either(items: Sequence[str]) -> str:
    return _listed("or", items)


def _listed(word: str, items: Sequence[str]) -> str:
    return f" {word} ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _related(node: Related, binder: Binder) -> str:
    there = binder.schema.modules.get(node.related)
    if not there:
        return f"its {node.related}"
    asked = describe(node.where, binder.of(there)) if node.where else "always"
    shared, label = _shared(node, binder), there.label.lower()
    those = f"the {label} of the same {shared}" if shared else f"its {label}"
    of_them = f"{label} of the same {shared}" if shared else label
    which = "" if asked == "always" else f" for which {asked}"
    match node.match:
        case "some":
            return f"{'there are' if shared else 'it has'} one or more {of_them}{which}"
        case "none":
            return f"{'there are' if shared else 'it has'} no {of_them}{which}"
        case "every":
            return f"for all {those}, of which there is at least one, {asked}"
    total = f"the sum of {node.sum} over" if node.sum else "the number of"
    wanted = _word(node.value, NUMBER, binder, None)
    those += f" ({which.strip()})" if which else ""
    return _joined(f"{total} {those}", _label(node.op or "", NUMBER), wanted)


def _shared(node: Related, binder: Binder) -> str:
    """The reference that both sides have in common; "" where the related refer to the record."""
    try:
        link = relation(binder, node.related, node.via, "")
    except Invalid:
        return ""
    return "" if link.anchor == "id" else node.via.replace("_", " ")
