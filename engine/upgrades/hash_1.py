"""The hash of a version as schema 1 kept it: of its document, its texts, functions and fields."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from engine.effects.functions import FUNCTIONS
from engine.schema.modules import Schema
from engine.templates.wording import dumped
from engine.workflows.fingerprint import fields_used
from engine.workflows.workflow import Workflow

Document = Mapping[str, Any]
COSMETIC = {"name", "description", "category"}


def hash_1(document: Document, workflow: Workflow, schema: Schema) -> str:
    """The hash that release 0.1.0 makes of a document."""
    return hashed(
        {
            "semantics": 1,
            "document": material(document),
            "texts": dumped(workflow.texts),
            "functions": FUNCTIONS.identities(
                [name for step in workflow.every_step for name in step.functions()]
            ),
            "fields": fields_used(workflow, schema),
        }
    )


def hashed(whole: Mapping[str, Any]) -> str:
    text = json.dumps(
        whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def material(document: Document) -> dict[str, Any]:
    """The document without the words that people call it and its steps by."""
    kept = {key: part for key, part in document.items() if key not in COSMETIC}
    return {**kept, "steps": [_unlabelled(step) for step in document.get("steps", ())]}


def _unlabelled(step: Document) -> dict[str, Any]:
    kept = {key: part for key, part in step.items() if key != "label"}
    branches = [name for name in ("then", "else") if step.get("type") == "if" and name in step]
    return {**kept, **{name: [_unlabelled(inner) for inner in step[name]] for name in branches}}
