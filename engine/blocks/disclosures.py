"""What personal and sensitive data leaves with a text, field by field, and where in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.blocks.rights import Right
from engine.conditions import Binder
from engine.phrases import mark, say
from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.modules import Module, Path
from engine.templates import TextProblem, paths_in, texts_in
from engine.templates.variables import KEYS, fields_of

SENSITIVE = mark("Sensitive data leaves")
EVERYTHING = mark("Everything of a record leaves")
PERSONAL = ("email", "phone")
WHOLE, NO_RECORD = ("record", "old", "contact"), ("steps", *KEYS)
PLACES = {
    "subject": mark("the subject"),
    "body": mark("the text"),
    "text": mark("the text"),
    "html": mark("the HTML"),
    "url": mark("the address that is called"),
    "headers": mark("the headers"),
    "fields": mark("what is sent"),
    "values": mark("the values"),
    "prompt": mark("what the model reads"),
    "inputs": mark("what the model reads"),
}
"""What people call the settings of steps in which something can stand."""


@dataclass(frozen=True)
class Place:
    """Where something stands: a setting or a template, by its `key` in rights, and in words."""

    key: str
    words: str


def setting(name: str) -> Place:
    """A setting of a step."""
    phrase = PLACES.get(name, mark("the {setting}"))
    return Place(name, say(phrase, setting=name))


def template(name: str) -> Place:
    """A template of the library."""
    return Place(f"template “{name}”", say("the template “{template}”", template=name))


def disclosed(source: Any, place: Place, binder: Binder) -> Iterator[Right]:
    """The right to tell what a text, or the texts inside a setting, take from records."""
    try:
        paths = paths_in(source)
    except TextProblem:
        return  # what cannot be read is not sent
    payload = any("json" in text for text in texts_in(source))
    if any(_is_whole(path, paths, binder, payload) for path in paths):
        yield everything(binder.module, place)
    yield from fields_told(paths, place, binder)


def fields_told(paths: Iterable[str], place: Place, binder: Binder) -> Iterator[Right]:
    """The right to tell each personal or sensitive field that these paths of templates end at."""
    for path in sorted(paths):
        for end in _ends(path, binder):
            yield from _of(end.hops[-1].module if end.hops else end.module, end.field, place)


def everything(module: Module, place: Place, data: str = "") -> Right:
    """The right to tell all fields of a record; `data` says in words what else is told, or not."""
    words = say("{data}, in {place}", data=data or whole(module), place=place.words)
    return Right("disclose", f"{module.name}.* in {place.key}", words, say(EVERYTHING))


def whole(module: Module) -> str:
    """All fields of a record, in words."""
    return say("everything of the {record}", record=module.singular.lower())


def _of(module: Module, field: Field, place: Place) -> Iterator[Right]:
    sensitive = field.sensitive or module.sensitive
    if not (sensitive or field.yearly or field.kept.name in PERSONAL):
        return
    told = say(
        "the {field} of {records}, in {place}",
        field=field.title.lower(),
        records=module.label.lower(),
        place=place.words,
    )
    risk = say(SENSITIVE) if sensitive else ""
    yield Right("disclose", f"{module.name}.{field.name} in {place.key}", told, risk)


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
