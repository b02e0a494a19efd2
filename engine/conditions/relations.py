"""How the records of one module belong with those of another: by which references, seen from us."""

from engine.conditions.bound import Binder, Link, Relation
from engine.problems import join, refuse, suggest
from engine.schema.modules import Module


def relation(binder: Binder, related: str, via: str, where: str) -> Relation:
    """How the records of another module belong with this one. Raises `Invalid`.

    `via` is a field of theirs: a reference to this record, a reference that both have, or one that
    may hold any record; or, through a module in between, `invoice_contacts.contact`.
    """
    there = binder.schema.module(related, join(where, "related"))
    if "." in via:
        return _linked(binder, there, via, join(where, "via"))
    fitting = _fitting(binder, there)
    if via not in there.by_name:
        message = f"there is no field `{via}` in {there.label}."
        raise refuse(join(where, "via"), message, _leads(via, fitting, there, binder.module))
    link = there.by_name[via]
    if link.type == "record":
        return Relation(there, link, "id", prefix=f"{binder.module.name}/")
    if link.type == "reference" and link.module == binder.module.name:
        return Relation(there, link, "id")
    ours = binder.module.by_name.get(via)
    if ours and link.type == ours.type == "reference" and ours.module == link.module:
        return Relation(there, link, via)
    message = f"`{via}` of {there.label} does not lead to {binder.module.label}."
    raise refuse(join(where, "via"), message, _leads(via, fitting, there, binder.module))


def _leads(via: str, fitting: list[str], there: Module, here: Module) -> str:
    """What to write as `via`."""
    if not fitting:
        return f"No field of {there.label} leads to {here.label}: choose another module."
    return suggest(via, fitting, f"{there.label} lead to {here.label} by")


def _fitting(binder: Binder, there: Module) -> list[str]:
    """Every `via` by which records of that module belong with this one."""
    shared = {(field.name, field.module) for field in binder.module.fields}
    own = [
        field.name
        for field in there.fields
        if field.type == "record"
        or (field.type == "reference" and field.module == binder.module.name)
        or (field.type == "reference" and (field.name, field.module) in shared)
    ]
    return own + [via for module, via in binder.schema.links(binder.module) if module is there]


def _linked(binder: Binder, there: Module, via: str, at: str) -> Relation:
    """Through the records of a module in between: `invoice_contacts.contact`."""
    name, ours, *rest = via.split(".")
    between = binder.schema.module(name, at)
    leads = between.references(binder.module.name)
    if (link := between.field(ours, at)) not in leads:
        message = f"`{ours}` of {between.label} does not lead to {binder.module.label}."
        raise refuse(at, message, suggest(ours, [field.name for field in leads], "Fitting"))
    onward = [field for field in between.references(there.name) if field is not link]
    if rest:
        onward = [field for field in onward if field.name == ".".join(rest)]
    if len(onward) != 1:
        message = f"{between.label} does not lead on to {there.label} by a single field."
        remedy = "Name one that does, like `invoice_contacts.contact.invoice`."
        raise refuse(at, message, remedy)
    return Relation(there, link, "id", link=Link(between, onward[0]))
