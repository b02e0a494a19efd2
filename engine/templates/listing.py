"""All that a text about a module's records may insert, in words: what an editor offers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.schema.fields import Field
from engine.schema.modules import Module, Schema
from engine.schema.purposes import Purpose
from engine.templates.variables import KEYS, VARIABLES, way_to

SUMS = (
    ("balances", "What is left to pay, for each currency"),
    ("balances_overdue", "Of that what is overdue, for each currency"),
    ("balance_overdue_more_than_30_days", "Overdue by 30 days or more (or any other number)"),
)
LISTS = (("invoices_list", "The invoices as a list"), ("invoices_table", "The invoices as a table"))
OWN_PAGE = ("statement", "customer_portal")


@dataclass(frozen=True)
class Insert:
    """One variable: what is written for it, what it is, and how other products write the same."""

    group: str
    title: str
    type: str
    written: str
    elsewhere: str = ""


def inserts(module: Module, schema: Schema, *, event: bool = True) -> Iterator[Insert]:
    """Everything, the record's own fields first. `event`: a change may start the workflow."""
    yield from _fields(module, "record", module.singular, f"${module.name}-{{}}$")
    for link in _fields_of(module):
        if there := schema.target(link):
            name = "Users" if link.type == "owner" else there.name
            group = f"{module.singular}: {link.title}"
            yield from _fields(
                there, f"record.{link.name}", group, f"$({link.name} : ({name}) {{}})"
            )
    if lines := schema.lines(module):
        for field in _fields_of(lines[0]):
            text = f"{{% for line in record.lines %}}{{{{ line.{field.name} }}}}{{% endfor %}}"
            yield Insert(f"{module.singular}: its lines", field.title, field.kept.name, text)
    if way_to(schema, module, Purpose.CUSTOMER):
        yield from _customer(module, schema)
    if there := schema.find(Purpose.CONTACT):
        short = "" if there == module else f"${there.name}-{{}}$"
        yield from _fields(there, "contact", "Whom it is for", short)
    for root in KEYS:
        if root not in OWN_PAGE:
            yield from _keys(root, "Everywhere")
    if event:
        yield from _fields(module, "old", f"{module.singular} before the change")


def _customer(module: Module, schema: Schema) -> Iterator[Insert]:
    there = schema.of(Purpose.CUSTOMER)
    short = "" if there == module else f"${there.name}-{{}}$"
    yield from _fields(there, "customer", "Customer", short)
    if schema.find(Purpose.INVOICE) is None:
        return
    for name, title in SUMS:
        yield Insert("Customer", title, "money", f"{{{{ customer.{name} }}}}")
    for name, title in LISTS:
        yield Insert("Invoices", title, "list", f"{{{{ {name} }}}}")
    yield from _fields(schema.of(Purpose.INVOICE), "invoices.0", "Invoices: the one due first")
    for root in OWN_PAGE:
        yield from _keys(root, "Statement")


def _keys(root: str, group: str) -> Iterator[Insert]:
    """The variables that are no record; what they are is told once for all of a root."""
    words = re.split("[:,;.]", VARIABLES["statement" if root in OWN_PAGE else root][0])[0]
    for key in KEYS[root] or ("",):
        title = f"{words}: {key}" if key else words
        if key != "invoices":
            yield Insert(group, title, "text", f"{{{{ {root}{f'.{key}' if key else ''} }}}}")


def _fields(module: Module, path: str, group: str, elsewhere: str = "") -> Iterator[Insert]:
    for field in _fields_of(module):
        written = f"{{{{ {path}.{field.name} }}}}"
        other = elsewhere.format(field.name)
        yield Insert(group, field.title, field.kept.name, written, other)


def _fields_of(module: Module) -> list[Field]:
    """The fields that can be printed, the module's own first."""
    known = [field for field in module.by_name.values() if field.kind != "json"]
    return sorted(known, key=lambda field: field.builtin)
