"""What templates may name: the roots, and which fields of which modules a path reads."""

import re
from collections.abc import Iterator

from engine.problems import refuse, suggest
from engine.schema.modules import Module, Schema
from engine.schema.purposes import Purpose
from engine.templates.dialects import module_meant
from engine.templates.shorthands import is_shortcode

VARIABLES: dict[str, tuple[str, str]] = {
    "record": (
        "The record: its fields, those of the records it refers to, and its `lines`.",
        "{{ record.account.name }}, {% for line in record.lines %}{{ line.total }}{% endfor %}",
    ),
    "old": ("The record before the change that started the workflow.", "{{ old.status }}"),
    "records": (
        "With group_by: the records that are taken together.",
        "{% for each in records %}{{ each.number }} {% endfor %}",
    ),
    "customer": (
        "The account that the record belongs to, or is: its fields, `invoices` (the open ones), "
        "`balances` (a total for each currency), `balance_overdue_more_than_45_days` (any number).",
        "{{ customer.balances }} {{ customer|overdue(45) }}",
    ),
    "contact": (
        "Whom a mail is for; elsewhere the contact of the record, or its customer's primary one.",
        "{{ contact.first_name|default('customer') }}",
    ),
    "invoices": (
        "The invoices the run is about (grouped, or chosen by a condition on related invoices), "
        "else all open ones of the customer; by due date. Also as `invoices_list` and "
        "`invoices_table`.",
        "{{ invoices.0.balance }} {{ invoices_table }}",
    ),
    "related": (
        "The related records that the conditions choose, by module.",
        "{% for each in related.payments %}{{ each.number }} {% endfor %}",
    ),
    "statement": (
        "The customer's statement: `url`, `link`, `until` (it can be opened for 30 days, without "
        "signing in), and `table`, the same inside the text.",
        "{{ statement.link }}",
    ),
    "customer_portal": (
        "The same page: `url`, `link` or `hyperlink`.",
        "{{ customer_portal.url }}",
    ),
    "steps": ("What earlier steps gave, by their ids.", "{{ steps.mail.subject }}"),
    "actor": ("Who made the change: `name`, `email`.", "{{ actor.name }}"),
    "company": (
        "The company: `name`, `timezone`, `language`, `currency`, `sender`.",
        "{{ company.name }}",
    ),
    "site": ("Sayso itself: `url`, and `record`, the page of the record.", "{{ site.record }}"),
    "language": (
        "The reader's language, such as fr; the customer's, else the company's.",
        "{% if language == 'fr' %}Bonjour{% else %}Hello{% endif %}",
    ),
    "today": ("The day on which the text is written.", "{{ today|add_days(5) }}"),
    "now": ("The moment at which the text is written.", "{{ now|date('dd/MM/yyyy HH:mm') }}"),
    "$module-field$": (
        "A field as other products write it; also $(account_id : (Accounts) phone), $lastname and "
        "{{ object__field }}.",
        "Dear $contacts-lastname$,",
    ),
}
"""What a template may name: in words, and with an example."""
ROOTS = tuple(name for name in VARIABLES if name.isidentifier())
KEYS = {
    "company": ("name", "timezone", "language", "currency", "sender"),
    "actor": ("name", "email"),
    "statement": ("url", "until", "link", "table", "invoices"),
    "customer_portal": ("url", "until", "link", "hyperlink"),
    "site": ("url", "record"),
    "language": (),
    "today": (),
    "now": (),
}
"""The roots that are no record, and all there is below them."""
OF_CUSTOMER = ("invoices", "balances")
LATE = re.compile(r"balance_overdue_more_than_(\d{1,4})_days")
META = {
    "date": "today",
    "recordid": "record.id",
    "crmdetailviewurl": "site.record",
    "siteurl": "site.url",
    "portalurl": "customer_portal.url",
    "dbtimezone": "company.timezone",
    "usertimezone": "company.timezone",
}
"""What another product calls its meta variables."""
LONG = re.compile(r"\$\(\s*(\w+)\s*:\s*\(\s*(\w+)\s*\)\s*(\w+)\s*\)")
DOLLAR = "A dollar sign before a word is written {{ '$' }}."


def way_to(schema: Schema, module: Module, purpose: Purpose) -> str | None:
    """The path from a record to the one of this purpose it belongs to; "id" if it is one itself.

    A reference of its own comes first, the one that is named like it before all others; then one
    through another record, as from a case through its applicant to the account.
    """
    if module.purpose == purpose:
        return "id"
    if (home := schema.find(purpose)) is None:
        return None
    target = home.name
    links = [field for field in module.fields if field.type == "reference"]
    own = [field.name for field in links if field.module == target]
    if own:
        return next((name for name in own if name == target.removesuffix("s")), own[0])
    for link in links:
        there = schema.modules.get(link.module or "")
        onward = there.references(target) if there and there.name != module.name else []
        if onward:
            return f"{link.name}.{onward[0].name}"
    return None


def late_days(name: str) -> int | None:
    """The days in `balance_overdue_more_than_45_days`."""
    found = LATE.fullmatch(name)
    return int(found[1]) if found else None


def fields_of(path: str, home: Module, schema: Schema) -> Iterator[tuple[Module, str]]:
    """The fields that a path of a template reads, each from the module it is of.

    Raises `Invalid` where a shortcode, or a module, means nothing here.
    """
    root, *rest = meaning(path, home, schema).split(".")
    match root:
        case "record" | "old":
            yield from _below(home, rest, schema)
        case "records":
            yield from _below(home, rest[1:], schema)
        case "customer" | "statement" | "customer_portal":
            yield from _customer(root, rest, home, schema)
        case "contact":
            yield from _below(schema.of(Purpose.CONTACT), rest, schema)
        case "invoices":
            yield from _below(schema.of(Purpose.INVOICE), rest[1:], schema)
        case "related" if rest:
            yield from _below(schema.module(rest[0]), rest[2:], schema)


def _below(module: Module, rest: list[str], schema: Schema) -> Iterator[tuple[Module, str]]:
    if rest and rest[0] == "lines" and (lines := schema.lines(module)):
        module, rest = lines[0], rest[2:]
    if rest:
        yield module, ".".join(_to_json(module, rest, schema))


def _to_json(module: Module, rest: list[str], schema: Schema) -> list[str]:
    """The names up to a field that holds JSON: what is inside it, nobody knows beforehand.

    What other products call a field becomes its name here.
    """
    here: Module | None = module
    names = list(rest)
    for place, name in enumerate(rest):
        names[place] = (here.meant(name) if here else None) or name
        field = here.by_name.get(names[place]) if here else None
        if field is None or field.type == "json":
            return names[: place + 1] if field else names
        here = schema.target(field)
    return names


def _customer(
    root: str, rest: list[str], home: Module, schema: Schema
) -> Iterator[tuple[Module, str]]:
    way = way_to(schema, home, Purpose.CUSTOMER)
    if way is None:
        message = f"{home.label} do not belong to a customer, so there is no `{root}` here."
        raise refuse("", message, "Name fields of the `record`.")
    if way != "id":
        yield home, way
    if root == "customer" and rest and rest[0] not in OF_CUSTOMER and late_days(rest[0]) is None:
        yield from _below(schema.of(Purpose.CUSTOMER), rest, schema)
    elif root == "statement" or rest:
        invoices = schema.of(Purpose.INVOICE)
        named = rest[2:] if rest and rest[0] == "invoices" else []
        yield from _below(invoices, named, schema)
        yield from ((invoices, name) for name in ("balance", "currency", "due_date"))


# --- fields as other products write them ---


def meaning(path: str, home: Module, schema: Schema) -> str:
    """The path that a shortcode stands for; any other path as it is. Raises `Invalid`."""
    name, dot, rest = path.partition(".")
    if not is_shortcode(name):
        return path
    if name.startswith("object__"):
        return _of_object(name, home, schema) + dot + rest
    if found := LONG.fullmatch(name):
        return _through(*found.groups(), home=home, schema=schema)
    module, dash, field = name.strip("$").partition("-")
    if dash:
        return _of_module(module, field, home, schema)
    return f"record.{_field(module, home, DOLLAR)}"


def _field(word: str, module: Module, otherwise: str = "") -> str:
    found = module.meant(word)
    if found is None:
        remedy = module.instead_of(word)
        message = f"there is no field `{word}` in {module.label}."
        raise refuse("", message, f"{remedy} {otherwise}".strip())
    return found


def _of_module(word: str, field: str, home: Module, schema: Schema) -> str:
    """`$contacts-lastname$`: of the record itself, or of the one of that module beside it."""
    if word.casefold() == "company" and field in KEYS["company"]:
        return f"company.{field}"
    module = module_meant(word, schema)
    if module is None:
        message = f"there is no module `{word}`."
        raise refuse("", message, suggest(word, schema.modules, "Modules"))
    name = _field(field, module)
    if module.name == home.name:
        return f"record.{name}"
    if module.purpose == Purpose.CONTACT:
        return f"contact.{name}"
    if module.purpose == Purpose.CUSTOMER:
        return f"customer.{name}"
    links = [each.name for each in home.by_name.values() if schema.target(each) == module]
    links = ["owner"] if "owner" in links else links
    if len(links) != 1:
        message = f"which of the {module.label} is meant is not clear from {home.label}."
        remedy = suggest(word, links, "Write {{ record....." + f"{name} }}}} with one of")
        raise refuse("", message, remedy if links else "Name fields of the `record`.")
    return f"record.{links[0]}.{name}"


def _through(word: str, there: str, field: str, *, home: Module, schema: Schema) -> str:
    """`$(account_id : (Accounts) phone)`: of the record that a reference leads to."""
    if there.strip("_").casefold() in ("vtigermeta", "cbmeta", "meta"):
        known = META.get(field.casefold())
        if known is None:
            raise refuse("", f"there is no `{field}` to insert.", suggest(field, META, "There are"))
        return known
    reference = _field(word, home)
    target = schema.target(home.field(reference))
    if target is None:
        message = f"`{word}` of {home.label} does not lead to another record."
        links = [each.name for each in home.by_name.values() if schema.target(each)]
        raise refuse("", message, suggest(word, links, "References"))
    return f"record.{reference}.{_field(field, target)}"


def _of_object(name: str, home: Module, schema: Schema) -> str:
    """`object__status`, `object__account__phone`, `object__source_original_data__Status`."""
    words = [word for word in name.split("__")[1:] if word != "source_original_data"]
    root, module, path = "record", home, list[str]()
    for word in words:
        if not path and (there := _customer_field(word, home, schema)):
            root, module = "customer", there
        path.append(_field(word, module))
        module = schema.target(module.field(path[-1])) or module
    return ".".join([root, *path])


def _customer_field(word: str, home: Module, schema: Schema) -> Module | None:
    """The module of customers, where a word is no field of the record but one of its customer."""
    there = schema.find(Purpose.CUSTOMER)
    if there is None or home.meant(word) is not None:
        return None
    return there if there.meant(word) and way_to(schema, home, Purpose.CUSTOMER) else None
