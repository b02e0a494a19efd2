"""The hash that an earlier release makes of documents that have each of its steps in them.

`make.py` runs this with that release's code as the current folder, as it does `lived.py`.
"""

import json
from typing import Any

from engine.dependencies import fingerprint
from engine.house import starter
from engine.modules import Module, Schema
from engine.steps import Step
from engine.workflow import Workflow

MODULES = ("invoices", "tickets", "leads")


def documents() -> list[dict[str, Any]]:
    """Those of the demo, and the example of each step in each of a few modules."""
    shown = [entry["document"] for entry in starter("workflows")]
    examples = [kind.example for _, kind in sorted(Step.types.items())]
    alone = [
        {"name": "One", "module": module, "trigger": {"type": "record_saved"}, "steps": [example]}
        for module in MODULES
        for example in examples
    ]
    return [*shown, *alone]


def main() -> None:
    schema = Schema([Module.model_validate(definition) for definition in starter("modules")])
    hashed = [
        {
            "document": document,
            "hash": fingerprint(document, Workflow.model_validate(document), schema),
        }
        for document in documents()
    ]
    print(json.dumps(hashed))


if __name__ == "__main__":
    main()
