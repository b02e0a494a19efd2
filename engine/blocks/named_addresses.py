"""What strangers can write is a value: it chooses no reader, no file and no header.

A template that names whom we write to comes to fields that are kept as addresses, or to words that
are written out in it; anything that is computed could be made to name somebody else.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from jinja2 import nodes

from engine.blocks.checking import Checking
from engine.problems import Invalid, Problem
from engine.schema.fields import Field
from engine.schema.modules import Module, Schema
from engine.templates import TextProblem, fixed, parse
from engine.templates.reading import PLACES, is_blank, path_of, settings_of
from engine.templates.variables import fields_of

ONE_OF = ("default", "d", "coalesce")
"""The filters that change nothing and only choose among what they are given."""
OURS = ("actor.email", "company.sender")
"""The addresses that stand in no field of a record."""
FREE = ("text", "longtext", "json")
"""The types of fields in which anything may stand."""
SOURCE_ID = "source_id"
REMEDY = "Name an address, a user, `contact`, `account`, `sender` or another field with an address."


@dataclass(frozen=True)
class Place:
    """The field at a path, as it is: `record.account.email`."""

    path: str


@dataclass(frozen=True)
class Written:
    """A word that stands in the template itself."""

    word: str


@dataclass(frozen=True)
class Computed:
    """Anything else: text put together, cut out, changed by a filter, or gathered by a loop."""


Choice = Place | Written | Computed
PlainCheck = Callable[[str, str, Checking], Iterator[Problem]]


def templated(word: str) -> bool:
    """Whether a word has something to be filled in."""
    return not fixed(word)


def choices(word: str) -> list[Choice]:
    """All that a template can come to, each once; nothing for one that cannot be read."""
    try:
        return list(dict.fromkeys(_of_block(parse(word).body)))
    except TextProblem:
        return []


def _of_block(body: Sequence[nodes.Node]) -> Iterator[Choice]:
    """What a block gives; one that writes two things writes something that neither of them is."""
    pieces = [piece for node in body for piece in _pieces(node) if not is_blank(piece)]
    match pieces:
        case []:
            return
        case [nodes.If() as branch]:
            yield from _of_block(branch.body)
            for other in branch.elif_:
                yield from _of_block([other])
            yield from _of_block(branch.else_)
        case [nodes.Expr() as one]:
            yield from _of(one)
        case _:
            yield Computed()


def _pieces(node: nodes.Node) -> list[nodes.Node]:
    return list(node.nodes) if isinstance(node, nodes.Output) else [node]


def _of(node: nodes.Node) -> Iterator[Choice]:
    match node:
        case nodes.TemplateData(data=text):
            yield Written(text.strip())
        case nodes.Const(value=str() as text) if text.strip():
            yield Written(text.strip())
        case nodes.Const(value=None | bool() | ""):
            return
        case nodes.Filter(name=name) if name in ONE_OF:
            for each in (node.node, *node.args, *settings_of(node).values()):
                yield from _of(each) if each is not None else ()
        case nodes.CondExpr():
            yield from _of(node.expr1)
            yield from _of(node.expr2) if node.expr2 else ()
        case nodes.Or() | nodes.And():
            yield from _of(node.left)
            yield from _of(node.right)
        case nodes.List(items=items) | nodes.Tuple(items=items):
            for each in items:
                yield from _of(each)
        case _:
            path = path_of(node, {}) if _plain(node) else None
            yield Place(path) if path else Computed()


def _plain(node: nodes.Node | None) -> bool:
    """Whether it is names with dots alone, with no filter on the way."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, PLACES)


def field_at(path: str, home: Module, schema: Schema) -> Field | None:
    """The field that a path of a template ends at; None for a whole record, and for what is none.
    Raises `Invalid` where it means nothing here.
    """
    found = list(fields_of(path, home, schema))
    return schema.path(*found[-1]).field if found else None


# --- what is wrong with one ---


def chosen(
    word: str, path: str, checking: Checking, types: Collection[str], plain: PlainCheck
) -> Iterator[Problem]:
    """What is wrong with whom a template names: it may choose among fields of these types, and
    words that are written out, which are checked as `plain` words.
    """
    for choice in choices(word):
        match choice:
            case Written(written):
                yield from plain(written, path, checking)
            case Place(place) if not _kept_as(place, types, checking):
                told = f"`{place}` is not kept as an address, and must not choose whom we write to."
                yield Problem(path, told, REMEDY)
            case Computed():
                told = "whom it writes to is computed, so that nobody can read it beforehand."
                yield Problem(path, told, REMEDY)


def _kept_as(place: str, types: Collection[str], checking: Checking) -> bool:
    """Whether the field at a path is of these types; one that there is not is told elsewhere."""
    try:
        field = field_at(place, checking.module, checking.binder.schema)
    except Invalid:
        return True
    return place in OURS or (field is not None and field.kept.name in types)


def free_text(
    source: str, path: str, checking: Checking, what: str, remedy: str
) -> Iterator[Problem]:
    """That somebody outside would choose, by what they write or answer, which file leaves, say."""
    try:
        read = sorted(parse(source).paths)
    except TextProblem:
        return
    for dotted in read:
        if _free(dotted, checking):
            told = f"people outside may write `{dotted}`: it must not choose {what}."
            yield Problem(path, told, remedy)


def _free(dotted: str, checking: Checking) -> bool:
    """Whether a path ends at text that anybody may have written: in a field, or in an answer."""
    root, *rest = dotted.split(".")
    if root == "steps":
        return rest[1:2] != [] and rest[1] in checking.answered.get(rest[0], ())
    try:
        field = field_at(dotted, checking.module, checking.binder.schema)
    except Invalid:
        return False
    if field is None or field.builtin or field.name == SOURCE_ID:
        return False
    return field.type in FREE
