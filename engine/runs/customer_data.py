"""What templates read of the customer behind a record: balances, open invoices, the statement."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from engine.conditions import ALWAYS, bind
from engine.conditions.readings import CONDITION, Columns, holds
from engine.records.reader import CURRENCY, Reader, RecordFacts, added_up, name_of, template_data
from engine.runs.addressees import account_of, described
from engine.runs.recipients import Recipients
from engine.schema.purposes import Purpose
from engine.templates.filters import Named, Unusable
from engine.templates.variables import late_days

GOOD_FOR = timedelta(days=30)
Chosen = Callable[[], Sequence[RecordFacts] | None]


def customer_parts(
    facts: RecordFacts, below: Callable[[str], set[str]], chosen: Chosen
) -> dict[str, Callable[[], Any]]:
    """The roots that lead to the customer of a record, each put together when it is asked for.

    `below` gives the paths that are read under a root; `chosen` the invoices a run is
    about, None where it is about no invoices in particular.
    """
    owed = Owed(facts, chosen)
    return {
        "customer": lambda: owed.customer(below("customer")),
        "contact": lambda: contact(facts, below("contact")),
        "invoices": lambda: owed.listed(owed.chosen, {"", *_of_items(below("invoices"))}),
        "statement": lambda: owed.statement(_of_items(_under(below("statement"), "invoices"))),
        "customer_portal": lambda: owed.statement(()),
    }


class Owed:
    """The account behind a record, and its open invoices in the order of their due dates."""

    def __init__(self, facts: RecordFacts, chosen: Chosen) -> None:
        self.reader, self.account = facts.reader, account_of(facts)
        self._chosen = chosen

    @property
    def chosen(self) -> Sequence[RecordFacts]:
        """The invoices that a text is about: those of the run, or all that are open."""
        chosen = self._chosen()
        return self.open if chosen is None else sorted(chosen, key=_due)

    @property
    def open(self) -> list[RecordFacts]:
        return open_invoices(self.reader, self.account) if self.account is not None else []

    def customer(self, paths: set[str]) -> Named | None:
        """The account as data, with what is left to pay on its open invoices."""
        module = self.reader.tx.schema.find(Purpose.CUSTOMER)
        row = self.reader.row(module, self.account) if module and self.account else None
        if module is None or row is None:
            return None
        data = template_data(RecordFacts(self.reader, module, row), paths)
        for name in paths:
            if (days := late_days(name)) is not None:
                data[name] = _left(_late(self.open, days, self.reader))
        if inside := _under(paths, "invoices"):
            data["invoices"] = self.listed(self.open, {"", *_of_items(inside)})
        return Named(row["id"], name_of(module, row), data)

    def statement(self, paths: Iterable[str]) -> dict[str, Any] | None:
        """Where the customer reads the statement without signing in, until when, and what of."""
        if self.account is None:
            return None
        until = self.reader.at + GOOD_FOR
        return {
            "url": self.reader.tx.links.statement(self.account, until),
            "until": self.reader.tx.company.calendar.today(until),
            "invoices": self.listed(self.open, {"", *paths}),
        }

    def listed(self, rows: Iterable[RecordFacts], paths: set[str]) -> list[Named]:
        return [
            Named(row.values["id"], name_of(row.module, row.values), template_data(row, paths))
            for row in rows
        ]


def contact(facts: RecordFacts, paths: set[str]) -> dict[str, Any] | None:
    """Who a text is for where it is for nobody else: the contact of the record, or its customer."""
    schema, word = facts.reader.tx.schema, "primary_contact"
    if facts.module.purpose == Purpose.CONTACT:
        return template_data(facts, {"", *paths})
    own = facts.module.by_name.get("contact")
    if own and schema.target(own) and facts.values.get("contact"):
        word = "contact"
    people = Recipients(facts).people(word)
    return described(facts.reader, people[0], paths) if people else None


def open_invoices(reader: Reader, account: int) -> list[RecordFacts]:
    """The invoices of a customer on which something is left to pay, by due date.

    What is open is what the account's own field `open_invoices` counts.
    """
    schema = reader.tx.schema
    module = schema.find(Purpose.INVOICE)
    if module is None or "balance" not in module.by_name:
        return []
    counted = schema.of(Purpose.CUSTOMER).by_name.get("open_invoices")
    asked = (counted.formula or {}).get("where") if counted else None
    binder, table = reader.binder(module), schema.tables[module.name]
    condition = CONDITION.validate_python(asked) if asked else ALWAYS
    owed = (table.c.account == account, table.c.deleted_at.is_(None), table.c.balance != 0)
    also = [Columns(binder, table).when(asked)] if asked else []
    ids = list(reader.tx.db.scalars(select(table.c.id).where(*owed, *also)))
    reader.load(module, ids)
    rows = [RecordFacts(reader, module, reader.row(module, id) or {}) for id in ids]
    # A rehearsal has changed what the database does not know.
    kept = bind(condition, binder)
    return sorted((row for row in rows if row.values.get("balance") and holds(kept, row)), key=_due)


def _due(row: RecordFacts) -> tuple[bool, Any, int]:
    due = row.values.get("due_date")
    return due is None, due or 0, row.values["id"]


def _left(rows: Iterable[RecordFacts]) -> Decimal | Unusable:
    """What is left to pay on these invoices together, if they are in one currency."""
    owed = [row.values for row in rows]
    currencies = {str(values[CURRENCY]) for values in owed if values.get(CURRENCY)}
    return (
        added_up(currencies)
        if len(currencies) > 1
        else sum((values["balance"] for values in owed), Decimal(0))
    )


def _late(rows: Iterable[RecordFacts], days: int, reader: Reader) -> Iterable[RecordFacts]:
    today = reader.tx.company.calendar.today(reader.at)
    for row in rows:
        due = row.values.get("due_date")
        if due is not None and (today - due).days >= days:
            yield row


def _under(paths: Iterable[str], root: str) -> set[str]:
    """The paths below one that may itself be named: `invoices` gives the empty path."""
    split = (path.partition(".") for path in paths)
    return {rest for head, _, rest in split if head == root}


def _of_items(paths: Iterable[str]) -> set[str]:
    """The fields that are read of a list's items."""
    return {path.partition(".")[2] for path in paths}
