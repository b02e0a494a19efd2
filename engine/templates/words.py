"""How a template reads: every field, filter, operation, branch and literal of it."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from jinja2 import nodes

from engine.phrases import figure, listed, mark, say, worded
from engine.templates.filters import FILTERS, Filter
from engine.templates.reading import PLACES, now_word, path_of, settings_of

# What people call the field at a path, such as `record.account.name`.
Naming = Callable[[str], str]
Loops = Mapping[str, str]

OPERATIONS: dict[type[nodes.BinExpr], str] = {
    nodes.Add: mark("{left} + {right}"),
    nodes.Sub: mark("{left} - {right}"),
    nodes.Mul: mark("{left} times {right}"),
    nodes.Div: mark("{left} divided by {right}"),
    nodes.FloorDiv: mark("{left} divided without remainder by {right}"),
    nodes.Mod: mark("{left} modulo {right}"),
    nodes.Pow: mark("{left} to the power {right}"),
    nodes.And: mark("{left} and {right}"),
    nodes.Or: mark("{left} or {right}"),
}
COMPARISONS = {
    "eq": mark("{left} is {right}"),
    "ne": mark("{left} is not {right}"),
    "gt": mark("{left} is above {right}"),
    "gteq": mark("{left} is at least {right}"),
    "lt": mark("{left} is below {right}"),
    "lteq": mark("{left} is at most {right}"),
    "in": mark("{left} is in {right}"),
    "notin": mark("{left} is not in {right}"),
}
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"\{(\w+)\}")


def in_words(body: Sequence[nodes.Node], name: Naming) -> str:
    """A text with what is filled in, in brackets: "Dear [first name], [if paid: thanks]"."""
    return "".join(_statements(body, name, {}))


def expression(node: nodes.Node, name: Naming, loops: Loops = MappingProxyType({})) -> str:
    """What one expression fills in: "email, or “boss@x.test” where it is empty"."""
    return _said(node, name, loops)


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
    first = _said(node.test, name, loops), _text(node.body, name, loops)
    yield say("if {test}: {text}", test=first[0], text=first[1])
    for other in node.elif_:
        test, text = _said(other.test, name, loops), _text(other.body, name, loops)
        yield say("if not, but {test}: {text}", test=test, text=text)
    if node.else_:
        yield say("otherwise: {text}", text=_text(node.else_, name, loops))


def _loop(node: nodes.For, name: Naming, loops: Loops) -> Iterator[str]:
    path = path_of(node.iter, loops) or ""
    called = getattr(node.target, "name", "item")
    inner = {**loops, called: f"{path}.*", "loop": "loop"}
    items, text = _said(node.iter, name, loops), _text(node.body, name, inner)
    if node.test:
        test = _said(node.test, name, inner)
        yield say("for each of {items} where {test}: {text}", items=items, test=test, text=text)
    else:
        yield say("for each of {items}: {text}", items=items, text=text)
    if node.else_:
        yield say("if there is none: {text}", text=_text(node.else_, name, loops))


def _text(body: Sequence[nodes.Node], name: Naming, loops: Loops) -> str:
    return "".join(_statements(body, name, loops)).strip() or say("nothing")


# --- expressions ---


def _said(node: nodes.Node | None, name: Naming, loops: Loops) -> str:
    match node:
        case nodes.Const(value=value):
            return literal(value)
        case nodes.TemplateData(data=data):
            return say("“{text}”", text=data)
        case nodes.Filter():
            return _filtered(node, name, loops)
        case nodes.CondExpr():
            return _chosen(node, name, loops)
        case nodes.Compare():
            return _compared(node, name, loops)
        case nodes.Test():
            of = _inner(node.node, name, loops)
            return say("{value} is {test}", value=of, test=node.name)
        case nodes.Not():
            return say("not {value}", value=_inner(node.node, name, loops))
        case nodes.Neg():
            return say("minus {value}", value=_inner(node.node, name, loops))
        case nodes.Concat():
            return say(" followed by ").join(_inner(each, name, loops) for each in node.nodes)
        case nodes.List() | nodes.Tuple():
            items = [_said(each, name, loops) for each in node.items]
            return listed(items) or say("an empty list")
        case nodes.BinExpr():
            left, right = (_inner(side, name, loops) for side in (node.left, node.right))
            return say(OPERATIONS[type(node)], left=left, right=right)
    return _place(node, name, loops)


def _chosen(node: nodes.CondExpr, name: Naming, loops: Loops) -> str:
    one, test = _said(node.expr1, name, loops), _said(node.test, name, loops)
    other = _said(node.expr2, name, loops) if node.expr2 else say("nothing")
    return say("{one} if {test}, otherwise {other}", one=one, test=test, other=other)


def _compared(node: nodes.Compare, name: Naming, loops: Loops) -> str:
    """A comparison; where several are joined (1 < a < 5), each with what stands before it."""
    told, left = [], _inner(node.expr, name, loops)
    for each in node.ops:
        right = _inner(each.expr, name, loops)
        told.append(say(COMPARISONS[each.op], left=left, right=right))
        left = right
    return listed(told)


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
        key = " ".join(keys).replace("_", " ")
        return say("{key} of {value}", key=key, value=_filtered(inner, name, loops))
    return name(path_of(node, loops) or "")


def literal(value: object) -> str:
    """A value that stands in the template itself."""
    match value:
        case None:
            return say("nothing")
        case bool():
            return say("yes") if value else say("no")
        case int():
            return figure(value)
        case float() | Decimal():
            return f"{value}"
    return say("“{text}”", text=value)


# --- filters ---


def _filtered(node: nodes.Filter, name: Naming, loops: Loops) -> str:
    """A filter with all that it is given; what its words have no place for comes behind."""
    known = FILTERS[node.name]
    given = {
        key: listed([_said(each, name, loops) for each in each_of])
        for key, each_of in _given(known, node)
    }
    value = _said(node.node, name, loops) if node.node is not None else say("it")
    filled = {"value": value, **given}
    reads = worded(known.reads)
    told = _OPTIONAL.sub(lambda part: _if_given(part[1], filled), reads)
    told = _PLACE.sub(lambda place: filled.get(place[1], "…"), told)
    named = set(_PLACE.findall(reads))
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
