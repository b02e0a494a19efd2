"""What a workflow depends on outside its document, the hash that a person approves, and the parts of its conditions that stay true."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.conditions import ALWAYS, AllOf, AnyOf, Compare, Condition, NotOf, Related
from engine.modules import Module, Schema
from engine.operators import OPERATORS
from engine.problems import Invalid
from engine.steps import Write
from engine.steps.if_ import If
from engine.workflow import Workflow

COSMETIC = ("name", "description", "category", "label")
SEMANTICS = 1


def fingerprint(document: Mapping[str, Any], workflow: Workflow, schema: Schema) -> str:
    """The hash of all that decides what the workflow does: the document without its mere words, and the types of
    every field it reads or writes, as they are now."""
    material = {
        "semantics": SEMANTICS,
        "document": _material(document),
        "fields": fields_used(workflow, schema),
    }
    text = json.dumps(
        material, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _material(node: Any, top: bool = True) -> Any:
    if isinstance(node, dict):
        return {
            key: _material(part, False)
            for key, part in node.items()
            if not ((top or "type" in node) and key in COSMETIC)
        }
    return [_material(part, False) for part in node] if isinstance(node, list) else node


def fields_used(workflow: Workflow, schema: Schema) -> dict[str, str]:
    """Each field the workflow reads or writes, as `module.field`, with its type."""
    home = schema.modules.get(workflow.module)
    if home is None:
        return {workflow.module: "missing"}
    used = dict(_written(workflow, home, schema))
    for condition in conditions(workflow):
        used |= dict(_read(condition, home, schema))
    for path in workflow.paths:
        root, _, rest = path.partition(".")
        if root in ("record", "old") and rest and not rest.startswith("lines"):
            used |= dict(_along(home, rest, schema))
    if workflow.group_by:
        used |= dict(_along(home, workflow.group_by, schema))
    return used


def conditions(workflow: Workflow) -> Iterator[Condition]:
    """Every condition in the workflow."""
    yield workflow.entry
    if workflow.stop_when:
        yield workflow.stop_when
    for step, _ in workflow.route.values():
        if isinstance(step, If):
            yield step.conditions


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
        case Compare(field=name):
            yield from _along(module, name, schema)
        case Related(related=name, via=via, where=where):
            there = schema.modules.get(name)
            yield from _along(there, via, schema) if there else iter([(name, "missing")])
            if there and where:
                yield from _read(where, there, schema)


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
    yield f"{here.name}.{path.field.name}", path.field.type


# --- what of the conditions can be asked again ---


def standing(condition: Condition) -> Condition:
    """The condition as it can be asked of a record at rest: as if the change it looks for had just been made."""
    match condition:
        case AllOf(all=parts):
            return AllOf(all=tuple(standing(part) for part in parts))
        case AnyOf(any=parts):
            return AnyOf(any=tuple(standing(part) for part in parts))
        case NotOf(part=part):
            return NotOf(part=standing(part))
        case Compare(op="changed_to" | "becomes"):
            return condition.model_copy(update={"op": "equals"})
        case Compare(op=op) if op in OPERATORS and OPERATORS[op].of_change:
            return ALWAYS
    return condition


def guard(workflow: Workflow, schema: Schema) -> Condition:
    """What is asked again before each later action: the entry conditions without those on changes,
    and without those on anything the workflow itself writes."""
    home = schema.module(workflow.module)
    own = {(write.module, write.field) for write in writes(workflow, schema)}
    return _kept(workflow.entry, home, schema, own) or ALWAYS


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
        case Related(related=name):
            return None if any(module_name == name for module_name, _ in own) else condition
        case Compare(field=name, op=op):
            if op in OPERATORS and OPERATORS[op].of_change:
                return None
            path = schema.path(module, name)
            last = path.hops[-1].module if path.hops else module
            return None if (last.name, path.field.name) in own else condition
    return None
