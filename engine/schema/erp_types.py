"""Values for an accounting system, with their type in front: `integer:5`, `boolean:true`."""

import re
from decimal import Decimal, InvalidOperation

from pydantic import JsonValue

from engine.problems import BadValue, nearest

PREFIX = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
TYPES = ("boolean", "integer", "decimal", "null", "string")
# What people write who mean one of these; other words that are close to one are found by nearness.
MEANT = {
    "bool": "boolean", "int": "integer", "float": "decimal", "double": "decimal",
    "number": "decimal", "money": "decimal", "none": "null", "nil": "null", "str": "string",
    "text": "string",
}  # fmt: skip


def typed(written: str) -> JsonValue:
    """The value that is meant. Without a known type in front, the whole of it is text.

    Raises `BadValue` where the type is known and the value is none of it.
    """
    found = PREFIX.fullmatch(written)
    kind, value = (found[1].lower(), found[2]) if found else ("", written)
    match kind:
        case "string":
            return value
        case "boolean":
            return _boolean(value)
        case "integer":
            return _integer(value)
        case "decimal":
            return _decimal(value)
        case "null":
            if value.lower() != "null":
                raise BadValue(f"`{written}` is not possible.", "Write null:null to clear.")
            return None
    return written


def split(written: str) -> tuple[str, str]:
    """A known type in front, with its colon, and what follows it."""
    found = PREFIX.fullmatch(written)
    known = found is not None and found[1].lower() in TYPES
    return (f"{found[1]}:", found[2]) if found and known else ("", written)


def doubtful(written: str) -> str | None:
    """The type somebody most likely meant who wrote an unknown one; None for all else."""
    found = PREFIX.fullmatch(written)
    if found is None or found[1].lower() in TYPES or found[2].startswith("//"):
        return None
    word = found[1].lower()
    return MEANT.get(word) or nearest(word, TYPES)


def _boolean(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise BadValue(f"`{value}` is no boolean.", "Write boolean:true or boolean:false.")
    return value.lower() == "true"


def _integer(value: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", value):
        raise BadValue(f"`{value}` is no integer.", "Write it without decimals, or as decimal:1.5.")
    return int(value)


def _decimal(value: str) -> float:
    """As JSON carries it: a number, and only one that loses nothing on the way."""
    try:
        exact = Decimal(value)
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise BadValue(f"`{value}` is no decimal number.", "Write it like decimal:1200.50.")
    if Decimal(repr(float(exact))) != exact:
        raise BadValue(f"`{value}` has too many digits.", "Round it, or send it as text.")
    return float(exact)
