"""The hash as it was before templates and formulas were part of it, in the first databases."""

from collections.abc import Iterator

from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf, Related
from engine.problems import Invalid
from engine.schema.modules import Module, Schema
from engine.upgrades.hash_1 import Document, hashed, material
from engine.workflows.fingerprint import compared, conditions, writes
from engine.workflows.workflow import Workflow


def first_hash(document: Document, workflow: Workflow, schema: Schema) -> str:
    """The hash that commit 4490af8 made of a document."""
    fields = _fields(workflow, schema)
    return hashed({"semantics": 1, "document": material(document), "fields": fields})


def _fields(workflow: Workflow, schema: Schema) -> dict[str, str]:
    home = schema.modules.get(workflow.module)
    if home is None:
        return {workflow.module: "missing"}
    used = dict(_written(workflow, schema))
    for condition in conditions(workflow):
        used |= dict(_read(condition, home, schema))
    for dotted in _paths(workflow, home):
        used |= dict(_along(home, dotted, schema))
    return used


def _paths(workflow: Workflow, home: Module) -> Iterator[str]:
    for path in workflow.paths:
        root, _, rest = path.partition(".")
        rest = rest.partition(".")[2] if root == "records" else rest
        if root in ("record", "old", "records") and rest and rest.partition(".")[0] != "lines":
            yield rest
    named = [word for step, _ in workflow.route.values() for word in step.reads()]
    for word in [*named, workflow.group_by or ""]:
        if word.partition(".")[0] in home.by_name:
            yield word


def _written(workflow: Workflow, schema: Schema) -> Iterator[tuple[str, str]]:
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
            if elsewhere := compared(condition):
                yield from _along(module, elsewhere, schema)
        case Related(related=name, via=via, sum=summed, where=where):
            if (there := schema.modules.get(name)) is None:
                yield name, "missing"
                return
            for field in filter(None, (via, summed)):
                yield from _along(there, field, schema)
            if where:
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
