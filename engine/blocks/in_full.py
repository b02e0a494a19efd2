"""Every text of a step word by word: what its sentence only begins to quote, or does not tell."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.blocks.step import Step
from engine.blocks.words import full, value
from engine.conditions import Binder


def in_full(step: Step, binder: Binder) -> Iterator[tuple[str, str]]:
    """The texts of a step that its sentence leaves out, each with what people call it."""
    said = step.say(binder)
    for name, source in step.templates().items():
        told = _told(source, binder)
        if told and not all(" ".join(line.split()) in said for line in told.splitlines()):
            yield (type(step).model_fields[name].alias or name).replace("_", " "), told


def _told(source: Any, binder: Binder) -> str:
    match source:
        case str():
            return full(source, binder)
        case Mapping():
            return "\n".join(f"{name}: {value(raw, binder)}" for name, raw in source.items())
    return ""
