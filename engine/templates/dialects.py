"""What fields, modules and filters are called elsewhere, where that is something else than here."""

from collections.abc import Iterable

from engine.schema.modules import Module, Schema

FIELDS = {
    "accountid": ("account",), "contactid": ("contact",), "parentid": ("account", "record"),
    "relatedto": ("account", "record"), "accountname": ("name",), "assigneduserid": ("owner",),
    "assignedto": ("owner", "assignee"), "smownerid": ("owner",), "email1": ("email",),
    "datedue": ("due_date",), "invoicedate": ("issue_date",), "dateissued": ("issue_date",),
    "issued": ("issue_date",), "hdngrandtotal": ("total",), "grandtotal": ("total",),
    "amountdue": ("balance",), "amountoutstanding": ("balance",), "outstanding": ("balance",),
    "amount": ("total",), "salesstage": ("stage",), "quotestage": ("status",),
    "sostatus": ("status",), "postatus": ("status",), "potentialname": ("name",),
    "currencyid": ("currency",), "currencycode": ("currency",), "billcity": ("city",),
    "mailingcity": ("city",), "billcountry": ("country",), "createdtime": ("created_at",),
    "datecreated": ("created_at",), "modifiedtime": ("modified_at",), "leadsource": ("source",),
    "recordid": ("id",), "title": ("position", "subject"), "fullname": ("name",),
    "displayname": ("name",), "otherphone": ("phone",), "mobilephone": ("mobile",),
}  # fmt: skip
MODULES = {
    "helpdesk": "tickets", "potentials": "opportunities", "deals": "opportunities",
    "customers": "accounts", "customer": "accounts", "organizations": "accounts",
    "organization": "accounts", "companies": "accounts", "project": "projects",
    "servicecontracts": "service_contracts", "calendar": "events",
}  # fmt: skip
FILTERS_ELSEWHERE = {
    "plus": "add", "subtract": "sub", "minus": "sub", "times": "mul", "multiply": "mul",
    "divide": "div", "divided_by": "div", "modulo": "mod", "pow": "power", "currency": "money",
    "floatformat": "number", "format_number": "number", "intcomma": "number", "float": "round",
    "percentage": "percent", "count": "length", "size": "length", "replace": "replace_text",
    "strip": "trim", "truncatechars": "truncate", "default_if_none": "default", "yesno": "if_else",
    "iif": "if_else", "ifelse": "if_else", "dictsort": "sort", "selectattr": "where", "map": "join",
    "groupby": "totals", "regroup": "totals", "strftime": "date", "naturalday": "date",
    "timesince": "days_between", "networkdays": "working_days_between", "date_add": "add_days",
    "plus_days": "add_days", "astimezone": "timezone", "localtime": "timezone", "href": "link",
    "urlize": "link", "safe": "safe_html", "tojson": "json",
}  # fmt: skip


def field_meant(word: str, module: Module) -> str | None:
    """The field that somebody meant who wrote it as elsewhere; None where that is not clear."""
    if word in module.by_name:
        return word
    plain = squashed(word)
    spelled = [name for name in module.by_name if squashed(name) == plain]
    titled = [name for name, field in module.by_name.items() if squashed(field.title) == plain]
    for found in (spelled, titled, _known(plain, module), _shorter(word, module)):
        if len(found) == 1:
            return found[0]
    return None


def _known(plain: str, module: Module) -> list[str]:
    return [name for name in FIELDS.get(plain, ()) if name in module.by_name][:1]


def _shorter(word: str, module: Module) -> list[str]:
    """Without what says no more than the module does: `invoice_no`, `ticketstatus`, `owner_id`."""
    plain, own = squashed(word), squashed(module.singular)
    rest = plain.removeprefix(own)
    ends = {"no": "number", "": "number" if plain.endswith("no") else ""}
    wanted = {rest, plain.removesuffix("id"), ends.get(rest, ""), "number" * word.endswith("_no")}
    return sorted({name for name in module.by_name if squashed(name) in wanted - {""}})


def module_meant(word: str, schema: Schema) -> Module | None:
    """The module that somebody meant who wrote it as elsewhere."""
    plain = squashed(word)
    for module in schema:
        if plain in _names(module):
            return module
    return schema.modules.get(MODULES.get(plain, ""))


def _names(module: Module) -> Iterable[str]:
    return (squashed(module.name), squashed(module.singular), squashed(module.label))


def squashed(word: str) -> str:
    """A name without what people write in different ways."""
    return "".join(sign for sign in word.casefold() if sign.isalnum())
