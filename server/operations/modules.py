"""Modules and their fields: what there is to work with."""

from typing import NotRequired

from pydantic import JsonValue
from typing_extensions import TypedDict

from engine.conditions.operators import OPERATORS
from engine.problems import suggest
from engine.records.reader import pauses
from engine.records.transaction import Transaction
from engine.schema.fields import Field, Kind
from engine.schema.modules import BUILTIN, Module, Schema
from server.access.desk import Desk
from server.operations import answers
from server.operations.queries import records
from server.operations.registry import Names, missing, operation

YEARLY = (
    "`equals`, `in` and `between` with days such as `today` look at day and month, whatever the "
    "year; all else looks at the year too"
)


class Relation(TypedDict):
    """A module whose records refer to those of this one, and by which field."""

    module: str
    via: str


class FieldOfModule(TypedDict):
    """A field: `type` as it is kept, `kind` as it compares, and what that means where it is not
    plain; `module` is what it refers to."""

    name: str
    type: str
    kind: str
    label: str
    computed: NotRequired[bool]
    required: NotRequired[bool]
    options: NotRequired[list[str]]
    module: NotRequired[str | None]
    default: NotRequired[JsonValue]
    help: NotRequired[str]
    compares: NotRequired[str]


class ModuleLine(TypedDict):
    """A module in short; lines, like those of invoices, belong to another one."""

    name: str
    label: str
    group: str
    lines_of: NotRequired[str]


class ModuleInFull(ModuleLine):
    """A module with its fields and with what refers to it."""

    singular: str
    purpose: str | None
    name_field: str
    count: int
    fields: list[FieldOfModule]
    related: list[Relation]
    automatic_messages_paused_by: list[str]


class Modules(TypedDict):
    """Modules: all in short, or the named ones in full with the operators of each kind of field."""

    modules: list[ModuleLine] | list[ModuleInFull]
    every_module_has: list[str] | list[FieldOfModule]
    operators: NotRequired[dict[str, list[str]]]


@operation(
    "GET /modules",
    scope="records:read",
    stage="learn",
)
def describe_modules(desk: Desk, modules: Names | None = None) -> Modules:
    """List the modules; of the named ones all fields, types, choices and links."""
    with desk.read() as tx:
        if not modules:
            lines = [_line(module) for module in tx.schema]
            return {"modules": lines, "every_module_has": [field.name for field in BUILTIN]}
        known = [found(tx, name) for name in modules]
        common = [_field(tx.schema, field) for field in BUILTIN]
        kinds = {field.kind for module in known for field in module.by_name.values()}
        return {
            "modules": [_full(tx, module) for module in known],
            "every_module_has": common,
            "operators": {kind: _operators(kind) for kind in sorted(kinds)},
        }


def _operators(kind: Kind) -> list[str]:
    """What conditions can ask of a field of this kind."""
    return [operator.name for operator in OPERATORS.values() if kind in operator.kinds]


def found(tx: Transaction, name: str) -> Module:
    """The module of this name. Raises `Missing` with the nearest one."""
    if name in tx.schema.modules:
        return tx.schema.modules[name]
    remedy = suggest(name, tx.schema.modules, "Modules")
    raise missing("module", f"there is no module `{name}`.", remedy)


def _line(module: Module) -> ModuleLine:
    line: ModuleLine = {"name": module.name, "label": module.label, "group": module.group}
    return {**line, "lines_of": module.lines_of.module} if module.lines_of else line


def _full(tx: Transaction, module: Module) -> ModuleInFull:
    related = [
        *((child.name, field.name) for child, field in tx.schema.children(module)),
        *((there.name, via) for there, via in tx.schema.links(module)),
    ]
    return {
        **_line(module),
        "singular": module.singular,
        "purpose": module.purpose,
        "name_field": module.name_field,
        "count": records.count(tx, module),
        "fields": [_field(tx.schema, field) for field in module.fields],
        "related": [{"module": child, "via": via} for child, via in related],
        "automatic_messages_paused_by": list(pauses(tx.schema, module)),
    }


def _field(schema: Schema, field: Field) -> FieldOfModule:
    shown: FieldOfModule = {
        "name": field.name,
        "type": field.of or "text" if field.computed else field.type,
        "kind": field.kind,
        "label": field.title,
        "computed": field.computed,
        "required": field.required,
        "options": list(field.options),
        "module": field.module if schema.target(field) else None,
        "default": field.default,
        "help": field.help,
        "compares": YEARLY if field.yearly else "",
    }
    return answers.without((None, "", [], False), shown)
