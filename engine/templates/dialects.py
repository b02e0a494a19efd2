"""What modules and filters are called elsewhere, where that is something else than here."""

from collections.abc import Iterable

from engine.schema.field_names import squashed
from engine.schema.modules import Module, Schema

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


def module_meant(word: str, schema: Schema) -> Module | None:
    """The module that somebody meant who wrote it as elsewhere."""
    plain = squashed(word)
    for module in schema:
        if plain in _names(module):
            return module
    return schema.modules.get(MODULES.get(plain, ""))


def _names(module: Module) -> Iterable[str]:
    return (squashed(module.name), squashed(module.singular), squashed(module.label))
