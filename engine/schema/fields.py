"""Field types: what each can hold, and how it is written in JSON and in SQL."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, JsonValue
from sqlalchemy import BigInteger, Boolean, Date, Text
from sqlalchemy.types import TypeEngine

from engine.problems import BadValue, nearest, suggest
from engine.schema.addresses import BadAddress, mail_address
from engine.schema.civil_times import read_day, read_moment
from engine.schema.sql_types import Json, Key, Moment, Number, tidy

Kind = Literal["text", "number", "date", "datetime", "bool", "list", "reference", "json"]
NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
LARGEST = Decimal(10) ** 11
LARGEST_ID = 2**63 - 1
READ_BY_CLOCKS = {"date": read_day, "datetime": read_moment}
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Field(BaseModel):
    """One typed column of a module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: str
    label: str = ""
    help: str = ""
    options: tuple[str, ...] = ()
    module: str | None = None
    required: bool = False
    default: JsonValue = None
    sensitive: bool = False
    yearly: bool = False
    indexed: bool = False
    of: str | None = None
    formula: dict[str, JsonValue] | None = None
    builtin: bool = False

    @property
    def kept(self) -> "FieldType":
        """The type of its values; for a computed field that of its result.

        A type that does not exist is read as text until `check_field` has refused it.
        """
        name = (self.of or "text") if self.computed else self.type
        return FIELD_TYPES.get(name, FIELD_TYPES["text"])

    @property
    def kind(self) -> Kind:
        return self.kept.kind

    @property
    def computed(self) -> bool:
        return self.type == "computed"

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    def parse(self, raw: Any, zone: tzinfo) -> Any:
        """The value as it is kept, from JSON, CSV text or a template. Raises `BadValue`.

        A time that names no zone is one on the clocks of `zone`.
        """
        if raw is None or (isinstance(raw, str) and not raw.strip()) or raw == []:
            return None
        read = READ_BY_CLOCKS.get(self.kind)
        return self.kept.parse(self, (read and read(raw, zone)) or raw)

    def dump(self, value: Any) -> JsonValue:
        """The value as JSON."""
        return None if value is None else self.kept.dump(value)

    def load(self, raw: JsonValue) -> Any:
        """The value back from its own JSON."""
        return None if raw is None else self.kept.load(self, raw)


@dataclass(frozen=True)
class FieldType:
    """What the fields of one type have in common, and an `example` of what they hold, as JSON.

    What is kept in `one_spelling` is compared as it is, whatever case a condition writes it in.
    """

    name: str
    words: str
    kind: Kind
    sql: Callable[[], TypeEngine[Any]]
    parse: Callable[[Field, Any], Any]
    widget: str = "text"
    dump: Callable[[Any], JsonValue] = lambda value: value
    load: Callable[[Field, Any], Any] = lambda field, raw: raw
    places: int = 0
    example: JsonValue = dataclass_field(kw_only=True)
    one_spelling: bool = dataclass_field(default=False, kw_only=True)


def storable(text: str) -> str:
    """Text without what a database cannot hold. Raises `BadValue`."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise BadValue(
            "the text holds half of a character (a lone surrogate).", "Send valid Unicode."
        )
    return text.replace("\x00", "")


def clean(text: str) -> str:
    """Text as it is kept: without blank ends, and without what a database cannot hold."""
    return storable(text).strip()


def _text(field: Field, raw: Any) -> str | None:
    return clean(_plain(field, raw)) or None


def _plain(field: Field, raw: Any) -> str:
    match raw:
        case str():
            return str(raw)  # of a template's Markup, the plain text
        case bool():
            return "yes" if raw else "no"
        case int() | float() | Decimal():
            return str(raw)
        case date():
            return raw.isoformat()
    message = f"{field.title} takes {field.kept.words}, not {_shape(raw)}."
    raise BadValue(message, "Give a single value.")


def _shape(raw: Any) -> str:
    match raw:
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
    return repr(raw)


def _int(field: Field, raw: Any) -> int:
    number = _decimal(field, raw)
    if number != int(number):
        raise BadValue(f"{field.title} takes a whole number, not {raw}.", "Write it like 12.")
    return int(number)


def _decimal(field: Field, raw: Any) -> Decimal:
    number = _number_in(raw)
    if number is None:
        raise BadValue(f"{field.title} takes a number, not {raw!r}.", "Write it like 1200.50.")
    if abs(number) >= LARGEST or abs(kept := tidy(number, field.kept.places)) >= LARGEST:
        remedy = "Numbers may have 11 digits before the point."
        raise BadValue(f"{raw} is too large for {field.title}.", remedy)
    return kept


def _number_in(raw: Any) -> Decimal | None:
    """The number that is meant; blanks may stand between its digits."""
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        return None
    try:
        number = Decimal("".join(str(raw).split()))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _bool(field: Field, raw: Any) -> bool:
    known = BOOLEANS.get(str(raw).strip().lower())
    if known is None:
        raise BadValue(f"{field.title} is yes or no, not {raw!r}.", "Write true or false.")
    return known


def _date(field: Field, raw: Any) -> date:
    if not isinstance(raw, date):
        raise BadValue(f"{field.title} takes a date, not {raw!r}.", "Write it like 2026-03-10.")
    return raw


def _datetime(field: Field, raw: Any) -> datetime:
    if not isinstance(raw, datetime):
        remedy = "Write it like 2026-03-10T09:00, or with a zone: 2026-03-10T09:00:00+01:00."
        raise BadValue(f"{field.title} takes a date and time, not {raw!r}.", remedy)
    return raw


def _choice(field: Field, raw: Any) -> str:
    word = clean(_plain(field, raw))
    for option in field.options:
        if option.casefold() == word.casefold():
            return option
    raise BadValue(f"`{word}` is not a choice of {field.title}.", _right_choice(field, word))


def _right_choice(field: Field, word: str) -> str:
    """The choice that was most likely meant, and in any case those there are."""
    near = nearest(word, field.options)
    all = suggest("", field.options, "Choices")
    return f"Did you mean `{near}`? {all}" if near else all


def _choices(field: Field, raw: Any) -> list[str] | None:
    """Each choice once, as it was first written; text is split at its commas."""
    words = raw if isinstance(raw, (list, tuple)) else _plain(field, raw).split(",")
    kept = [text for word in words if (text := clean(_plain(field, word)))]
    chosen = [_choice(field, word) for word in kept] if field.options else kept
    first: dict[str, str] = {}
    for word in chosen:
        first.setdefault(word.casefold(), word)
    return list(first.values()) or None


def _email(field: Field, raw: Any) -> str:
    try:
        return mail_address(_plain(field, raw))
    except BadAddress as bad:
        raise BadValue(f"{bad}", "Write it like name@company.com.") from None


def _url(field: Field, raw: Any) -> str:
    text = clean(_plain(field, raw))
    if not re.match(r"https?://[^\s/]+", text, re.IGNORECASE):
        raise BadValue(f"{raw!r} is not a web address.", "Begin it with https://.")
    return text


def _reference(field: Field, raw: Any) -> int:
    """An id; numbers and names (`INV-3`, `ACME`) are looked up by the record store before this."""
    given = raw.get("id") if isinstance(raw, Mapping) else raw
    number = _number_in(given)
    if number is None or number != number.to_integral_value() or not 0 < number <= LARGEST_ID:
        module = field.module or "another module"
        raise BadValue(f"{raw!r} is not a record of {module}.", "Give its id, number or name.")
    return int(number)


def _record(field: Field, raw: Any) -> str:
    text = f"{raw.get('module')}/{raw.get('id')}" if isinstance(raw, Mapping) else raw
    found = re.fullmatch(r"([a-z][a-z0-9_]*)/([0-9]{1,18})", _plain(field, text).strip())
    if not found:
        raise BadValue(f"{raw!r} does not name a record.", "Write module/id, like invoices/12.")
    return f"{found[1]}/{int(found[2])}"


def _json(field: Field, raw: Any) -> JsonValue:
    try:
        storable(written := json.dumps(raw, allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        message = f"{field.title} takes JSON, not {_shape(raw)}."
        raise BadValue(message, "Give plain lists, objects, texts and numbers.") from None
    kept: JsonValue = json.loads(written.replace("\\u0000", ""))
    return kept


def _kept(field: Field, raw: JsonValue) -> date:
    """A day or a moment from its own JSON, which tells its zone."""
    return cast(date, field.parse(raw, UTC))  # as its kind is


def _iso(value: Any) -> str:
    return str(value.isoformat())


def _number(value: Decimal) -> JsonValue:
    return int(value) if value == value.to_integral_value() else float(value)


def _numbers(name: str, words: str, places: int, example: JsonValue) -> FieldType:
    parse, sql = _decimal, lambda: Number(places)
    return FieldType(
        name, words, "number", sql, parse, "number", _number, parse, places, example=example
    )


FIELD_TYPES: dict[str, FieldType] = {
    kept.name: kept
    for kept in (
        FieldType("text", "a line of text", "text", Text, _text, example="ACME Ltd"),
        FieldType(
            "longtext", "text of any length", "text", Text, _text, "longtext", example="Dear Ana"
        ),
        FieldType(
            "richtext", "text with HTML marks", "text", Text, _text, "longtext", example="<b>Hi</b>"
        ),
        FieldType("int", "a whole number", "number", BigInteger, _int, "number", example=12),
        _numbers("decimal", "a number", places=0, example=0.25),
        _numbers("money", "an amount", places=2, example=1200.5),
        FieldType("bool", "true or false", "bool", Boolean, _bool, "bool", example=True),
        FieldType("date", "a day", "date", Date, _date, "date", _iso, _kept, example="2026-03-10"),
        FieldType(
            "datetime",
            "a point in time",
            "datetime",
            Moment,
            _datetime,
            "datetime",
            _iso,
            _kept,
            example="2026-03-10T09:00:00+01:00",
        ),
        FieldType(
            "picklist",
            "one of the choices",
            "text",
            Text,
            _choice,
            "choice",
            example="Open",
            one_spelling=True,
        ),
        FieldType(
            "multipicklist",
            "any of the choices",
            "list",
            lambda: Json,
            _choices,
            "choices",
            example=["Open", "Waiting"],
        ),
        FieldType(
            "email", "an e-mail address", "text", Text, _email, "email", example="ana@acme.test"
        ),
        FieldType(
            "phone", "a telephone number", "text", Text, _text, "phone", example="+33612345678"
        ),
        FieldType("url", "a web address", "text", Text, _url, "url", example="https://acme.test"),
        FieldType(
            "reference",
            "a record of another module",
            "reference",
            lambda: Key,
            _reference,
            "reference",
            example=3,
        ),
        FieldType(
            "owner",
            "a user or group, by name",
            "text",
            Text,
            _text,
            "owner",
            example="alice",
            one_spelling=True,
        ),
        FieldType(
            "owners",
            "users or groups, by name",
            "list",
            lambda: Json,
            _choices,
            "choices",
            example=["alice", "Sales"],
        ),
        FieldType(
            "record",
            "any record, as module/id",
            "text",
            Text,
            _record,
            example="invoices/12",
            one_spelling=True,
        ),
        FieldType("file", "a file, by name", "text", Text, _text, example="offer.pdf"),
        FieldType("json", "any JSON", "json", lambda: Json, _json, "longtext", example={"a": [1]}),
    )
}
