"""The blocks of workflows: what a document can be made of."""

from typing import NotRequired

from pydantic import JsonValue
from typing_extensions import TypedDict

from engine.effects.functions import FUNCTIONS
from engine.problems import Invalid, Problem, refuse, suggest
from engine.workflows.catalogue import KINDS, Block, Setting, blocks, meant
from server.access.desk import Desk
from server.operations import answers
from server.operations.registry import Names, operation


class BlockSetting(TypedDict):
    """One key of a block: what it takes and means, and whether it is needed."""

    name: str
    takes: NotRequired[str]
    needed: NotRequired[bool]
    default: NotRequired[JsonValue]
    words: NotRequired[str]


class BlockLists(TypedDict):
    """What later steps can read of a step, what it may do, how grave that is, what it needs."""

    gives: NotRequired[list[str]]
    may: NotRequired[list[str]]
    risks: NotRequired[list[str]]
    needs: NotRequired[list[str]]


class BlockInFull(BlockLists):
    """What can stand in a workflow; if it was asked for by its type, with settings and examples."""

    kind: str
    type: str
    words: str
    settings: NotRequired[list[BlockSetting]]
    example: NotRequired[JsonValue]
    more_examples: NotRequired[list[JsonValue]]


class Blocks(TypedDict):
    """What workflows are made of."""

    blocks: list[BlockInFull]


class Functions(TypedDict):
    """Functions that workflows may call, and why packages of some could not be loaded."""

    functions: list[BlockInFull]
    not_loaded: dict[str, str]


@operation("GET /blocks", scope="", stage="learn")
def describe_blocks(desk: Desk, kind: str | None = None, types: Names | None = None) -> Blocks:
    """List what workflows are made of; of the named types all settings and an example.

    Kinds: document, trigger, step, operator, value, field, variable, filter, function.
    """
    if kind is not None and kind not in KINDS:
        raise refuse("kind", f"there is no kind `{kind}`.", suggest(kind, KINDS, "Kinds"))
    known = [block for block in blocks() if kind in (None, block.kind)]
    if not types:
        lines: list[BlockInFull] = [
            {"kind": b.kind, "type": b.type, "words": b.line} for b in known
        ]
        return {"blocks": lines}
    names = [block.type for block in known]
    if unknown := [name for name in types if name not in names]:
        raise Invalid(*(_no_block(name, names) for name in unknown))
    return {"blocks": [_block(block) for block in known if block.type in types]}


@operation("GET /functions", scope="")
def list_functions(desk: Desk) -> Functions:
    """List the functions that workflows may call, with their parameters.

    An operator installs them as packages and lists them in SAYSO_FUNCTIONS.
    """
    known = [_block(block) for block in blocks() if block.kind == "function"]
    return {"functions": known, "not_loaded": dict(FUNCTIONS.failed)}


def _no_block(name: str, names: list[str]) -> Problem:
    return Problem("types", f"there is no block `{name}`.", suggest(name, names, "Blocks", meant()))


def _block(block: Block) -> BlockInFull:
    settings = [_setting(setting) for setting in block.settings]
    shown: BlockInFull = {"kind": block.kind, "type": block.type, "words": block.words}
    if settings:
        shown["settings"] = settings
    if block.examples:
        shown["example"] = block.examples[0]
    if block.examples[1:]:
        shown["more_examples"] = list(block.examples[1:])
    lists: BlockLists = {
        "gives": list(block.gives),
        "may": list(block.may),
        "risks": list(block.risks),
        "needs": list(block.needs),
    }
    return {**shown, **answers.without(([],), lists)}


def _setting(setting: Setting) -> BlockSetting:
    shown: BlockSetting = {
        "name": setting.name,
        "takes": setting.takes,
        "needed": setting.needed,
        "default": setting.default,
        "words": setting.words,
    }
    return answers.without((None, "", [], {}, False), shown)
