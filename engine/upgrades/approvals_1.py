"""Approved versions stay approved if nobody changed them since: their hash is worked out anew.

A hash holds the types of the fields that a workflow uses, and since 0.1.0 what its templates and
its formulas say as well. Where it is the hash that the release it comes from would have made of
that very document and those very fields, it becomes the one of this release. Any other stays as
it is, so that the version is told to have changed and waits for a person, as it did before.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import column, select, table, update

from engine.conditions import AllOf, AnyOf, Compare, Condition, NotOf, Related
from engine.problems import Invalid
from engine.schema.modules import Module, Schema
from engine.schema.sql_types import Json
from engine.templates.wording import loaded
from engine.upgrades.changing import Changing
from engine.workflows.fingerprint import compared, conditions, fingerprint, writes
from engine.workflows.workflow import Workflow

VERSIONS = table(
    "sayso_versions",
    *(column(name) for name in ("id", "workflow", "version", "state", "hash")),
    *(column("document", Json), column("texts", Json)),
)
COSMETIC = {"name", "description", "category"}
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Approvals:
    """The versions whose hash is right before the upgrade, as they are read now."""

    sound: Mapping[int, tuple[Document, Workflow]]

    @classmethod
    def before(cls, changing: Changing) -> "Approvals":
        """Ask before anything else is changed that the hash rests on."""
        schema = changing.transaction().schema
        sound = {}
        for row in changing.db.execute(select(VERSIONS)).all():
            try:
                read = Workflow.model_validate(row.document).with_texts(loaded(row.texts))
            except ValidationError:
                continue
            rules = (fingerprint, first_hash)
            if row.hash in (rule(row.document, read, schema) for rule in rules):
                sound[row.id] = (row.document, read)
        return cls(sound)

    def keep(self, changing: Changing) -> None:
        """Give each of them the hash of this release, and tell which approved ones have none."""
        schema = changing.transaction().schema
        for id, (document, read) in self.sound.items():
            hash = fingerprint(document, read, schema)
            changing.db.execute(update(VERSIONS).where(VERSIONS.c.id == id).values(hash=hash))
        others = (VERSIONS.c.state == "approved", VERSIONS.c.id.not_in(self.sound))
        for row in changing.db.execute(select(VERSIONS).where(*others)).all():
            told = f"workflow {row.workflow}, version {row.version}"
            changing.say(f"{told}: it is not what was approved, so it has to be approved again")


# --- the hash as it was before templates and formulas were part of it ---


def first_hash(document: Document, workflow: Workflow, schema: Schema) -> str:
    """The hash that commit 4490af8 made of a document."""
    material = {
        "semantics": 1,
        "document": _material(document),
        "fields": _fields(workflow, schema),
    }
    text = json.dumps(
        material, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _material(document: Document) -> dict[str, Any]:
    kept = {key: part for key, part in document.items() if key not in COSMETIC}
    return {**kept, "steps": [_unlabelled(step) for step in document.get("steps", ())]}


def _unlabelled(step: Document) -> dict[str, Any]:
    kept = {key: part for key, part in step.items() if key != "label"}
    branches = [name for name in ("then", "else") if step.get("type") == "if" and name in step]
    return {**kept, **{name: [_unlabelled(inner) for inner in step[name]] for name in branches}}


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
