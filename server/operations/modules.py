"""What there is to work with: modules and their fields, and the blocks of workflows."""

from typing import Any, NotRequired

from pydantic import JsonValue, ValidationError
from typing_extensions import TypedDict

from engine.conditions.operators import OPERATORS
from engine.effects.functions import FUNCTIONS
from engine.people import audit
from engine.problems import BadValue, Invalid, Problem, refuse, suggest
from engine.records.reader import pauses
from engine.records.transaction import Transaction
from engine.schema.fields import Field, Kind
from engine.schema.modules import BUILTIN, Module, Schema
from engine.workflows.catalogue import KINDS, Block, Setting, blocks
from server.access.desk import Desk
from server.operations import answers
from server.operations.queries import records
from server.operations.registry import Names, Plain, missing, operation

CHANGEABLE = ("label", "singular", "group", "numbering", "name_field", "email_field")
CHANGEABLE_IN_FIELD = ("label", "help", "options", "required", "default")


class Relation(TypedDict):
    """A module whose records refer to those of this one, and by which field."""

    module: str
    via: str


class FieldOfModule(TypedDict):
    """A field: `type` as it is kept, `kind` as it compares; `module` is what it refers to."""

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


class ModuleLine(TypedDict):
    """A module in short; lines, like those of invoices, belong to another one."""

    name: str
    label: str
    group: str
    lines_of: NotRequired[str]


class ModuleInFull(ModuleLine):
    """A module with its fields and with what refers to it."""

    singular: str
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


class BlockSetting(TypedDict):
    """One key of a block: what it takes and means, and whether it is needed."""

    name: str
    takes: NotRequired[str]
    needed: NotRequired[bool]
    default: NotRequired[JsonValue]
    words: NotRequired[str]


class BlockLists(TypedDict):
    """What later steps can read of a step, what it may do, how grave that is, what it needs."""

    gives: NotRequired[list[str]]
    may: NotRequired[list[str]]
    risks: NotRequired[list[str]]
    needs: NotRequired[list[str]]


class BlockInFull(BlockLists):
    """What can stand in a workflow; if it was asked for by its type, with settings and examples."""

    kind: str
    type: str
    words: str
    settings: NotRequired[list[BlockSetting]]
    example: NotRequired[JsonValue]
    more_examples: NotRequired[list[JsonValue]]


class Blocks(TypedDict):
    """What workflows are made of."""

    blocks: list[BlockInFull]


class Functions(TypedDict):
    """Functions that workflows may call, and why packages of some could not be loaded."""

    functions: list[BlockInFull]
    not_loaded: dict[str, str]


class OneModule(TypedDict):
    """A module as its definition says."""

    module: dict[str, JsonValue]


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
    }
    return answers.without((None, "", [], False), shown)


@operation("GET /blocks", scope="", stage="learn")
def describe_blocks(desk: Desk, kind: str | None = None, types: Names | None = None) -> Blocks:
    """List what workflows are made of; of the named types all settings and an example.

    Kinds: document, trigger, step, operator, value, field, variable, filter, function.
    """
    if kind is not None and kind not in KINDS:
        raise refuse("kind", f"there is no kind `{kind}`.", suggest(kind, KINDS, "Kinds"))
    known = [block for block in blocks() if kind in (None, block.kind)]
    if not types:
        lines: list[BlockInFull] = [
            {"kind": b.kind, "type": b.type, "words": b.line} for b in known
        ]
        return {"blocks": lines}
    names = [block.type for block in known]
    if unknown := [name for name in types if name not in names]:
        raise Invalid(*(_no_block(name, names) for name in unknown))
    return {"blocks": [_block(block) for block in known if block.type in types]}


@operation("GET /functions", scope="")
def list_functions(desk: Desk) -> Functions:
    """List the functions that workflows may call, with their parameters.

    An operator installs them as packages and lists them in SAYSO_FUNCTIONS.
    """
    known = [_block(block) for block in blocks() if block.kind == "function"]
    return {"functions": known, "not_loaded": dict(FUNCTIONS.failed)}


def _no_block(name: str, names: list[str]) -> Problem:
    return Problem("types", f"there is no block `{name}`.", suggest(name, names, "Blocks"))


def _block(block: Block) -> BlockInFull:
    settings = [_setting(setting) for setting in block.settings]
    shown: BlockInFull = {"kind": block.kind, "type": block.type, "words": block.words}
    if settings:
        shown["settings"] = settings
    if block.examples:
        shown["example"] = block.examples[0]
    if block.examples[1:]:
        shown["more_examples"] = list(block.examples[1:])
    lists: BlockLists = {
        "gives": list(block.gives),
        "may": list(block.may),
        "risks": list(block.risks),
        "needs": list(block.needs),
    }
    return {**shown, **answers.without(([],), lists)}


def _setting(setting: Setting) -> BlockSetting:
    shown: BlockSetting = {
        "name": setting.name,
        "takes": setting.takes,
        "needed": setting.needed,
        "default": setting.default,
        "words": setting.words,
    }
    return answers.without((None, "", [], {}, False), shown)


# --- changing modules: for admins, over REST and in the pages ---


@operation(
    "POST /modules",
    scope="modules:write",
    kind="write",
    body="definition",
    status=201,
)
def create_module(desk: Desk, definition: Plain) -> OneModule:
    """Make a module: name, label, singular, numbering and fields. Its table is there at once."""
    name = str(definition.get("name", ""))
    given = definition.get("fields")
    fields = (
        [field for field in given if isinstance(field, dict)] if isinstance(given, list) else []
    )
    named = any(field.get("name") == "name" for field in fields)
    usual: dict[str, Any] = {
        "name_field": "name" if named else "number",
        "label": name.replace("_", " ").capitalize(),
        "singular": name.removesuffix("s").replace("_", " ").capitalize(),
        "numbering": f"{name[:3].upper()}-{{n}}",
        "fields": [],
    }
    module = _read_module({**usual, **definition})
    with desk.installation.database.begin() as tx:
        desk.installation.database.add_module(tx, module)
        audit.record(tx, desk.who.name, "create module", module.name, None, desk.who.token)
    return {"module": module.model_dump(mode="json")}


@operation(
    "POST /modules/{module}/fields",
    body="field",
    scope="modules:write",
    kind="write",
    status=201,
)
def add_field(desk: Desk, module: str, field: Plain) -> OneModule:
    """Give a module another field: name, type, label, options, module (of a reference), ..."""
    fresh = _read_field(field)
    with desk.installation.database.begin() as tx:
        desk.installation.database.add_field(tx, found(tx, module), fresh)
        audit.record(tx, desk.who.name, "add field", f"{module}.{fresh.name}", None, desk.who.token)
    return _changed(desk, module)


@operation(
    "PATCH /modules/{module}",
    body="changes",
    scope="modules:write",
    kind="write",
)
def change_module(desk: Desk, module: str, changes: Plain) -> OneModule:
    """Change what a module is called and numbered by."""
    _only(changes, CHANGEABLE)
    with desk.installation.database.begin() as tx:
        old = found(tx, module)
        fresh = _read_module({**old.model_dump(mode="json"), **changes})
        if fresh.name_field not in fresh.by_name:
            known = suggest(fresh.name_field, fresh.by_name)
            raise refuse("name_field", f"there is no field `{fresh.name_field}`.", known)
        if "{n}" not in fresh.numbering:
            remedy = "Write it like INV-{n}."
            raise refuse("numbering", "the number of a record needs a place.", remedy)
        desk.installation.database.save_module(tx, fresh)
        audit.record(tx, desk.who.name, "change module", module, dict(changes), desk.who.token)
    return _changed(desk, module)


@operation(
    "PATCH /modules/{module}/fields/{field}",
    body="changes",
    scope="modules:write",
    kind="write",
)
def change_field(desk: Desk, module: str, field: str, changes: Plain) -> OneModule:
    """Change the label, help, choices, default of a field, or whether it is required."""
    _only(changes, CHANGEABLE_IN_FIELD)
    with desk.installation.database.begin() as tx:
        home = found(tx, module)
        old = next((each for each in home.fields if each.name == field), None)
        if old is None:
            known = suggest(field, [each.name for each in home.fields], "Fields")
            raise missing("field", f"there is no field `{field}` to change in {home.label}.", known)
        fresh = _read_field({**old.model_dump(mode="json"), **changes})
        if fresh.type == "picklist" and not fresh.options:
            raise refuse("options", f"{fresh.title} has no choices.", "List them under `options`.")
        fields = tuple(fresh if each.name == field else each for each in home.fields)
        desk.installation.database.save_module(tx, home.model_copy(update={"fields": fields}))
        named = f"{module}.{field}"
        audit.record(tx, desk.who.name, "change field", named, dict(changes), desk.who.token)
    return _changed(desk, module)


def _changed(desk: Desk, module: str) -> OneModule:
    with desk.installation.database.read() as tx:
        return {"module": tx.schema.module(module).model_dump(mode="json")}


def _only(changes: Plain, known: tuple[str, ...]) -> None:
    if unknown := [key for key in changes if key not in known]:
        problems = (
            Problem(key, f"`{key}` cannot be changed.", suggest(key, known, "Can be changed"))
            for key in unknown
        )
        raise Invalid(*problems)


def _read_module(definition: dict[str, Any]) -> Module:
    try:
        return Module.model_validate(definition)
    except ValidationError as bad:
        raise _shapeless(bad) from None


def _read_field(definition: dict[str, Any]) -> Field:
    try:
        field = Field.model_validate({**definition, "builtin": False})
        field.parse(field.default)
    except ValidationError as bad:
        raise _shapeless(bad) from None
    except BadValue as bad:
        raise refuse("default", bad.message, bad.remedy) from None
    return field


def _shapeless(bad: ValidationError) -> Invalid:
    return Invalid(
        *(
            Problem(
                ".".join(map(str, fault["loc"])), f"{fault['msg'][:1].lower()}{fault['msg'][1:]}."
            )
            for fault in bad.errors(include_url=False)
        )
    )
