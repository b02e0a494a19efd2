"""A template line by line: each conditional text on lines of its own, each sum told apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jinja2 import nodes

from engine.phrases import say
from engine.templates.filters import FILTERS, maths
from engine.templates.reading import path_of
from engine.templates.words import Loops, Naming, expression

ARITHMETIC = nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow


@dataclass(frozen=True)
class Piece:
    """Some words of a line: `when` they are said, or else as they are written, `filled` in, or
    `reckoned`: filled in after an amount has been worked out."""

    text: str
    kind: Literal["", "when", "filled", "reckoned"] = ""


@dataclass(frozen=True)
class Line:
    """One line, under so many conditions or loops whose own line stands above it."""

    pieces: tuple[Piece, ...] = ()
    depth: int = 0

    def __str__(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def passages(body: Sequence[nodes.Node], name: Naming) -> list[Line]:
    """The lines of a template: "Dear [name]", "If the balance is above 0: Please pay."."""
    return _block(body, name, {}, 0)


def as_it_is(text: str) -> list[Line]:
    """A text in which nothing is filled in."""
    return _trimmed(Line((Piece(line),)) for line in text.splitlines())


def _block(body: Sequence[nodes.Node], name: Naming, loops: Loops, depth: int) -> list[Line]:
    return _trimmed(_lines(body, name, loops, depth))


def _lines(body: Sequence[nodes.Node], name: Naming, loops: Loops, depth: int) -> Iterator[Line]:
    begun: tuple[Piece, ...] = ()
    for node in body:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    *ended, last = _pieces(part, name, loops)
                    for piece in ended:
                        yield Line((*begun, piece), depth)
                        begun = ()
                    begun = (*begun, last)
            case nodes.If() | nodes.For():
                if "".join(piece.text for piece in begun).strip():
                    yield Line(begun, depth)
                begun = ()
                for when, inside, inner in _arms(node, name, loops):
                    yield from _under(when, _block(inside, name, inner, depth + 1), depth)
    yield Line(begun, depth)


def _pieces(part: nodes.Expr, name: Naming, loops: Loops) -> list[Piece]:
    """What is written or filled in at one place: a piece for each line that it stands on."""
    if isinstance(part, nodes.TemplateData):
        return [Piece(text) for text in part.data.split("\n")]
    told = f"[{expression(part, name, loops)}]"
    return [Piece(told, "reckoned" if _reckons(part) else "filled")]


def _reckons(part: nodes.Expr) -> bool:
    """Whether an amount is changed or worked out in it."""
    return any(map(_sum, (part, *part.find_all(nodes.Expr))))


def _sum(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Filter):
        return FILTERS[node.name].function.__module__ == maths.__name__
    return isinstance(node, (*ARITHMETIC, nodes.Neg))


def _arms(
    node: nodes.If | nodes.For, name: Naming, loops: Loops
) -> Iterator[tuple[str, Sequence[nodes.Node], Loops]]:
    """Each text that is said under a condition, or again and again: when, what, and in which
    loops."""
    if isinstance(node, nodes.For):
        yield _each(node, name, loops)
        if node.else_:
            yield say("If there is none:"), node.else_, loops
        return
    yield say("If {test}:", test=expression(node.test, name, loops)), node.body, loops
    for other in node.elif_:
        test = expression(other.test, name, loops)
        yield say("If not, but {test}:", test=test), other.body, loops
    if node.else_:
        yield say("Otherwise:"), node.else_, loops


def _each(node: nodes.For, name: Naming, loops: Loops) -> tuple[str, Sequence[nodes.Node], Loops]:
    called = getattr(node.target, "name", "item")
    inner = {**loops, called: f"{path_of(node.iter, loops) or ''}.*", "loop": "loop"}
    items = expression(node.iter, name, loops)
    if node.test is None:
        return say("For each of {items}:", items=items), node.body, inner
    test = expression(node.test, name, inner)
    return say("For each of {items} where {test}:", items=items, test=test), node.body, inner


def _under(when: str, inside: list[Line], depth: int) -> Iterator[Line]:
    """A text behind what it is said under, or below it where it takes several lines."""
    match inside:
        case []:
            yield Line((Piece(f"{when} ", "when"), Piece(say("nothing"))), depth)
        case [Line(pieces=(first, *_)) as only] if first.kind != "when":
            yield Line((Piece(f"{when} ", "when"), *only.pieces), depth)
        case _:
            yield Line((Piece(when, "when"),), depth)
            yield from inside


def _trimmed(lines: Iterable[Line]) -> list[Line]:
    """Without blanks around a line, and without empty lines at the ends or one after the other."""
    kept: list[Line] = []
    for line in lines:
        pieces = _without_blanks(line.pieces)
        if pieces or (kept and kept[-1].pieces):
            kept.append(replace(line, pieces=pieces))
    while kept and not kept[-1].pieces:
        kept.pop()
    return kept


def _without_blanks(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    filled = [piece for piece in pieces if piece.text]
    if not "".join(piece.text for piece in filled).strip():
        return ()
    filled[0] = replace(filled[0], text=filled[0].text.lstrip())
    filled[-1] = replace(filled[-1], text=filled[-1].text.rstrip())
    return tuple(piece for piece in filled if piece.text)
