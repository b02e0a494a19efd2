"""What a field is compared with, as written and as bound: a value, a day's name, another field."""

from datetime import datetime
from typing import Any

from pydantic import JsonValue

from engine.company.calendar import parse_moment
from engine.conditions.bound import Binder, Old
from engine.conditions.operators import Operator, alternatives
from engine.problems import BadValue, refuse, suggest
from engine.schema.civil_times import as_written
from engine.schema.fields import Field, storable
from engine.schema.modules import KEPT_BY_US, Path

MOST = 1000


def operand(
    path: Path, operator: Operator, raw: JsonValue, binder: Binder, at: str, *, exact: bool = False
) -> Any:
    """The typed value, or the field (`Path`) or former value (`Old`) it is. Raises `Invalid`."""
    held = operator.other_side(path.field)
    if isinstance(raw, dict):
        return _elsewhere(path, held, raw, binder, at)
    try:
        value = _typed(held, operator, raw, binder, exact=exact)
    except BadValue as bad:
        raise refuse(at, bad.message, bad.remedy) from None
    if value is None:
        raise refuse(at, "there is nothing to compare with.", "Give a value, or use `is_empty`.")
    return value


def operands(value: JsonValue, operator: Operator, at: str) -> list[JsonValue]:
    """The items of a list or the two ends of a range. Raises `Invalid`."""
    if isinstance(value, str) and operator.of_parts:
        value = list(alternatives(value))
    size = len(value) if isinstance(value, list) else 0
    if operator.takes == "range" and size != 2:
        raise refuse(at, f"`{operator.name}` takes two values.", "Write [lowest, highest].")
    if not isinstance(value, list) or not size:
        commas = ', or "refund, dispute"' if operator.of_parts else ""
        remedy = f'Write a list, like ["Open", "Waiting"]{commas}.'
        raise refuse(at, f"`{operator.name}` takes a list of values.", remedy)
    if size > MOST:
        raise refuse(at, f"these are {size} values; {MOST} are the most.", "Mark them by a tag.")
    return value


def _typed(field: Field, operator: Operator, raw: Any, binder: Binder, *, exact: bool) -> Any:
    if raw is None:
        return None
    if operator.of_parts and field.kind == "text":
        return _part(field, raw, binder, exact=exact)
    if field.kind in ("date", "datetime") and isinstance(raw, str):
        return _time(field, raw, binder)
    if field.type == "reference" and isinstance(raw, str) and raw.strip():
        return _named(field, raw.strip(), binder)
    value = field.parse(raw, binder.calendar.timezone)
    if field.type == "owner" and value and binder.handles and value not in binder.handles:
        message = f"there is no user or group `{value}`."
        raise BadValue(message, suggest(value, binder.handles, "There are"))
    return value


def _part(field: Field, raw: Any, binder: Binder, *, exact: bool) -> Any:
    """A part of a text: it need not be a choice, an address or anything else the field can hold."""
    if exact and isinstance(raw, str):
        return storable(raw) or None
    text = field.model_copy(update={"type": "text", "of": None})
    return text.parse(raw, binder.calendar.timezone)


def _time(field: Field, raw: str, binder: Binder) -> Any:
    """A day for a date; for a point in time either, and a day then means all of it."""
    if moment := parse_moment(raw):
        if problem := moment.problem():
            raise BadValue(*problem)
        when = moment.resolve(binder.now, binder.calendar)
        if isinstance(when, datetime) and field.kind == "date":
            return binder.calendar.today(when)
        return when
    day = field.kind == "datetime" and not isinstance(as_written(raw), datetime)
    meant = field.model_copy(update={"type": "date", "of": None}) if day else field
    try:
        return meant.parse(raw, binder.calendar.timezone)
    except BadValue as bad:
        counted = "`today-30d`, `today+5wd`" + (", `now-48h`" * (field.kind == "datetime"))
        raise BadValue(bad.message, f"{bad.remedy} Or count from now: {counted}.") from None


def _named(field: Field, raw: str, binder: Binder) -> Any:
    """A reference may be given by the number or name of its record."""
    if raw.isdecimal():
        return field.parse(raw, binder.calendar.timezone)
    found = binder.lookup(binder.schema.module(field.module or ""), raw)
    if found is None:
        message = f"there is no record `{raw}` in {field.module}."
        raise BadValue(message, "Give its id, number or name.")
    return found


def _elsewhere(
    path: Path, held: Field, raw: dict[str, JsonValue], binder: Binder, at: str
) -> Path | Old:
    key, name = next(iter(raw.items()), ("", None))
    if len(raw) != 1 or key not in ("field", "old") or not isinstance(name, str):
        remedy = 'Write {"field": "credit_limit"} or {"old": "amount"}.'
        raise refuse(at, "this is neither a value nor a field.", remedy)
    if key == "old" and not binder.event:
        remedy = 'Use {"field": ...} or an event trigger.'
        raise refuse(at, "there is no change here, so no old value.", remedy)
    other = binder.schema.path(binder.module, name, at)
    if key == "old" and (other.hops or not recorded(other.field)):
        remedy = f"Use a field of {binder.module.label} that people change."
        raise refuse(at, f"no old value of `{other}` is known.", remedy)
    if key == "field" and str(other) == str(path) and other.field == path.field:
        message = f"{path.field.title} of {binder.module.label} is compared with itself."
        remedy = f"Write a value, or name another field: here it is one of {binder.module.label}."
        raise refuse(at, message, remedy)
    if not _comparable(held, other.field):
        remedy = f"Choose a {held.kind} field."
        if held.kind == "list":
            remedy = "Write the values themselves."
        message = f"{path.field.title} and {other.field.title} cannot be compared."
        raise refuse(at, message, remedy)
    return Old(other) if key == "old" else other


def _comparable(one: Field, other: Field) -> bool:
    same_target = one.type != "reference" or one.module == other.module
    return one.kind == other.kind and one.kind not in ("list", "json") and same_target


def recorded(field: Field) -> bool:
    """Whether changes of this field are kept: not of what is computed or stamped by Sayso."""
    return not field.computed and not (field.builtin and field.name in KEPT_BY_US)
