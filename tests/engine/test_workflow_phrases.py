"""No sentence about a workflow is said outside the phrases: read in a language without our letters,
what is left in ours is what authors wrote, what fields are called, and names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.blocks.control.stop import Stop
from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.conditions import Binder
from engine.phrases import speaking
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.starter.demo_records import COMPANY
from engine.workflows.rights import rights
from engine.workflows.surroundings import Surroundings
from engine.workflows.workflow import Workflow
from tests.all_that_is_told import DOCUMENT, NOW
from tests.strange_language import ours, strange, strange_language
from tests.test_words_say_all import INSIDE, every_setting

Document = dict[str, Any]
# Those that it comes with, and its use cases.
DEMO: list[Document] = [
    *(each["document"] for each in starter("workflows")),
    *(
        json.loads(file.read_text(encoding="utf-8"))["document"]
        for file in sorted((Path(__file__).parents[1] / "scenarios").glob("U*.json"))
    ),
]
QUOTED = re.compile(r"“[^“”]*”")


def placed(kind: type[Step] | type[Trigger], block: Document) -> Document:
    starts = issubclass(kind, Trigger)
    return {**DOCUMENT, **({"trigger": block} if starts else {"steps": [block]})}


def settings() -> Iterator[Any]:
    """A workflow for each setting of each block, with one that is taken together among them."""
    for param in every_setting():
        kind, given, key, value = param.values
        yield pytest.param(placed(kind, {**given, key: value}), id=param.id)
    for _, other in INSIDE:
        yield pytest.param(
            {**DOCUMENT, "group_by": "account", "steps": [other]}, id=str(other)[:60]
        )


def unquoted(text: str) -> str:
    """A sentence without what it quotes, which authors wrote."""
    while (less := QUOTED.sub("", text)) != text:
        text = less
    return text


def strange_schema() -> Schema:
    """The modules of the starter, with labels without our letters."""
    return Schema(Module.model_validate(_relabelled(module)) for module in starter("modules"))


def _relabelled(module: Document) -> Document:
    fields = [{**field, "label": strange(field["name"])} for field in module["fields"]]
    labels = {key: strange(module[key]) for key in ("label", "singular")}
    return {**module, **labels, "fields": fields}


def names(document: Document) -> set[str]:
    """The words of a document that are no text: handles, addresses, hosts, ids, methods, what its
    own settings are called; and why it stops, which is told as it is written."""
    return ours(each for each in _strings(document) if " " not in each) | ours(_reasons(document))


def _strings(part: Any, *, free: bool = False) -> Iterator[str]:
    """The values in a part of a document, with the keys that are `free` for authors to choose."""
    match part:
        case str():
            yield part
        case dict():
            yield from part if free else ()
            for key, inner in part.items():
                if key not in ("type", "op"):
                    yield from _strings(inner, free=key in FREE)
        case list() | tuple():
            for inner in part:
                yield from _strings(inner)


def _reasons(document: Document) -> list[str]:
    steps = Workflow.model_validate(document).every_step
    return [step.reason for step in steps if isinstance(step, Stop)]


SCHEMA = strange_schema()
FREE = ("values", "fields", "headers", "line_fields")
# What every module has: their titles are not in any schema.
BUILT_IN = ours(field.title for field in SCHEMA.module("notes").by_name.values() if field.builtin)
# Fields of a step that its module does not have, and the states of a task.
NAMED = {"auto", "charge", "strike", "level", "done", "cancelled"}


def said(document: Document) -> list[str]:
    """All that is said of a workflow: its sentences, and what it may do."""
    workflow = Workflow.model_validate(document)
    binder = Binder(SCHEMA, SCHEMA.module(workflow.module), NOW, COMPANY.calendar)
    told = [unquoted(sentence) for sentence in workflow.words(binder)]
    for right in rights(workflow, Surroundings(SCHEMA)):
        told += [unquoted(str(right)), right.risk]
    return told


@pytest.mark.parametrize("document", DEMO, ids=lambda document: document["name"])
def test_no_word_of_a_demo_workflow_is_said_outside_the_phrases(document: Document) -> None:
    with speaking(strange_language()):
        assert ours(said(document)) <= BUILT_IN | names(document)


@pytest.mark.parametrize("document", [*settings()])
def test_no_word_of_a_block_is_said_outside_the_phrases(document: Document) -> None:
    with speaking(strange_language()):
        assert ours(said(document)) <= BUILT_IN | NAMED | names(document)
