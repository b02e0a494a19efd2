"""What personal and sensitive data leaves with a text, field by field, and where in it."""

from collections.abc import Iterable, Iterator
from typing import Any

from engine.blocks.rights import Right
from engine.conditions import Binder
from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.modules import Module, Path
from engine.templates import TextProblem, paths_in, texts_in
from engine.templates.variables import KEYS, fields_of

SENSITIVE, EVERYTHING = "Sensitive data leaves", "Everything of a record leaves"
PERSONAL = ("email", "phone")
WHOLE, NO_RECORD = ("record", "old", "contact"), ("steps", *KEYS)
PLACES = {
    "body": "the text",
    "html": "the HTML",
    "url": "the address that is called",
    "fields": "what is sent",
    "prompt": "what the model reads",
    "inputs": "what the model reads",
}
"""What people call the settings of steps in which something can stand."""


def disclosed(source: Any, place: str, binder: Binder) -> Iterator[Right]:
    """The right to tell what a text, or the texts inside a setting, take from records."""
    try:
        paths = paths_in(source)
    except TextProblem:
        return  # what cannot be read is not sent
    payload = any("json" in text for text in texts_in(source))
    if any(_is_whole(path, paths, binder, payload) for path in paths):
        yield everything(binder.module, place)
    yield from fields_told(paths, place, binder)


def fields_told(paths: Iterable[str], place: str, binder: Binder) -> Iterator[Right]:
    """The right to tell each personal or sensitive field that these paths of templates end at."""
    for path in sorted(paths):
        for end in _ends(path, binder):
            yield from _of(end.hops[-1].module if end.hops else end.module, end.field, place)


def everything(module: Module, place: str, more: str = "") -> Right:
    """The right to tell all fields of a record."""
    words = f"everything of the {module.singular.lower()}{more}, in {called(place)}"
    return Right("disclose", f"{module.name}.* in {place}", words, EVERYTHING)


def called(place: str) -> str:
    """A setting, or a template of the library, as part of a sentence."""
    return PLACES.get(place, f"the {place}")


def _of(module: Module, field: Field, place: str) -> Iterator[Right]:
    sensitive = field.sensitive or module.sensitive
    if not (sensitive or field.yearly or field.kept.name in PERSONAL):
        return
    told = f"the {field.title.lower()} of {module.label.lower()}, in {called(place)}"
    risk = SENSITIVE if sensitive else ""
    yield Right("disclose", f"{module.name}.{field.name} in {place}", told, risk)


def _is_whole(path: str, paths: Iterable[str], binder: Binder, payload: bool) -> bool:
    """Whether a path stands for a whole record, or for a list of whole records in a payload."""
    if path in WHOLE or path.endswith(".*"):
        return True
    if not payload or any(each.startswith(f"{path}.") for each in paths):
        return False
    return path.partition(".")[0] not in NO_RECORD and not _ends(path, binder)


def _ends(path: str, binder: Binder) -> list[Path]:
    """The field that a path of a template ends at, if it ends at one."""
    try:
        found = list(fields_of(path, binder.module, binder.schema))[-1:]
        return [binder.schema.path(*each) for each in found]
    except Invalid:
        return []  # what means nothing tells nothing
