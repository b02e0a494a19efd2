"""The form that supposes what has not happened, and what the version would do then."""

from collections.abc import Iterator

from engine.problems import Invalid, refuse, suggest
from engine.schema.modules import KEPT_BY_US, Module
from server.access.session import Visit
from server.operations.reviews import Proposal, supposed
from server.pages.frame.field_values import faults
from server.pages.frame.names import Names
from server.pages.reviews.dry_run import dry_runs
from server.pages.reviews.views import Trying

NAMED = 12


def trying(visit: Visit, names: Names, it: Proposal) -> Trying:
    """What was asked for in the address of the page, and what would come of it."""
    record, values = visit.asked("try_record"), visit.asked("try_values")
    module = names.tx.schema.module(it.parsed.module)
    view: Trying = {
        "singular": module.singular.lower(),
        "record": record,
        "given": values,
        "fields": ", ".join([*_settable(module)][:NAMED]),
        "error": "",
        "runs": [],
    }
    if not (record or values):
        return view
    try:
        found = supposed(visit.desk, it, record, dict(_read(module, values)))
    except Invalid as invalid:
        return {**view, "error": faults(invalid.problems)}
    return {**view, "runs": dry_runs(names, it.parsed, [found])}


def _settable(module: Module) -> Iterator[str]:
    """The names of the fields that people give values to, as they are called."""
    for field in module.fields:
        if not field.computed and field.name not in KEPT_BY_US:
            yield field.title


def _read(module: Module, values: str) -> Iterator[tuple[str, str]]:
    """Each line `field: value`, the field by name or label. Raises `Invalid`."""
    known = {field.title.casefold(): field.name for field in module.fields}
    known |= {name.casefold(): name for name in module.by_name}
    for line in filter(str.strip, values.splitlines()):
        name, _, value = line.partition(":")
        found = known.get(name.strip().casefold())
        if found is None:
            told = f"there is no field “{name.strip()}” in {module.label}."
            raise refuse("values", told, suggest(name.strip(), _settable(module), "Fields"))
        yield found, value.strip()
