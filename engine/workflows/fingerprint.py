"""What a workflow depends on, the hash that a person approves, and what is asked again later."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.blocks.step import Write
from engine.conditions import ALWAYS, AllOf, AnyOf, Compare, Condition, NotOf, Related, results
from engine.conditions.operators import OPERATORS
from engine.effects.functions import FUNCTIONS
from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.modules import Module, Schema
from engine.templates.variables import fields_of
from engine.templates.wording import dumped
from engine.workflows.rights import rights
from engine.workflows.surroundings import Surroundings
from engine.workflows.workflow import Workflow

COSMETIC = {"name", "description", "category"}
SEMANTICS = 2


def fingerprint(document: Mapping[str, Any], workflow: Workflow, around: Surroundings) -> str:
    """The hash of all that decides what the workflow does.

    That is the document without its mere words, what its templates say, the functions it calls
    as they are installed, the types of all fields it reads or writes, and all that it may do, also
    in a sender's name and through the workflows that it starts.
    """
    material = {
        "semantics": SEMANTICS,
        "document": _material(document),
        "texts": dumped(workflow.texts),
        "functions": FUNCTIONS.identities(_functions(workflow)),
        "fields": fields_used(workflow, around.schema),
        "rights": sorted(right.key for right in rights(workflow, around)),
    }
    text = json.dumps(
        material, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _material(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the words that people call it and its steps by."""
    kept = {key: part for key, part in document.items() if key not in COSMETIC}
    return {**kept, "steps": [_unlabelled(step) for step in document.get("steps", ())]}


def _unlabelled(step: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: part for key, part in step.items() if key != "label"}
    branches = [name for name in ("then", "else") if step.get("type") == "if" and name in step]
    return {**kept, **{name: [_unlabelled(inner) for inner in step[name]] for name in branches}}


def _functions(workflow: Workflow) -> list[str]:
    return [name for step in workflow.every_step for name in step.functions()]


def fields_used(workflow: Workflow, schema: Schema) -> dict[str, str]:
    """Each field the workflow reads or writes, as `module.field`, with its type or formula."""
    home = schema.modules.get(workflow.module)
    if home is None:
        return {workflow.module: "missing"}
    used = dict(_written(workflow, home, schema))
    for condition in conditions(workflow):
        used |= dict(_read(condition, home, schema))
    for step, _ in workflow.route.values():
        for name, condition in step.asked():
            if there := schema.modules.get(name):
                used |= dict(_read(condition, there, schema))
    for module, dotted in _paths(workflow, home, schema):
        used |= dict(_along(module, dotted, schema))
    return used


def _paths(workflow: Workflow, home: Module, schema: Schema) -> Iterator[tuple[Module, str]]:
    """The paths that the workflow reads outside its conditions, each with where it begins."""
    for path in workflow.paths:
        try:
            yield from fields_of(path, home, schema)
        except Invalid:
            continue  # what means nothing is read from nowhere
    named = [word for step, _ in workflow.route.values() for word in step.reads()]
    for word in [*named, workflow.group_by or ""]:
        if word.partition(".")[0] in home.by_name:
            yield home, word


def conditions(workflow: Workflow) -> Iterator[Condition]:
    """Every condition in the workflow."""
    yield workflow.entry
    if workflow.stop_when:
        yield workflow.stop_when
    if workflow.pause_when:
        yield workflow.pause_when
    for step in workflow.every_step:
        yield from (condition for module, condition in step.asked() if not module)


def writes(workflow: Workflow, schema: Schema) -> list[Write]:
    """Everything its steps may change in records."""
    home = schema.modules.get(workflow.module)
    return (
        [write for step, _ in workflow.route.values() for write in step.writes(home, schema)]
        if home
        else []
    )


def _written(workflow: Workflow, home: Module, schema: Schema) -> Iterator[tuple[str, str]]:
    for write in writes(workflow, schema):
        module = schema.modules.get(write.module)
        field = module.by_name.get(write.field) if module else None
        known = "module" if module and write.field == "*" else field.type if field else "missing"
        yield f"{write.module}.{write.field}", known


def _read(condition: Condition, module: Module, schema: Schema) -> Iterator[tuple[str, str]]:
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from _read(part, module, schema)
        case NotOf(part=part):
            yield from _read(part, module, schema)
        case Compare(field=name) if not name.startswith(results.ROOT):
            yield from _along(module, name, schema)
            if elsewhere := compared(condition):
                yield from _along(module, elsewhere, schema)
        case Related(related=name, via=via, sum=summed, where=where):
            there = schema.modules.get(name)
            if there is None:
                yield name, "missing"
                return
            yield from _joined(there, via, schema)
            if summed:
                yield from _along(there, summed, schema)
            if where:
                yield from _read(where, there, schema)


def _joined(there: Module, via: str, schema: Schema) -> Iterator[tuple[str, str]]:
    """The fields by which related records belong with those of the workflow."""
    between, _, fields = via.partition(".")
    if not fields:
        yield from _along(there, via, schema)
    elif link := schema.modules.get(between):
        ours = fields.partition(".")[0]
        onward = [field.name for field in link.references(there.name) if field.name != ours]
        for name in (ours, *onward):
            yield from _along(link, name, schema)
    else:
        yield between, "missing"


def compared(condition: Compare) -> str | None:
    """The other field a field is compared with, if it is."""
    value = condition.value
    other = value.get("field", value.get("old")) if isinstance(value, dict) else None
    return other if isinstance(other, str) else None


def _along(module: Module, dotted: str, schema: Schema) -> Iterator[tuple[str, str]]:
    try:
        path = schema.path(module, dotted)
    except Invalid:
        yield f"{module.name}.{dotted}", "missing"
        return
    here = module
    for hop in path.hops:
        yield f"{here.name}.{hop.field.name}", hop.field.type
        here = hop.module
    yield f"{here.name}.{path.field.name}", _held(path.field)


def _held(field: Field) -> str:
    """What a field holds: its type, or how it is worked out."""
    if not field.computed:
        return field.type
    return f"computed {json.dumps(field.formula, sort_keys=True, ensure_ascii=False)}"


# --- what of the conditions can be asked again ---


def standing(condition: Condition) -> Condition:
    """The condition asked of a record at rest, as if the change it looks for had just been made."""
    match condition:
        case AllOf(all=parts):
            return AllOf(all=tuple(standing(part) for part in parts))
        case AnyOf(any=parts):
            return AnyOf(any=tuple(standing(part) for part in parts))
        case NotOf(part=part):
            return ALWAYS if _of_change(part) else condition
        case Compare(op="changed_to" | "becomes") if not old(condition):
            return condition.model_copy(update={"op": "equals"})
        case Compare() if _of_change(condition):
            return ALWAYS
    return condition


def _of_change(condition: Condition) -> bool:
    """Whether it asks about a change: by its operator, or by comparing with an old value."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            return any(_of_change(part) for part in parts)
        case NotOf(part=part):
            return _of_change(part)
        case Compare(op=op):
            return old(condition) or (op in OPERATORS and OPERATORS[op].of_change)
    return False


def old(compare: Compare) -> bool:
    """Whether a field is compared with what one was before the change."""
    return isinstance(compare.value, dict) and "old" in compare.value


def guard(workflow: Workflow, schema: Schema) -> Condition:
    """What is asked again before each later action.

    The entry conditions, without those on anything the workflow itself writes. Of a change it is
    asked whether what came of it still stands: what became Overdue has to be Overdue.
    """
    home = schema.module(workflow.module)
    own = {(write.module, write.field) for write in writes(workflow, schema)}
    return _kept(standing(workflow.entry), home, schema, own) or ALWAYS


def _kept(
    condition: Condition, module: Module, schema: Schema, own: set[tuple[str, str]]
) -> Condition | None:
    """The part of a condition that is still asked; None where nothing of it is left to ask."""
    match condition:
        case AllOf(all=parts):
            kept = [
                part for each in parts if (part := _kept(each, module, schema, own)) is not None
            ]
            return AllOf(all=tuple(kept)) if kept else None
        case AnyOf(any=parts):
            some = [_kept(each, module, schema, own) for each in parts]
            return (
                condition
                if all(part == each for part, each in zip(some, parts, strict=True))
                else None
            )
        case NotOf(part=part):
            return condition if _kept(part, module, schema, own) == part else None
        case Related(related=name, via=via):
            joined = {name, via.partition(".")[0] if "." in via else name}
            return None if any(module_name in joined for module_name, _ in own) else condition
        case Compare(field=name):
            read = [name, *filter(None, [compared(condition)])]
            written = any(_end(module, dotted, schema) in own for dotted in read)
            return None if written else condition
    return None


def _end(module: Module, dotted: str, schema: Schema) -> tuple[str, str]:
    """The module and the field that a path ends at."""
    path = schema.path(module, dotted)
    return (path.hops[-1].module if path.hops else module).name, path.field.name
