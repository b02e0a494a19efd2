"""Whom a step may write to, word by word: rules, fields, people, and each address by itself."""

from collections.abc import Iterable, Iterator

from engine.blocks.named_addresses import (
    OURS,
    Computed,
    Place,
    Written,
    choices,
    field_at,
    templated,
)
from engine.blocks.recipient_words import (
    PEOPLE,
    Contacts,
    InvoiceContacts,
    OfEach,
    PrimaryContact,
    rule,
)
from engine.blocks.rights import Right
from engine.blocks.words import person
from engine.conditions import Binder
from engine.phrases import mark, say
from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.purposes import Purpose

WRITTEN_OUT = mark("An address written out")
COMPUTED = mark("An address that is computed")
ADDRESSES = (*PEOPLE, "phone")


def recipients(kind: str, words: Iterable[str], binder: Binder) -> Iterator[Right]:
    """The right to mail, text or tell each of those whom these words can mean."""
    for word in words:
        for choice in choices(word) if templated(word) else [Written(word.strip())]:
            yield _right(kind, word, choice, binder)


def _right(kind: str, word: str, choice: Place | Written | Computed, binder: Binder) -> Right:
    match choice:
        case Written(written):
            return _plain(kind, written, binder)
        case Place(path) if _holds_address(path, binder):
            own = path.removeprefix("record.")
            return Right(kind, own, person(f"{{{{ {path} }}}}", binder))
    told = say("{person}, as computed", person=person(word, binder))
    return Right(kind, word, told, say(COMPUTED))


def _plain(kind: str, word: str, binder: Binder) -> Right:
    """A word as people write it: an address, a number, a rule, a field, a user or a group."""
    if "@" in word or word.lstrip("+(").replace(" ", "")[:1].isdigit():
        return Right(kind, word, word, say(WRITTEN_OUT))
    return Right(kind, f"{word}{_address_of(word, binder)}", person(word, binder))


def _address_of(word: str, binder: Binder) -> str:
    """Where the address of those is kept whom a word leads to: ".email"; "" of a word by itself."""
    match rule(word, binder.module):
        case Contacts() | PrimaryContact() | InvoiceContacts():
            there = binder.schema.find(Purpose.CONTACT)
        case OfEach(inner):
            return _address_of(inner, binder)
        case _:
            field = _field(f"record.{word}", binder)
            there = binder.schema.target(field) if field else None
    return f".{there.email_field}" if there and there.email_field else ""


def _holds_address(path: str, binder: Binder) -> bool:
    """Whether what stands at a path is kept as an address, whatever its field is called."""
    field = _field(path, binder)
    return path in OURS or (field is not None and field.kept.name in ADDRESSES)


def _field(path: str, binder: Binder) -> Field | None:
    """The field that a path ends at; None where there is none any more."""
    try:
        return field_at(path, binder.module, binder.schema)
    except Invalid:
        return None
