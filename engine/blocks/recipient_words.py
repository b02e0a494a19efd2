"""Words for recipients: an address, a user, a group, a field, or a rule such as `contacts:CFO`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.blocks.checking import Checking
from engine.blocks.named_addresses import SOURCE_ID, chosen, templated
from engine.phrases import listed, mark, say
from engine.problems import Invalid, Problem, nearest, suggest
from engine.schema.addresses import BadAddress, mail_address
from engine.schema.modules import Module, Path, Schema
from engine.schema.own_modules import USERS
from engine.schema.purposes import Purpose
from engine.templates.variables import way_to

PEOPLE = ("email", "owner", "owners")
"""The types of fields that hold whom to write to."""
RULES = ("contacts", "primary_contact", "invoice_contacts")
EACH, FROM_SOURCE = "records.", "user_from_source_id:"
SHORTCODE = re.compile(r"\{\{-?\s*user_from_source_id\s*:\s*([\w.]+)\s*-?\}\}")


@dataclass(frozen=True)
class Contacts:
    """The contacts of the record's account: all, or those of the first position that is filled."""

    positions: tuple[str, ...] = ()


@dataclass(frozen=True)
class PrimaryContact:
    """The primary contact of the record's account."""


@dataclass(frozen=True)
class InvoiceContacts:
    """The contacts that an invoice itself has; where it has none, those of its account."""

    positions: tuple[str, ...] = ()


@dataclass(frozen=True)
class OfEach:
    """What another word means for each record that is taken together with this one."""

    word: str


@dataclass(frozen=True)
class FromSource:
    """The users whose id in the source system this field of each record holds."""

    field: str


Rule = Contacts | PrimaryContact | InvoiceContacts | OfEach | FromSource


def canonical(word: str) -> str:
    """The word as it is resolved: a shortcode without its braces."""
    found = SHORTCODE.fullmatch(word.strip())
    return f"{FROM_SOURCE}{found[1]}" if found else word


def rule(word: str, module: Module) -> Rule | None:
    """The rule a word names; None for an address, a user, a group or a field of the record."""
    name, colon, rest = word.strip().partition(":")
    if word.startswith(EACH) and "records" not in module.by_name:
        return OfEach(word.strip().removeprefix(EACH))
    if word.startswith(FROM_SOURCE):
        return FromSource(rest.strip())
    if name in module.by_name and not colon:
        return None
    positions = tuple(part.strip() for part in rest.split(",") if part.strip())
    match name:
        case "contacts":
            return Contacts(positions)
        case "invoice_contacts":
            return InvoiceContacts(positions)
        case "primary_contact" if not colon:
            return PrimaryContact()
    return None


# --- what is wrong with one ---


def recipient(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """What is wrong with a recipient word, and with every word and field that a template of one
    can come to. Beyond that, templates are checked as templates.
    """
    if templated(word):
        yield from chosen(word, path, checking, PEOPLE, recipient)
        return
    if "@" in word:
        yield from _address(word, path)
        return
    match rule(word, checking.module):
        case Contacts(positions):
            yield from _contacts(positions, path, checking)
        case PrimaryContact():
            yield from _contacts((), path, checking)
        case InvoiceContacts(positions):
            yield from _invoice_contacts(path, checking)
            yield from _contacts(positions, path, checking)
        case OfEach(inner):
            yield from _of_each(inner, path, checking)
        case FromSource(field):
            yield from _from_source(field, path, checking)
        case None:
            yield from _plain(word, path, checking)


def _address(word: str, path: str) -> Iterator[Problem]:
    try:
        mail_address(word)
    except BadAddress as bad:
        yield Problem(path, str(bad), "Write one address, like name@example.com.")


def _contacts(positions: tuple[str, ...], path: str, checking: Checking) -> Iterator[Problem]:
    schema, module = checking.binder.schema, checking.module
    if schema.find(Purpose.CONTACT) is None:
        yield Problem(path, "there is no module Contacts here.", "Name an address, user or field.")
        return
    if way_to(schema, module, Purpose.CUSTOMER) is None:
        told = f"{module.label} do not belong to an account, so they have no contacts."
        yield Problem(path, told, "Name an address, a user, a group or a field.")
    known = schema.of(Purpose.CONTACT).by_name.get("position")
    options = known.options if known else ()
    for position in positions:
        if not any(position.casefold() == option.casefold() for option in options):
            told = f"no contact can have the position `{position}`."
            yield Problem(path, told, suggest(position, options, "Positions"))


def _invoice_contacts(path: str, checking: Checking) -> Iterator[Problem]:
    schema, module = checking.binder.schema, checking.module
    if (
        schema.find(Purpose.INVOICE_CONTACT) is None
        or way_to(schema, module, Purpose.INVOICE) is None
    ):
        told = f"{module.label} do not belong to an invoice, which could have contacts of its own."
        yield Problem(path, told, "Use `contacts`: the contacts of the account.")


def _of_each(inner: str, path: str, checking: Checking) -> Iterator[Problem]:
    if not checking.grouped:
        told = "`records` is only known with `group_by`."
        yield Problem(path, told, f"Use `{inner}`, or add `group_by`.")
    elif rule(inner, checking.module) or inner.partition(".")[0] not in checking.module.by_name:
        told = f"there is no field `{inner}` in {checking.module.label}."
        yield Problem(path, told, checking.module.instead_of(inner))
    else:
        yield from _plain(inner, path, checking)


def _from_source(field: str, path: str, checking: Checking) -> Iterator[Problem]:
    schema = checking.binder.schema
    if SOURCE_ID not in schema.module(USERS).by_name:
        told = f"users have no field `{SOURCE_ID}` to be found by."
        yield Problem(path, told, f"Add it to Users, or use `{EACH}owner`.")
    try:
        schema.path(checking.module, field, path)
    except Invalid as invalid:
        yield from invalid.problems


def _plain(word: str, path: str, checking: Checking) -> Iterator[Problem]:
    """An address, a user, a group, or a field that leads to one."""
    name = word.removeprefix("group:")
    if name in checking.handles:
        yield from _inactive(name, path, checking)
        return
    try:
        field = checking.binder.schema.path(checking.module, name, path).field
    except Invalid:
        told = f"`{word}` is no address, user, group or field."
        yield Problem(path, told, _meant(word, checking))
        return
    target = checking.binder.schema.target(field)
    if field.type not in PEOPLE and not (target and target.email_field):
        told = f"{field.title} does not lead to anybody's address."
        yield Problem(path, told, "Choose a person, an account or an e-mail field.")


def _inactive(name: str, path: str, checking: Checking) -> Iterator[Problem]:
    if name in checking.inactive:
        told = f"{name} is switched off and gets no messages."
        yield Problem(path, told, "Name somebody who is active, or `owner`.")


def _meant(word: str, checking: Checking) -> str:
    """What somebody who wrote this word was most likely after."""
    start, colon, rest = word.partition(":")
    if colon and (near := nearest(start.strip(), RULES)):
        return f"Did you mean `{near}:{rest.strip()}`?"
    leads = ("owner", "email", "reference")
    fields = [each.name for each in checking.module.by_name.values() if each.type in leads]
    return suggest(word, [*fields, *checking.handles, *RULES], "There are")


# --- as a person would say it ---


def told(meant: Rule, module: Module, schema: Schema) -> str:
    """Whom a rule means, as part of a sentence: "the CFO of its account (otherwise ...)"."""
    account = _account(schema, module)
    match meant:
        case Contacts(()):
            return say("all contacts of {account}", account=account)
        case Contacts(positions):
            first, *others = map(_the, positions)
            rest = listed([*others, say("its primary contact"), say("all its contacts")], "or")
            phrase = mark("{contact} of {account} (otherwise {others})")
            return say(phrase, contact=first, account=account, others=rest)
        case PrimaryContact():
            phrase = mark("the primary contact of {account} (otherwise all its contacts)")
            return say(phrase, account=account)
        case InvoiceContacts(positions):
            first, then = _of_invoice(positions, module), [*map(_the, positions)]
            rest = listed([*then, say("the primary contact"), say("all contacts")], "or")
            phrase = mark("{contacts} (otherwise {others} of {account})")
            return say(phrase, contacts=first, others=rest, account=account)
        case OfEach(word):
            field, records = _title(word, module, schema), module.label.lower()
            return say("the {field} of each of the {records}", field=field, records=records)
        case FromSource(name):
            return say(
                "the user whom the {field} of the {record} names by the id in the source system",
                field=_title(name, module, schema),
                record=module.singular.lower(),
            )


def _of_invoice(positions: tuple[str, ...], module: Module) -> str:
    """The contacts of an invoice itself, or those of them that hold these positions."""
    invoice = say("the invoice") if module.purpose == Purpose.INVOICE else say("its invoice")
    if not positions:
        return say("the contacts of {invoice}", invoice=invoice)
    either = say(" or ").join(positions)
    return say("the {positions} contacts of {invoice}", positions=either, invoice=invoice)


def _the(position: str) -> str:
    return say("the {contact}", contact=called(position))


def called(position: str) -> str:
    """Who holds a position: a CFO, but a Legal contact."""
    return position if position.isupper() else say("{position} contact", position=position)


def _account(schema: Schema, module: Module) -> str:
    way = way_to(schema, module, Purpose.CUSTOMER)
    if way == "id":
        return say("the account")
    return say("its {field}", field=_title(way, module, schema)) if way else say("its account")


def _title(dotted: str, module: Module, schema: Schema) -> str:
    try:
        path: Path = schema.path(module, dotted)
    except Invalid:
        return dotted
    return path.title
