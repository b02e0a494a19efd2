"""How a template reads in English: every field, filter, operation, branch and literal of it."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from jinja2 import nodes

from engine.schema.english import listed
from engine.templates.filters import FILTERS, Filter
from engine.templates.reading import PLACES, now_word, path_of, settings_of

# What people call the field at a path, such as `record.account.name`.
Naming = Callable[[str], str]
Loops = Mapping[str, str]

OPERATIONS: dict[type[nodes.BinExpr], str] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "times",
    nodes.Div: "divided by",
    nodes.FloorDiv: "divided without remainder by",
    nodes.Mod: "modulo",
    nodes.Pow: "to the power",
    nodes.And: "and",
    nodes.Or: "or",
}
COMPARISONS = {
    "eq": "is",
    "ne": "is not",
    "gt": "is above",
    "gteq": "is at least",
    "lt": "is below",
    "lteq": "is at most",
    "in": "is in",
    "notin": "is not in",
}
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"\{(\w+)\}")


def in_words(body: Sequence[nodes.Node], name: Naming) -> str:
    """A text with what is filled in, in brackets: "Dear [first name], [if paid: thanks]"."""
    return "".join(_statements(body, name, {}))


def expression(node: nodes.Node, name: Naming) -> str:
    """What one expression fills in: "email, or “boss@x.test” where it is empty"."""
    return _said(node, name, {})


# --- statements ---


def _statements(body: Sequence[nodes.Node], name: Naming, loops: Loops) -> Iterator[str]:
    for node in body:
        match node:
            case nodes.Output():
                for piece in node.nodes:
                    if isinstance(piece, nodes.TemplateData):
                        yield piece.data
                    else:
                        yield f"[{_said(piece, name, loops)}]"
            case nodes.If():
                yield f"[{'; '.join(_branches(node, name, loops))}]"
            case nodes.For():
                yield f"[{'; '.join(_loop(node, name, loops))}]"


def _branches(node: nodes.If, name: Naming, loops: Loops) -> Iterator[str]:
    yield f"if {_said(node.test, name, loops)}: {_text(node.body, name, loops)}"
    for other in node.elif_:
        yield f"if not, but {_said(other.test, name, loops)}: {_text(other.body, name, loops)}"
    if node.else_:
        yield f"otherwise: {_text(node.else_, name, loops)}"


def _loop(node: nodes.For, name: Naming, loops: Loops) -> Iterator[str]:
    path = path_of(node.iter, loops) or ""
    called = getattr(node.target, "name", "item")
    inner = {**loops, called: f"{path}.*", "loop": "loop"}
    only = f" where {_said(node.test, name, inner)}" if node.test else ""
    yield f"for each of {_said(node.iter, name, loops)}{only}: {_text(node.body, name, inner)}"
    if node.else_:
        yield f"if there is none: {_text(node.else_, name, loops)}"


def _text(body: Sequence[nodes.Node], name: Naming, loops: Loops) -> str:
    return "".join(_statements(body, name, loops)).strip() or "nothing"


# --- expressions ---


def _said(node: nodes.Node | None, name: Naming, loops: Loops) -> str:
    match node:
        case nodes.Const(value=value):
            return literal(value)
        case nodes.TemplateData(data=data):
            return f"“{data}”"
        case nodes.Filter():
            return _filtered(node, name, loops)
        case nodes.CondExpr():
            return (
                f"{_said(node.expr1, name, loops)} if {_said(node.test, name, loops)}, "
                f"otherwise {_said(node.expr2, name, loops) if node.expr2 else 'nothing'}"
            )
        case nodes.Compare():
            told = (f"{COMPARISONS[each.op]} {_inner(each.expr, name, loops)}" for each in node.ops)
            return " ".join([_inner(node.expr, name, loops), *told])
        case nodes.Test():
            return f"{_inner(node.node, name, loops)} is {node.name}"
        case nodes.Not():
            return f"not {_inner(node.node, name, loops)}"
        case nodes.Neg():
            return f"minus {_inner(node.node, name, loops)}"
        case nodes.Concat():
            return " followed by ".join(_inner(each, name, loops) for each in node.nodes)
        case nodes.List() | nodes.Tuple():
            return listed([_said(each, name, loops) for each in node.items]) or "an empty list"
        case nodes.BinExpr():
            sides = (_inner(side, name, loops) for side in (node.left, node.right))
            return f" {OPERATIONS[type(node)]} ".join(sides)
    return _place(node, name, loops)


def _inner(node: nodes.Node, name: Naming, loops: Loops) -> str:
    """A part of an operation: an operation inside it stands in parentheses."""
    said = _said(node, name, loops)
    plain = isinstance(node, (*PLACES, nodes.Const)) or now_word(node)
    return said if plain or " " not in said else f"({said})"


def _place(node: nodes.Node | None, name: Naming, loops: Loops) -> str:
    inner, keys = node, list[str]()
    while isinstance(inner, (nodes.Getattr, nodes.Getitem)):
        key = inner.attr if isinstance(inner, nodes.Getattr) else getattr(inner.arg, "value", "")
        keys.append(str(key))
        inner = inner.node
    if isinstance(inner, nodes.Filter):
        return f"{' '.join(keys).replace('_', ' ')} of {_filtered(inner, name, loops)}"
    return name(path_of(node, loops) or "")


def literal(value: object) -> str:
    """A value that stands in the template itself."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case int() | float() | Decimal():
            return f"{value:,}" if isinstance(value, int) else f"{value}"
    return f"“{value}”"


# --- filters ---


def _filtered(node: nodes.Filter, name: Naming, loops: Loops) -> str:
    """A filter with all that it is given; what its words have no place for comes behind."""
    known = FILTERS[node.name]
    given = {
        key: listed([_said(each, name, loops) for each in each_of])
        for key, each_of in _given(known, node)
    }
    value = _said(node.node, name, loops) if node.node is not None else "it"
    filled = {"value": value, **given}
    told = _OPTIONAL.sub(lambda part: _if_given(part[1], filled), known.reads)
    told = _PLACE.sub(lambda place: filled.get(place[1], "…"), told)
    named = set(_PLACE.findall(known.reads))
    rest = [f"{key.replace('_', ' ')} {words}" for key, words in given.items() if key not in named]
    return f"{told} ({', '.join(rest)})" if rest else told


def _if_given(part: str, given: Mapping[str, str]) -> str:
    return part if all(key in given for key in _PLACE.findall(part)) else ""


def _given(known: Filter, node: nodes.Filter) -> Iterator[tuple[str, list[nodes.Expr]]]:
    """The settings of a filter by name, those of one that takes several together."""
    own = [each for each in inspect.signature(known.function).parameters.values()][1:]
    names = [each for each in own if each.name != "setting"]
    left = list(node.args)
    for each in names:
        if each.kind is each.VAR_POSITIONAL:
            taken, left = left, []
        elif each.kind is each.POSITIONAL_OR_KEYWORD:
            taken, left = left[:1], left[1:]
        else:
            continue
        if taken:
            yield each.name, taken
    yield from ((key, [value]) for key, value in settings_of(node).items())
