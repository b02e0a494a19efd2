"""Modules made and changed: for admins, over REST and in the pages."""

from datetime import UTC
from typing import Any

from pydantic import JsonValue, ValidationError
from typing_extensions import TypedDict

from engine.people import audit
from engine.problems import BadValue, Invalid, Problem, refuse, suggest
from engine.schema.fields import Field
from engine.schema.modules import Module
from server.access.desk import Desk
from server.operations.modules import found
from server.operations.registry import Plain, missing, operation

CHANGEABLE = ("label", "singular", "group", "numbering", "name_field", "email_field")
CHANGEABLE_IN_FIELD = ("label", "help", "options", "required", "default")


class OneModule(TypedDict):
    """A module as its definition says."""

    module: dict[str, JsonValue]


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
        field.parse(field.default, UTC)  # whether it fits; a new record gives it its own zone
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
