"""Whom a message goes to: recipient words resolved against a record, now, each person once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from engine.blocks.context import Person, once
from engine.blocks.named_addresses import SOURCE_ID
from engine.blocks.recipient_words import (
    Contacts,
    FromSource,
    InvoiceContacts,
    OfEach,
    PrimaryContact,
    called,
    rule,
)
from engine.company.message_limits import Channel
from engine.records.reader import RecordFacts, Values, name_of
from engine.runs.addressees import account_of, belongs_to, handles, language_of, user_person
from engine.schema.english import listed
from engine.schema.modules import Module
from engine.schema.own_modules import USERS
from engine.schema.purposes import Purpose
from engine.schema.sql_types import Fold

PHONES = ("mobile", "phone")


@dataclass
class Recipients:
    """The people around one record, and around those taken together with it (`beside`).

    `warnings` tells what was decided on the way: who stands in for whom, who was passed over. A
    contact that cannot be reached `by` the channel counts as none.
    """

    facts: RecordFacts
    beside: Sequence[RecordFacts] = ()
    warnings: list[str] = field(default_factory=list)
    by: Channel = "email"

    def people(self, word: str, by: Channel = "email") -> list[Person]:
        """Whom a word means. A user or record may be found that has no address."""
        here = self if by == self.by else replace(self, by=by)
        return once(here._only(here._meant(word.strip())))

    def _meant(self, word: str) -> list[Person]:
        match rule(word, self.facts.module):
            case Contacts(positions):
                found = [self._contacts(account, positions) for account in self._accounts()]
            case PrimaryContact():
                found = [self._stand_in(account, "") for account in self._accounts()]
            case InvoiceContacts(positions):
                found = [self._of_invoice(invoice, positions) for invoice in self._invoices()]
            case OfEach(inner):
                found = [self._plain(each, inner) for each in self._every()]
            case FromSource(name):
                found = [self._from_source(each, name) for each in self._every()]
            case None:
                found = [self._plain(self.facts, word)]
        return [person for people in found for person in people]

    # --- words that name somebody, or a field that does ---

    def _plain(self, facts: RecordFacts, word: str) -> list[Person]:
        reader, name = self.facts.reader, word.removeprefix("group:")
        if "@" in name:
            return [self._at(name)]
        if name.partition(".")[0] not in facts.module.by_name:
            return handles(reader, [name], self._warn) or self._owner_for(facts, name)
        path = reader.tx.schema.path(facts.module, name)
        value = facts.value(path)
        if value is None:
            return []
        if path.field.type in ("owner", "owners"):
            named = value if isinstance(value, list) else [value]
            return handles(reader, named, self._warn)
        target = reader.tx.schema.target(path.field)
        if target and target.email_field:
            return self._reached(target, reader.row(target, value) or {})
        module, values = facts.holder(path)
        if values is not None and path.field.name == module.email_field:
            return self._reached(module, values)
        return [self._at(str(value))]

    def _owner_for(self, facts: RecordFacts, name: str) -> list[Person]:
        """Who is written to instead of a user who is switched off: the owner of the record."""
        user, owner = facts.reader.user(name), facts.values.get("owner")
        if user is None or owner is None or owner == name:
            return []
        found = handles(facts.reader, [owner])
        if found:
            self._warn(f"{owner}, who owns {facts.values.get('number')}, is written to instead")
        return found

    def _reached(self, module: Module, row: Values) -> list[Person]:
        """A record that a field leads to, unless it is a person who is not there any more."""
        if not row:
            return []
        if (module.purpose == Purpose.CONTACT or module.name == USERS) and row.get(
            "active"
        ) is False:
            self._warn(f"{name_of(module, row)} is not active any more and gets no messages")
            return []
        return [self._person(module, row)]

    def _at(self, address: str) -> Person:
        """Who has this address: a contact or an account, those of this customer before others."""
        schema, mine = self.facts.reader.tx.schema, set(self._accounts())
        for purpose, key in ((Purpose.CONTACT, "account"), (Purpose.CUSTOMER, "id")):
            module = schema.find(purpose)
            if module is None or not module.email_field:
                continue
            table = schema.tables[module.name]
            same = Fold(table.c[module.email_field]) == address.casefold()
            query = select(table).where(same, table.c.deleted_at.is_(None)).order_by(table.c.id)
            rows = [dict(r) for r in self.facts.reader.tx.db.execute(query.limit(20)).mappings()]
            if rows:
                row = next((row for row in rows if row.get(key) in mine), rows[0])
                return replace(self._person(module, row), address=address)
        return Person(address, language=language_of(self.facts))

    def _person(self, module: Module, row: Values) -> Person:
        """A record that can be written to."""
        if module.name == USERS:
            return user_person(row)
        account = row["id"] if module.purpose == Purpose.CUSTOMER else row.get("account")
        return Person(
            str(row.get(module.email_field or "") or ""),
            name_of(module, row),
            contact=row["id"] if module.purpose == Purpose.CONTACT else None,
            account=account,
            language=str(row.get("language") or self._language_of(account)),
            record=f"{module.name}/{row['id']}",
        )

    def _language_of(self, account: int | None) -> str:
        row = self._row(Purpose.CUSTOMER, account)
        return str(row.get("language") or "") if row else language_of(self.facts)

    # --- contacts ---

    def _contacts(self, account: int, positions: Sequence[str]) -> list[Person]:
        """Those of the first position that is filled; without positions all, the primary first."""
        if not positions:
            return [self._contact(row) for row in self._rows_of(account)]
        for position in positions:
            if found := self._in(self._rows_of(account), position):
                if position != positions[0]:
                    who = listed([person.name for person in found])
                    self._instead(account, called(positions[0]), f"{called(position)}, {who}")
                return found
        return self._stand_in(account, called(positions[0]))

    def _stand_in(self, account: int, position: str) -> list[Person]:
        """The primary contact; without one all others. Told where something else was asked for."""
        rows = self._rows_of(account)
        primary = [self._contact(row) for row in rows if row.get("is_primary")]
        found = primary or [self._contact(row) for row in rows]
        names = listed([person.name for person in found])
        missing = position or ("" if primary else "primary contact")
        if missing and found:
            kind = "primary contact" if primary else "contacts"
            self._instead(account, missing, f"{kind}, {names}")
        return found

    def _instead(self, account: int, missing: str, found: str) -> None:
        self._warn(f"{self._name(account)} has no {missing}: written to its {found}")

    def _in(self, rows: Iterable[Values], position: str) -> list[Person]:
        wanted = position.casefold()
        fitting = (row for row in rows if str(row.get("position") or "").casefold() == wanted)
        return [self._contact(row) for row in fitting]

    def _rows_of(self, account: int) -> list[Values]:
        """The active contacts of an account that have an address, the primary one first."""
        module = self.facts.reader.tx.schema.find(Purpose.CONTACT)
        if module is None:
            return []
        ids = self.facts.reader.related(module, "account", account)
        rows = [row for id in ids if (row := self._row(Purpose.CONTACT, id)) and self._usable(row)]
        return sorted(rows, key=lambda row: not row.get("is_primary"))

    def _usable(self, row: Values) -> bool:
        module = self.facts.reader.tx.schema.of(Purpose.CONTACT)
        ways = (module.email_field or "",) if self.by == "email" else PHONES
        return row.get("active") is not False and any(row.get(way) for way in ways)

    def _contact(self, row: Values) -> Person:
        return self._person(self.facts.reader.tx.schema.of(Purpose.CONTACT), row)

    # --- contacts of invoices ---

    def _of_invoice(self, invoice: Values, positions: Sequence[str]) -> list[Person]:
        """The invoice's own; without any (in these positions) the rule for its account's counts."""
        rows = [self._placed(line) for line in self._lines_of(invoice)]
        usable = [row for row in rows if row and self._usable(row)]
        found = [person for name in positions for person in self._in(usable, name)]
        if not positions:
            found = [self._contact(row) for row in usable]
        if found:
            return found
        sought = " or ".join(map(called, positions))
        which = f"{sought} among its contacts" if sought else "contact of its own"
        self._warn(f"{invoice.get('number')} has no {which}: the contacts of the account are used")
        account = invoice.get("account")
        if account is None:
            return []
        return self._contacts(account, positions) if positions else self._stand_in(account, "")

    def _placed(self, line: Values) -> Values:
        """The contact of a line, in the position it has for this invoice."""
        row = self._row(Purpose.CONTACT, line.get("contact")) or {}
        return {**row, "position": line.get("position") or row.get("position")} if row else {}

    def _lines_of(self, invoice: Values) -> list[Values]:
        schema = self.facts.reader.tx.schema
        module = schema.find(Purpose.INVOICE_CONTACT)
        if module is None:
            return []
        ids = self.facts.reader.related(module, "invoice", invoice["id"])
        return [row for id in ids if (row := self._row(Purpose.INVOICE_CONTACT, id))]

    def _only(self, people: list[Person]) -> list[Person]:
        """Leave out other people of the customer where an invoice has contacts that are alone."""
        lines = [(each, line) for each in self._invoices() for line in self._lines_of(each)]
        alone = [(each, line) for each, line in lines if line.get("only")]
        rows = [self._placed(line) for _, line in alone]
        only = once(self._contact(row) for row in rows if row and self._usable(row))
        theirs = [person for person in people if not person.handle and person.account is not None]
        others = [person for person in theirs if person not in only]
        if not only or not others:
            return people
        number, names = alone[0][0].get("number"), listed([person.name for person in only])
        for person in others:
            self._warn(f"left out {person.address or person.name}: {number} is for {names} only")
        return [*(person for person in people if person not in others), *only]

    # --- users known elsewhere ---

    def _from_source(self, facts: RecordFacts, name: str) -> list[Person]:
        """The user whose id in the source system a field of the record holds."""
        reader = self.facts.reader
        value = facts.value(reader.tx.schema.path(facts.module, name))
        if value is None or SOURCE_ID not in reader.tx.schema.module(USERS).by_name:
            return []
        users = reader.tx.schema.tables[USERS]
        same = (users.c[SOURCE_ID] == str(value), users.c.deleted_at.is_(None))
        found = list(reader.tx.db.scalars(select(users.c.username).where(*same)))
        if not found:
            number = facts.values.get("number")
            self._warn(f"no user has the id {value} in the source system ({number})")
        return handles(reader, found, self._warn)

    # --- what the record belongs to ---

    def _every(self) -> list[RecordFacts]:
        return [self.facts, *self.beside]

    def _accounts(self) -> list[int]:
        """The accounts of all these records, each once."""
        found = (account_of(facts) for facts in self._every())
        return list(dict.fromkeys(id for id in found if id is not None))

    def _invoices(self) -> list[Values]:
        ids = dict.fromkeys(belongs_to(facts, Purpose.INVOICE) for facts in self._every())
        return [row for id in ids if (row := self._row(Purpose.INVOICE, id))]

    def _row(self, purpose: Purpose, id: int | None) -> Values | None:
        module = self.facts.reader.tx.schema.find(purpose)
        return self.facts.reader.row(module, id) if module and id else None

    def _name(self, account: int) -> str:
        schema = self.facts.reader.tx.schema
        return name_of(schema.of(Purpose.CUSTOMER), self._row(Purpose.CUSTOMER, account) or {})

    def _warn(self, told: str) -> None:
        if told not in self.warnings:
            self.warnings.append(told)
