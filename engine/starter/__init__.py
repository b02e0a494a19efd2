"""What a new installation begins with: the modules of a small company, and the demo's records."""

import json
from importlib.resources import files
from typing import Any


def starter(name: str) -> Any:
    """One of the JSON files of this folder (`modules`, `demo`, `templates`, `workflows`), read."""
    return json.loads(files("engine.starter").joinpath(f"{name}.json").read_text())
