"""The classes that read a document: which one reads a place, its keys, and what fits a key."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.company.schedule import Recurring
from engine.conditions import SHAPES
from engine.problems import KnownAs, nearest, suggest
from engine.workflows.workflow import Workflow

Model = type[BaseModel]
Keys = Mapping[str, tuple[str, ...]]


def reader(loc: Sequence[str]) -> Model:
    """The class that reads what stands at a place, as pydantic names it."""
    here: list[Model] = [Workflow]
    for part in loc:
        tagged = Step.types.get(part) or Trigger.types.get(part) or SHAPES.get(part)
        inside = [one for model in here for one in _inside(model, part)]
        if inside:
            here = inside
        elif tagged in here or (tagged and any(issubclass(tagged, model) for model in here)):
            here = [tagged]
        else:
            here = [model for model in here if model.__name__ == part] or here
    return here[0]


def _inside(model: Model, key: str) -> list[Model]:
    """The classes that may read the value of a key."""
    fields = model.model_fields.items()
    found = [field for name, field in fields if key in (field.alias or name, name)]
    return list(_models(found[0].annotation)) if found else []


def _models(annotation: Any) -> Iterator[Model]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def known_as(model: Model) -> Keys:
    """The keys of a class, each with the words that people know it by elsewhere."""
    return {
        field.alias or name: tuple(
            word for mark in field.metadata if isinstance(mark, KnownAs) for word in mark.words
        )
        for name, field in model.model_fields.items()
    }


def right_key(wrong: str, model: Model, given: Mapping[str, Any]) -> str:
    """What to write instead of a key that there is not: what takes its value, or all keys."""
    keys = known_as(model)
    plain = {key: value for key, value in given.items() if key in keys}
    meant = [key for key, words in keys.items() if wrong.casefold() in words]
    if (near := nearest(wrong, plain)) is not None:
        return f"There is `{near}` already: leave this one out."
    for value in (given.get(wrong), [given.get(wrong)]):

        def fits(key: str, value: Any = value) -> bool:
            return key not in plain and _takes(model, {**plain, key: value}, key)

        found = next(filter(fits, meant), None) or nearest(wrong, keys, fits=fits)
        if found and isinstance(value, list) and value != given.get(wrong):
            return f'Write `"{found}": {json.dumps(value, ensure_ascii=False)}`.'
        if found:
            return f"Did you mean `{found}`?"
    return suggest("", keys, "Keys")


def _takes(model: Model, given: Mapping[str, Any], key: str) -> bool:
    """Whether a class has nothing to say against this key of what it is given."""
    try:
        read = model.model_validate(given)
    except ValidationError as invalid:
        return all(str(error["loc"][0]) != key for error in invalid.errors(include_url=False))
    findings = read.problems() if isinstance(read, Recurring) else ()
    return all(str(path).split(".")[0] != key for path, _, _ in findings)
