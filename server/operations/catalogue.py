"""All operations there are: whatever a file of this package registers is found by itself."""

from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

from server import operations
from server.operations.registry import OPERATIONS, Operation, Stage

STAGES: tuple[Stage | None, ...] = get_args(Stage)


def every() -> dict[str, Operation]:
    """All operations by name."""
    for found in iter_modules(operations.__path__, f"{operations.__name__}."):
        import_module(found.name)
    return OPERATIONS


def tools() -> dict[str, Operation]:
    """What agents are offered, by name: stage by stage, then as the files have them."""
    offered = [each for each in every().values() if each.stage]
    offered.sort(key=lambda each: (STAGES.index(each.stage), each.function.__module__))
    return {each.name: each for each in offered}
