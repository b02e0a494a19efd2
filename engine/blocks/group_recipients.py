"""Whom a message about several records may go to: to nobody who is known from one of them alone."""

from collections.abc import Iterable, Iterator

from engine.blocks.checking import Checking
from engine.blocks.grouping import shared
from engine.blocks.recipient_words import (
    EACH,
    Contacts,
    FromSource,
    InvoiceContacts,
    OfEach,
    PrimaryContact,
    rule,
)
from engine.problems import Invalid, Problem
from engine.schema.purposes import Purpose
from engine.templates import TextProblem, parse
from engine.templates.variables import meaning, way_to


def of_one(words: Iterable[str], key: str, checking: Checking) -> Iterator[Problem]:
    """The recipients that one of the records taken together has, and others may not have."""
    if not checking.grouped:
        return
    for position, word in enumerate(words):
        yield from _of_one(word.strip(), f"{key}.{position}", checking)


def _of_one(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    alone = next((each for each in _own(word, checking) if not _shared(each, checking)), None)
    if alone is None:
        return
    label, singular = checking.module.label.lower(), checking.module.singular.lower()
    told = f"`{alone}` is that of one {singular}, and it would get what belongs to the others."
    remedy = f"Group by it: one message each. Or name somebody for all {label}"
    field = alone.partition(".")[0] in checking.module.by_name
    said = f", or write `{EACH}{alone}`: one message to those of all." if field else "."
    yield Problem(path, told, f"{remedy}{said}")


def _own(word: str, checking: Checking) -> Iterator[str]:
    """What the record has to say for a word to be known: paths, or the name of a rule."""
    if "{{" in word:
        yield from _read(word, checking)
        return
    match rule(word, checking.module):
        case Contacts() | PrimaryContact() | InvoiceContacts():
            yield word.partition(":")[0]
        case OfEach() | FromSource():
            pass
        case None if word.partition(".")[0] in checking.module.by_name:
            yield word


def _read(word: str, checking: Checking) -> Iterator[str]:
    try:
        paths = parse(word).paths
    except TextProblem:
        return
    for path in paths:
        try:
            root, _, rest = meaning(path, checking.module, checking.binder.schema).partition(".")
        except Invalid:
            continue
        if root == "record":
            yield rest
        elif root in ("contact", "customer"):
            yield root


def _shared(own: str, checking: Checking) -> bool:
    """Whether it is the same for all of them; people of a customer are, in a group of its own."""
    if own in checking.module.by_name or "." in own:
        return shared(own, checking.group_by)
    way = way_to(checking.binder.schema, checking.module, Purpose.CUSTOMER)
    return way is not None and shared(way, checking.group_by)
