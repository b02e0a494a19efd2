"""Templates: text with fields in it, in Jinja2's syntax, that reads plain data and runs nothing.

Jinja2 only parses. What it parsed is checked against the few constructs allowed below, and is then
walked, never compiled to code, so that there is no sandbox to escape from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import lru_cache

from jinja2 import nodes

from engine.filters import Form, Setting, TextProblem, fitted
from engine.template_reading import Reading, is_blank, pieces, syntax
from engine.template_writing import Bound, Writing, known, plain

__all__ = ["Rendered", "Template", "TextProblem", "parse", "plain"]


@dataclass(frozen=True)
class Rendered:
    """A finished text, and the paths of the empty fields that left a gap in it."""

    text: str
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

    def render(
        self,
        data: Mapping[str, object],
        *,
        form: Form = "text",
        language: str = "en",
        timezone: tzinfo = UTC,
    ) -> Rendered:
        """The text with this data in it, made fit for its form. Values are never templates."""
        writing = self._writing(data, form, Setting(language, timezone))
        text = "".join(writing.block(self.body, writing.names))
        return Rendered(text, tuple(writing.missing))

    def value(
        self,
        data: Mapping[str, object],
        *,
        form: Form = "text",
        language: str = "en",
        timezone: tzinfo = UTC,
    ) -> object:
        """The typed value of its one expression; for any other template, its text."""
        if self.expression is None:
            return self.render(data, form=form, language=language, timezone=timezone).text
        writing = self._writing(data, form, Setting(language, timezone))
        found = known(writing.worked_out(self.expression, writing.names))
        if isinstance(found, str):
            return fitted(found, form)
        return found

    def _writing(self, data: Mapping[str, object], form: Form, setting: Setting) -> Writing:
        roots = {path.partition(".")[0] for path in self.paths}
        names = {name: Bound(plain(data.get(name), name), name) for name in roots}
        return Writing(self.source, names, form, setting)


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
