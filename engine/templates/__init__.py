"""Templates: text with fields in it, in Jinja2's syntax, that reads plain data and runs nothing.

Jinja2 only parses. What it parsed is checked against the few constructs allowed below, and is then
walked, never compiled to code, so that there is no sandbox to escape from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from jinja2 import nodes

from engine.templates.filters import FILTERS, Setting, TextProblem, fitted
from engine.templates.reading import Reading, is_blank, pieces, syntax
from engine.templates.writing import Bound, Missing, Writing, known, plain

__all__ = [
    "Rendered",
    "Setting",
    "Template",
    "TextProblem",
    "Valued",
    "fixed",
    "parse",
    "paths_in",
    "plain",
    "texts_in",
]


ANYWHERE = Setting()


@dataclass(frozen=True)
class Rendered:
    """A finished text, the paths of the empty fields that left a gap in it, and its own words."""

    text: str
    missing: tuple[str, ...] = ()
    words: str = field(default="", compare=False)


@dataclass(frozen=True)
class Valued:
    """What one expression comes to, and the paths of the empty fields that it needed."""

    value: object
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """A checked template. `paths` are the fields it reads, with `*` for each item of a list."""

    source: str
    paths: frozenset[str] = field(compare=False)
    constant: bool = field(compare=False)
    body: tuple[nodes.Node, ...] = field(compare=False, repr=False)
    expression: nodes.Expr | None = field(compare=False, repr=False)

    @property
    def is_expression(self) -> bool:
        """Whether it is one `{{ ... }}` and nothing else, and so keeps the type of its value."""
        return self.expression is not None

    @cached_property
    def localised(self) -> bool:
        """Whether it writes differently in another language."""
        body = nodes.Template(list(self.body))
        return any(FILTERS[each.name].localised for each in body.find_all(nodes.Filter))

    @cached_property
    def roots(self) -> frozenset[str]:
        """The names that its paths begin with."""
        return frozenset(path.partition(".")[0] for path in self.paths)

    def render(self, data: Mapping[str, object], setting: Setting = ANYWHERE) -> Rendered:
        """The text with this data in it, made fit for its form. Values are never templates."""
        writing = self._writing(data, setting)
        text = "".join(writing.block(self.body, writing.names))
        return Rendered(text, tuple(writing.missing), "".join(writing.words))

    def value(self, data: Mapping[str, object], setting: Setting = ANYWHERE) -> Valued:
        """The typed value of its one expression; for any other template, its text."""
        if self.expression is None:
            done = self.render(data, setting)
            return Valued(done.text, done.missing)
        writing = self._writing(data, setting)
        found = writing.worked_out(self.expression, writing.names)
        missing = (found.path,) if isinstance(found, Missing) else ()
        result = known(found)
        kept = fitted(result, setting.form) if isinstance(result, str) else result
        return Valued(kept, tuple(dict.fromkeys((*writing.missing, *missing))))

    def _writing(self, data: Mapping[str, object], setting: Setting) -> Writing:
        names = {name: Bound(plain(data.get(name), name), name) for name in self.roots}
        return Writing(self.source, names, setting)


def fixed(source: str) -> bool:
    """Whether a text is what it says, with nothing to be filled in."""
    try:
        return parse(source).constant
    except TextProblem:
        return False


def texts_in(source: object) -> Iterator[str]:
    """Every text in a setting: in its lists and objects, too."""
    if isinstance(source, str):
        yield source
    elif isinstance(source, (dict, list, tuple)):
        for part in source.values() if isinstance(source, dict) else source:
            yield from texts_in(part)


def paths_in(source: object) -> frozenset[str]:
    """Every path that the templates in a setting read. Raises TextProblem."""
    return frozenset(path for text in texts_in(source) for path in parse(text).paths)


@lru_cache(maxsize=512)
def parse(source: str) -> Template:
    """The template, checked. Raises TextProblem for what is not allowed, and says what is."""
    tree = syntax(source)
    reading = Reading(source)
    reading.block(tree.body, {}, 0)
    every = [piece for node in tree.body for piece in pieces(node)]
    only = [piece for piece in every if not is_blank(piece)]
    expression = only[0] if len(only) == 1 and isinstance(only[0], nodes.Expr) else None
    if isinstance(expression, nodes.TemplateData):
        expression = None
    constant = all(isinstance(piece, nodes.TemplateData) for piece in every)
    return Template(source, frozenset(reading.paths), constant, tuple(tree.body), expression)
