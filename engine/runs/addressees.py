"""People who can be written to: users, groups, customers; their language, and what they refuse."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.blocks.context import Person
from engine.phrases import listed, mark, say, worded
from engine.records.reader import Reader, RecordFacts, Values, name_of, template_data
from engine.records.suppression import WORDS as SUPPRESSED
from engine.schema.own_modules import USERS
from engine.schema.purposes import Purpose
from engine.templates.variables import way_to

Warn = Callable[[str], None]


def words() -> str:
    """Whom `refusal` is about, and `handles`."""
    never = [*map(worded, SUPPRESSED.values()), say("has opted out")]
    told = mark("Nobody is written to who {reasons}, and no user who is switched off.")
    return say(told, reasons=listed(never, "or"))


def handles(reader: Reader, names: Iterable[str], warn: Warn = lambda told: None) -> list[Person]:
    """Users by name, and groups: their mailbox if they have one, else each member who is active."""
    found = []
    for name in names:
        group = reader.group(name)
        members = (group.get("members") or []) if group else [name]
        users = [user for member in members if (user := reader.user(member))]
        active = [user_person(user) for user in users if user.get("active") is not False]
        for user in users:
            if user.get("active") is False:
                warn(f"{user['username']} is switched off and gets no messages")
        if group and group.get("email"):
            team = tuple(person.handle for person in active)
            found.append(Person(group["email"], name, name, members=team))
        else:
            found += active
    return found


def user_person(row: Values) -> Person:
    """A user who can be written to."""
    handle = str(row["username"])
    language = str(row.get("language") or "")
    name, key = row.get("name") or handle, f"{USERS}/{row['id']}"
    return Person(row.get("email") or "", name, handle, language=language, record=key)


def account_of(facts: RecordFacts) -> int | None:
    """The account that a record belongs to, or is."""
    return belongs_to(facts, Purpose.CUSTOMER)


def belongs_to(facts: RecordFacts, purpose: Purpose) -> int | None:
    """The record of the module for this purpose that a record belongs to, or is."""
    schema = facts.reader.tx.schema
    way = way_to(schema, facts.module, purpose)
    return facts.value(schema.path(facts.module, way)) if way else None


def language_of(facts: RecordFacts) -> str:
    """The language of a record's own, or of its account; "" where neither has one."""
    own = facts.values.get("language")
    if own or (account := account_of(facts)) is None:
        return str(own or "")
    row = facts.reader.row(facts.reader.tx.schema.of(Purpose.CUSTOMER), account) or {}
    return str(row.get("language") or "")


def refusal(reader: Reader, person: Person) -> str | None:
    """Why a person must not be written to automatically; None if they may be."""
    if person.handle:
        return None
    return reader.refused(person.address) or _customer_refuses(reader, person)


def _customer_refuses(reader: Reader, person: Person) -> str | None:
    """A customer that wants no mail wants none to its contacts either."""
    module = reader.tx.schema.find(Purpose.CUSTOMER)
    flag = module.opt_out.get("email") if module else None
    if module is None or flag is None or person.account is None:
        return None
    row = reader.row(module, person.account) or {}
    told = f"{person.address}: {name_of(module, row)} has opted out of e-mail"
    return told if row.get(flag) else None


def described(reader: Reader, person: Person, paths: Iterable[str] = ()) -> dict[str, Any]:
    """A person as templates read them: a contact with all its fields, anybody by their name."""
    first, _, last = person.name.partition(" ")
    if person.account is not None and person.contact is None:
        first, last = person.name, ""
    plain: Mapping[str, Any] = {
        "name": person.name,
        "first_name": first,
        "last_name": last,
        "email": person.address,
        "language": person.language,
    }
    known = {name: value or None for name, value in plain.items()}
    module = reader.tx.schema.find(Purpose.CONTACT)
    row = reader.row(module, person.contact) if module and person.contact is not None else None
    if module is None or row is None:
        return known
    data = template_data(RecordFacts(reader, module, row), {"", *paths})
    return {**data, **{name: data.get(name) or value for name, value in known.items()}}
