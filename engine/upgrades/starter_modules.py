"""What a release adds to the modules that an installation began with.

What is new is added; a label, a help text or the like is replaced where it still is what the
earlier release brought; choices are only ever added. Nothing that people made or changed is
touched, nothing is removed, and a column that holds values goes on holding them.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from sqlalchemy import column, insert, table, update

from engine.conditions.formulas import check_formula
from engine.schema import modules
from engine.schema.fields import Field
from engine.schema.modules import Module, Schema
from engine.schema.sql_types import Json
from engine.upgrades.changing import Changing

MODULES = table("sayso_modules", column("name"), column("position"), column("definition", Json))
Change = dict[str, Any]


def add_starter(changing: Changing, news: str) -> None:
    """Bring what the file `news` of this folder tells into the stored modules and their tables."""
    told = json.loads(files("engine.upgrades").joinpath(f"{news}.json").read_text())
    before = changing.transaction().schema
    after = {module.name: module for module in before}
    for definition in told["modules"]:
        module = Module.model_validate(definition)
        known = after.get(module.name)
        after[module.name] = _grown(known, definition["fields"]) if known else module
    for name, fields in told["fields"].items():
        if name in after:
            after[name] = _grown(after[name], fields)
    for change in told["changes"]:
        if change["module"] in after:
            after[change["module"]] = _changed(after[change["module"]], change)
    _store(changing, before, _sound(changing, before, list(after.values())))


def _grown(module: Module, fields: list[Change]) -> Module:
    """With those of the fields that it has not."""
    fresh = [Field.model_validate(field) for field in fields if field["name"] not in module.by_name]
    return module.model_copy(update={"fields": (*module.fields, *fresh)})


def _changed(module: Module, change: Change) -> Module:
    """With one attribute of it, or of one of its fields, as the release has it."""
    name = change["field"]
    if name is None:
        return module.model_copy(update=_renewed(module, change))
    fields = [
        field.model_copy(update=_renewed(field, change)) if field.name == name else field
        for field in module.fields
    ]
    return module.model_copy(update={"fields": tuple(fields)})


def _renewed(kept: Module | Field, change: Change) -> Change:
    """The new value of an attribute; nothing, where it is no longer what was brought before."""
    name, kind = change["attribute"], type(kept)
    value, default = getattr(kept, name), kind.model_fields[name].default
    before, after = (
        default if each is None else each for each in (change["before"], change["after"])
    )
    if name == "options":
        return {name: (*value, *(each for each in after if each not in value))} if value else {}
    return {name: after} if value == before else {}


def _sound(changing: Changing, before: Schema, grown: list[Module]) -> list[Module]:
    """Without new computed fields that cannot be worked out in this installation."""
    tx = changing.transaction()
    tx.schema = Schema(grown)
    kept = []
    for module in grown:
        known = before.modules[module.name].by_name if module.name in before.modules else {}
        faulty = {
            field.name
            for field in module.fields
            if field.name not in known and any(check_formula(field, tx.binder(module)))
        }
        for name in sorted(faulty):
            changing.say(f"{module.label}: {name} is left out, its formula does not fit here")
        fields = tuple(field for field in module.fields if field.name not in faulty)
        kept.append(module.model_copy(update={"fields": fields}))
    return kept


def _store(changing: Changing, before: Schema, grown: list[Module]) -> None:
    after = Schema(grown)
    for place, module in enumerate(after):
        old = before.modules.get(module.name)
        if module == old:
            continue
        definition = module.model_dump(mode="json")
        if old is None:
            row = {"name": module.name, "position": place, "definition": definition}
            changing.db.execute(insert(MODULES).values(**row))
            after.homes[module.name].create(changing.db)
            changing.say(f"{module.label}: new")
        else:
            mine = MODULES.c.name == module.name
            changing.db.execute(update(MODULES).where(mine).values(definition=definition))
            _grow(changing, after, module)
            if names := list(_names(module, old)):
                changing.say(f"{module.label}: new fields {', '.join(names)}")


def _names(module: Module, old: Module) -> Iterator[str]:
    return (field.name for field in module.fields if field.name not in old.by_name)


def _grow(changing: Changing, schema: Schema, module: Module) -> None:
    """Give the table of a module the columns and indexes that its definition has more."""
    columns = changing.columns(module.name)
    for field in module.fields:
        if not field.computed and field.name not in columns:
            changing.op.add_column(module.name, modules.column(field))
    known = {index["name"] for index in changing.seen.get_indexes(module.name)}
    for index in schema.homes[module.name].indexes:
        if index.name not in known:
            index.create(changing.db)
