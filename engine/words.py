"""The third reading of a condition: as a sentence for people, and, for one record, with the values it really has."""

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
    Relation,
    bind,
    relation,
)
from engine.fields import Field
from engine.modules import Path
from engine.operators import DATE_LABELS, OPERATORS
from engine.problems import Invalid
from engine.readings import Facts, holds

NOT = {
    "is": "is not",
    "begins": "does not begin",
    "ends": "does not end",
    "contains": "does not contain",
    "has": "has not",
}


@dataclass(frozen=True)
class Reason:
    """Why a condition holds of a record or not: the sentence, the value it really has, and the reasons inside."""

    words: str
    holds: bool
    have: str = ""
    parts: tuple["Reason", ...] = ()

    @property
    def said(self) -> str:
        """One sentence: "due date 2026-03-17 is not before today (2026-03-10)"."""
        if self.parts:
            wanted = [part.said for part in self.parts if part.holds == self.holds]
            return "; ".join(wanted) or self.words
        return self.words


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


def describe(condition: Condition, binder: Binder) -> str:
    """The condition as part of a sentence; "always" where there is none."""
    match condition:
        case AllOf(all=parts):
            return " and ".join(_bracketed(part, binder) for part in parts) or "always"
        case AnyOf(any=parts):
            return " or ".join(_bracketed(part, binder) for part in parts) or "never"
        case NotOf(part=part):
            return f"not ({describe(part, binder)})"
        case Related():
            return _related(condition, binder)
        case Compare():
            return _compare(condition, binder)


def reasons(condition: Condition, binder: Binder, facts: Facts) -> Reason:
    """The condition, part by part, with what this record really has."""
    true_of = holds(bind(condition, binder), facts)
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            return Reason(
                describe(condition, binder),
                true_of,
                parts=tuple(reasons(part, binder, facts) for part in parts),
            )
        case NotOf(part=part):
            return Reason(
                describe(condition, binder),
                true_of,
                parts=(reasons(part, binder, facts),),
            )
        case Compare(field=name):
            path = binder.schema.path(binder.module, name)
            have = shown(path.field, facts.value(path), binder)
            return Reason(_seen(condition, path, have, true_of, binder), true_of, have)
        case Related():
            link = relation(binder, condition.related, condition.via, "")
            number = len(facts.related(link))
            return Reason(
                f"{_related(condition, binder)}: {'yes' if true_of else 'no'}, of {number}",
                true_of,
                str(number),
            )


def shown(field: Field, value: Any, binder: Binder) -> str:
    """A field's value as a person in the company reads it."""
    if isinstance(value, datetime):
        return plain(value.astimezone(binder.calendar.timezone))
    return plain(value)


def _seen(node: Compare, path: Path, have: str, true_of: bool, binder: Binder) -> str:
    """The comparison with the real value in it: "status “Draft” is not equal to “Sent”"."""
    label = _label(node.op, path.field)
    if not true_of:
        first, _, rest = label.partition(" ")
        label = (
            f"{NOT.get(first, f'not {first}')} {rest}".strip()
            if node.op not in _NEGATIVE
            else _POSITIVE[node.op]
        )
        label = {"is not not equal to": "is equal to"}.get(label, label)
    wanted = _wanted(node, path, binder)
    real = have if node.op not in ("is_empty", "is_not_empty") or have != "empty" else ""
    return " ".join(
        part for part in (path.title, real, label, wanted, _resolved(node, path, binder)) if part
    )


_NEGATIVE = {"not_equals", "not_contains", "not_in", "is_not_empty"}
_POSITIVE = {
    "not_equals": "is equal to",
    "not_contains": "contains",
    "not_in": "is one of",
    "is_not_empty": "is empty",
}


def _resolved(node: Compare, path: Path, binder: Binder) -> str:
    """The day that a word like `today-7d` stands for."""
    if path.field.kind not in ("date", "datetime") or not isinstance(node.value, str):
        return ""
    if not (moment := parse_moment(node.value)):
        return ""
    return f"({shown(path.field, moment.resolve(binder.now, binder.calendar), binder)})"


def _bracketed(part: Condition, binder: Binder) -> str:
    several = (
        isinstance(part, (AllOf, AnyOf))
        and len(part.all if isinstance(part, AllOf) else part.any) > 1
    )
    said = describe(part, binder)
    return f"({said})" if several else said


def _compare(node: Compare, binder: Binder) -> str:
    try:
        path = binder.schema.path(binder.module, node.field)
    except Invalid:
        return f"{node.field} {OPERATORS[node.op].label if node.op in OPERATORS else node.op} {plain(node.value)}"
    return " ".join(
        part
        for part in (
            path.title,
            _label(node.op, path.field),
            _wanted(node, path, binder),
        )
        if part
    )


def _label(op: str, field: Field) -> str:
    if field.kind in ("date", "datetime") and op in DATE_LABELS:
        return DATE_LABELS[op]
    return OPERATORS[op].label if op in OPERATORS else op


def _wanted(node: Compare, path: Path, binder: Binder) -> str:
    takes = OPERATORS[node.op].takes if node.op in OPERATORS else "value"
    if takes == "nothing":
        return ""
    if takes == "range" and isinstance(node.value, list):
        return " and ".join(_word(item, path, binder) for item in node.value)
    if isinstance(node.value, list):
        return _either([_word(item, path, binder) for item in node.value])
    return _word(node.value, path, binder)


def _word(value: JsonValue, path: Path, binder: Binder) -> str:
    if isinstance(value, dict):
        key, name = next(iter(value.items()), ("field", ""))
        try:
            title = binder.schema.path(binder.module, str(name)).title
        except Invalid:
            title = str(name)
        return f"the old {title}" if key == "old" else f"its {title}"
    if path.field.kind in ("date", "datetime") and isinstance(value, str):
        moment = parse_moment(value)
        return moment.words() if moment else value
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and path.field.kind == "number"
    ):
        return f"{value:,}"
    return plain(value)


def _either(items: Sequence[str]) -> str:
    return " or ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _related(node: Related, binder: Binder) -> str:
    there = binder.schema.modules.get(node.related)
    if not there:
        return f"its {node.related}"
    asked = describe(node.where, binder.of(there)) if node.where else ""
    whose = f" whose {asked}" if asked and asked != "always" else ""
    via = "" if binder.module.name != node.related else f" of the same {node.via}"
    if node.match:
        start = {
            "some": "there is at least one of the",
            "every": "all of the",
            "none": "there is none of the",
        }[node.match]
        if node.match == "every":
            return f"{start} {there.label.lower()}{via} have {asked or 'no condition'} (and there is at least one)"
        return f"{start} {there.label.lower()}{via}{whose}"
    total = f"the sum of {node.sum} over its" if node.sum else "the number of its"
    return f"{total} {there.label.lower()}{via}{whose} {_label(node.op or '', Field(name='n', type='decimal'))} {plain_number(node.value)}"


def plain_number(value: JsonValue) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


__all__ = ["Reason", "Relation", "describe", "plain", "reasons", "shown"]
