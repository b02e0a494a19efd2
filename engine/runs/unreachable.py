"""Why nobody of a customer can be written to."""

from collections.abc import Iterable

from engine.blocks.recipient_words import Contacts, InvoiceContacts, PrimaryContact, rule
from engine.records.reader import RecordFacts, Values, name_of
from engine.runs.addressees import account_of
from engine.schema.purposes import Purpose

NOBODY = "there is no address to write to"


def why_nobody(facts: RecordFacts, words: Iterable[str]) -> str:
    """Why these recipient words lead to no address: one reason, in words."""
    customers = facts.reader.tx.schema.find(Purpose.CUSTOMER)
    rules = [rule(word.strip(), facts.module) for word in words]
    if customers is None or not any(map(_of_contacts, rules)):
        return NOBODY
    account = account_of(facts)
    row = facts.reader.row(customers, account) if account is not None else None
    if row is None:
        told = f"{facts.values.get('number')} belongs to no {customers.singular.lower()}"
        return f"{NOBODY}: {told}"
    name = name_of(customers, row)
    flag = customers.opt_out.get("email", "")
    if row.get(flag):
        return f"{NOBODY}: {name} has opted out of e-mail"
    return f"{NOBODY}: {_without_contacts(facts, row, name)}"


def _of_contacts(rule: object) -> bool:
    return isinstance(rule, Contacts | PrimaryContact | InvoiceContacts)


def _without_contacts(facts: RecordFacts, account: Values, name: str) -> str:
    schema = facts.reader.tx.schema
    contacts, customers = schema.find(Purpose.CONTACT), schema.of(Purpose.CUSTOMER)
    if contacts and facts.reader.related(contacts, "account", account["id"]):
        return f"no active contact of {name} has one"
    if account.get(customers.email_field or ""):
        return f"{name} has no contact, only an address of its own"
    return f"{name} has no contact"
