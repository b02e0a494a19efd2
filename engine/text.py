"""Templates: text with fields in it, in Jinja2's syntax, that reads plain data and runs nothing.

Jinja2 only parses. What it parsed is checked against the few constructs allowed below, and is then
walked, never compiled to code, so that there is no sandbox to escape from.
"""

import operator
import re
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from markupsafe import Markup
from markupsafe import escape as escaped

from engine.filters import (
    FILTERS,
    MAX_NUMBER,
    MAX_TEXT,
    Named,
    Setting,
    TextProblem,
    add,
    joined,
    read_moment,
    read_number,
    shown,
    sub,
)
from engine.problems import suggest

__all__ = ["Rendered", "Template", "TextProblem", "parse", "plain"]

MAX_SOURCE, MAX_NODES, MAX_NESTING, MAX_LOOPS = 100_000, 5_000, 40, 2
MAX_ROUNDS, MAX_SECONDS, MAX_DEPTH_OF_DATA = 1_000, 2.0, 12


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
        html: bool = False,
        language: str = "en",
        timezone: tzinfo = UTC,
    ) -> Rendered:
        """The text with this data in it; values are escaped in HTML, and are never templates."""
        writing = self._writing(data, html, Setting(language, timezone))
        text = "".join(writing.block(self.body, writing.names))
        return Rendered(text, tuple(writing.missing))

    def value(
        self,
        data: Mapping[str, object],
        *,
        html: bool = False,
        language: str = "en",
        timezone: tzinfo = UTC,
    ) -> object:
        """The typed value of its one expression; for any other template, its text."""
        if self.expression is None:
            return self.render(data, html=html, language=language, timezone=timezone).text
        writing = self._writing(data, html, Setting(language, timezone))
        found = _known(writing.worked_out(self.expression, writing.names))
        if isinstance(found, str):
            return str(escaped(found) if html else found)
        return found

    def _writing(self, data: Mapping[str, object], html: bool, setting: Setting) -> "_Writing":
        roots = {path.partition(".")[0] for path in self.paths}
        names = {name: Bound(plain(data.get(name), name), name) for name in roots}
        return _Writing(self.source, names, html, setting)


@dataclass(frozen=True)
class Missing:
    """An empty field, and which."""

    path: str

    def __bool__(self) -> bool:
        return False


class Bound(NamedTuple):
    """What a name stands for at one place: a value, and the path that led to it."""

    value: object
    path: str


Scope = Mapping[str, Bound]


@lru_cache(maxsize=512)
def parse(source: str) -> Template:
    """The template, checked. Raises TextProblem for what is not allowed, and says what is."""
    tree = _syntax(source)
    reading = _Reading(source)
    reading.block(tree.body, {}, 0)
    pieces = [piece for node in tree.body for piece in _pieces(node)]
    only = [piece for piece in pieces if not _is_blank(piece)]
    expression = only[0] if len(only) == 1 and isinstance(only[0], nodes.Expr) else None
    if isinstance(expression, nodes.TemplateData):
        expression = None
    constant = all(isinstance(piece, nodes.TemplateData) for piece in pieces)
    return Template(source, frozenset(reading.paths), constant, tuple(tree.body), expression)


def plain(value: object, path: str = "", depth: int = 0) -> object:
    """A copy of the value that is only data, all the way down. Anything else is refused."""
    if depth > MAX_DEPTH_OF_DATA:
        raise TextProblem(f"`{path}` is nested too deeply.")
    match value:
        case None | bool() | date() | time():
            return value
        case str():
            return str.__str__(value)  # also when it claims to be safe HTML
        case int() | float() | Decimal():
            return _plain_number(value, path)
        case list() | tuple():
            return [plain(item, f"{path}.*", depth + 1) for item in value]
        case Named():
            inside = {k: plain(item, f"{path}.{k}", depth + 1) for k, item in value.items()}
            return Named(value.id, value.name, inside)
        case dict():
            return {str(k): plain(item, f"{path}.{k}", depth + 1) for k, item in value.items()}
    kind = type(value).__name__
    raise TextProblem(
        f"`{path}` is a {kind}, which is not plain data.", "Give text, numbers, dates."
    )


def _plain_number(value: int | float | Decimal, path: str) -> int | Decimal:
    exact = Decimal(str(value) if isinstance(value, float) else value)
    if not exact.is_finite() or exact.copy_abs() > MAX_NUMBER:
        raise TextProblem(f"`{path}` is not a number that can be used.")
    return int(value) if isinstance(value, int) else exact


# Reading: the syntax, and what of it is allowed.


_PARSER = Environment(keep_trailing_newline=True)
_COLON = re.compile(r"([\w.]+\s*\|\s*)?(\w+)\s*:\s*(\"[^\"]*\"|'[^']*'|-?[\w.]+)")
_SHORTCODE = re.compile(
    r"\$(?P<module>[A-Za-z]\w*)-(?P<field>[A-Za-z]\w*)\$"
    r"|\$\(\s*(?P<reference>[A-Za-z]\w*)\s*:\s*\(\s*\w+\s*\)\s*(?P<there>[A-Za-z]\w*)\s*\)"
)
_TAGS = "Use `{% if %}`, `{% elif %}`, `{% else %}` and `{% for %}`."
_WITH = (
    "`{% with %}` is not available.",
    "Write the whole path each time, as `{{ record.account.name }}`.",
)
_OTHER_DIALECT = {
    "addition": "add", "plus": "add", "subtract": "sub", "minus": "sub", "times": "mul",
    "multiply": "mul", "divide": "div", "divided_by": "div", "modulo": "mod", "currency": "money",
    "floatformat": "number", "format_number": "number", "float": "round", "count": "length",
    "size": "length", "replace": "replace_text", "strip": "trim", "truncatechars": "truncate",
    "default_if_none": "default", "dictsort": "sort", "selectattr": "where", "map": "join",
    "strftime": "date", "href": "link", "safe": "safe_html", "tojson": "json",
}  # fmt: skip
_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Mul: ("`*` is not available.", "Write `|mul(2)`."),
    nodes.Div: ("`/` is not available.", "Write `|div(2)`."),
    nodes.FloorDiv: ("`//` is not available.", "Write `|intdiv(2)`."),
    nodes.Mod: ("`%` is not available.", "Write `|mod(2)`."),
    nodes.Pow: ("`**` is not available.", "Write `|mul(...)`."),
    nodes.With: _WITH,
    nodes.Assign: ("`{% set %}` is not available.", "Write the expression where it is needed."),
    nodes.AssignBlock: ("`{% set %}` is not available.", "Write the text where it is needed."),
    nodes.FilterBlock: ("`{% filter %}` is not available.", "Write `{{ field|upper }}`."),
    nodes.Pos: ("A `+` needs a number on both sides.", "Write `17 + 4`, or `|add(4)`."),
    nodes.Dict: ("A `{...}` cannot be written here.", "Name a field."),
}
_PLACES = (nodes.Name, nodes.Getattr, nodes.Getitem)
_ALLOWED = (
    *(nodes.TemplateData, nodes.Const, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg),
    *(nodes.CondExpr, nodes.List, nodes.Tuple, nodes.Keyword),
)
_LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length"}
_SAME_ITEMS = {"sort", "where", "default", "d"}
_ONE_ITEM = {"first", "last"}
_OF_ITEMS = {"sort": 0, "where": 0, "sum": 0, "join": 1}


def _syntax(source: str) -> nodes.Template:
    if len(source) > MAX_SOURCE:
        raise TextProblem(f"The template is longer than {MAX_SOURCE:,} characters.", "Shorten it.")
    try:
        return Parser(_PARSER, source).parse()
    except TemplateSyntaxError as error:
        lines = source.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        raise _located(source, error.lineno, *_explained(error.message or "", line)) from None
    except (RecursionError, ValueError, OverflowError):
        raise TextProblem(
            "The template is too deeply nested to read.", "Make it simpler."
        ) from None


def _explained(message: str, line: str) -> tuple[str, str]:
    """A syntax error in our words, with a remedy that knows the habits of other dialects."""
    if re.search(r"\{%-?\s*with\b", line):
        return _WITH
    if re.search(r"\{%-?\s*(elseif|else\s+if|elsif)\b", line):
        return "There is no such tag.", "Write `{% elif ... %}`."
    if "got ':'" in message and (found := _COLON.search(line[:2_000])):
        before, name, setting = (part or "" for part in found.groups())
        written = f"{before}{name}({setting})".replace(" ", "")
        return "A filter's setting stands in brackets, not after a colon.", f"Write `{written}`."
    if found := re.search("block that needs to be closed is '(.+)'", message):
        return f"`{{% {found[1]} %}}` is never closed.", f"Write `{{% end{found[1]} %}}`."
    if message.startswith("unexpected end of template"):
        return "`{{` or `{%` is never closed.", "Write `}}` or `%}`."
    if found := re.search("expected token 'end of .*', got '(.+)'", message):
        return f"`{found[1]}` is not expected here.", "Between {{ and }} stands one field."
    return message[:1].upper() + message[1:].rstrip(".") + ".", _TAGS if "tag" in message else ""


def _located(source: str, lineno: int, message: str, remedy: str = "") -> TextProblem:
    where = f"Line {lineno}: " if "\n" in source.strip() else ""
    return TextProblem(where + message, remedy)


def _pieces(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, nodes.Output):
        yield from node.nodes
    else:
        yield node


def _is_blank(piece: nodes.Node) -> bool:
    return isinstance(piece, nodes.TemplateData) and not piece.data.strip()


def _expanded(piece: nodes.Expr) -> Iterator[nodes.Expr]:
    """Text with its shortcodes, such as `$contacts-lastname$`, turned into the fields they name."""
    if not isinstance(piece, nodes.TemplateData):
        yield piece
        return
    end = 0
    for found in _SHORTCODE.finditer(piece.data):
        if found.start() > end:
            yield nodes.TemplateData(piece.data[end : found.start()], lineno=piece.lineno)
        names = [found[group] for group in ("field", "reference", "there") if found[group]]
        line = piece.lineno + piece.data.count("\n", 0, found.start())
        path: nodes.Expr = nodes.Name("record", "load", lineno=line)
        for name in names:
            path = nodes.Getattr(path, name.lower(), "load", lineno=line)
        yield path
        end = found.end()
    if end < len(piece.data):
        yield nodes.TemplateData(piece.data[end:], lineno=piece.lineno)


def _now(node: nodes.Node | None) -> str | None:
    """`now()` and `today()` are accepted for `now` and `today`: calls in writing only."""
    match node:
        case nodes.Call(node=nodes.Name(name="now" | "today" as name), args=[], kwargs=[]):
            return str(name) if node.dyn_args is None and node.dyn_kwargs is None else None
    return None


def _path(node: nodes.Node | None, known: Mapping[str, str]) -> str | None:
    """The path of a field, or of a list with the same items; None for any other expression.

    `known` has the names that loops have given, and the paths they stand for.
    """
    keys: list[str] = []
    while True:
        match node:
            case nodes.Name(name=name):
                return ".".join([known.get(name, name), *reversed(keys)])
            case (
                nodes.Getattr(attr=str() as key)
                | nodes.Getitem(arg=nodes.Const(value=str() as key))
            ):
                keys.append(key)
            case nodes.Getitem(arg=nodes.Const(value=int())):
                keys.append("*")
            case nodes.Filter(name=name) if name in _ONE_ITEM:
                keys.append("*")
            case nodes.Filter(name=name) if name in _SAME_ITEMS:
                pass
            case _:
                now = _now(node)
                return ".".join([now, *reversed(keys)]) if now else None
        node = node.node


def _named(node: nodes.Filter) -> dict[str, nodes.Expr]:
    """The settings of a filter that are given by name."""
    pairs: list[nodes.Node] = list(node.kwargs)
    return {pair.key: pair.value for pair in pairs if isinstance(pair, nodes.Keyword)}


class _Reading:
    """One look over a parsed template: refuses what is not allowed, and gathers the paths read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.paths: set[str] = set()
        self.nodes = 0
        self.loops = 0

    def block(self, body: Sequence[nodes.Node], loops: Mapping[str, str], depth: int) -> None:
        """Statements. `loops` has the names that loops have given, and the paths they stand for."""
        for node in body:
            self.count(node, depth)
            match node:
                case nodes.Output():
                    node.nodes = [part for piece in node.nodes for part in _expanded(piece)]
                    for piece in node.nodes:
                        self.expression(piece, loops, depth + 1)
                case nodes.If():
                    self.expression(node.test, loops, depth + 1)
                    for part in (node.body, node.elif_, node.else_):
                        self.block(part, loops, depth + 1)
                case nodes.For():
                    self.loop(node, loops, depth)
                case _:
                    raise self.refused(node)

    def loop(self, node: nodes.For, loops: Mapping[str, str], depth: int) -> None:
        path = _path(node.iter, loops)
        if path is None or node.recursive or not isinstance(node.target, nodes.Name):
            remedy = "Write `{% for line in record.lines %}`."
            raise self.problem(node, "A loop goes over the items of one field.", remedy)
        self.expression(node.iter, loops, depth + 1)
        if self.name(node.target) == "loop":
            raise self.problem(node, "`loop` already has a meaning here.", "Use another name.")
        inner = {**loops, node.target.name: f"{path}.*", "loop": "loop"}
        if node.test:
            self.expression(node.test, inner, depth + 1)
        self.loops += 1
        if self.loops > MAX_LOOPS:
            raise self.problem(node, f"Loops can be nested {MAX_LOOPS} deep.", "Take one out.")
        self.block(node.body, inner, depth + 1)
        self.loops -= 1
        self.block(node.else_, loops, depth + 1)

    def expression(self, node: nodes.Node, loops: Mapping[str, str], depth: int) -> None:
        self.count(node, depth)
        if _now(node) or isinstance(node, _PLACES):
            if isinstance(node, nodes.Name):
                self.name(node)
            self.place(node, loops, depth)
            return
        if not isinstance(node, _ALLOWED):
            raise self.refused(node)
        match node:
            case nodes.Const():
                self.constant(node)
            case nodes.Filter():
                self.filter(node, loops)
            case nodes.Test():
                self.test(node)
        for child in node.iter_child_nodes():
            self.expression(child, loops, depth + 1)

    def place(self, node: nodes.Node, loops: Mapping[str, str], depth: int) -> None:
        """A field: the names on the way to it are checked, and its path is noted."""
        inner = node
        while isinstance(inner, (nodes.Getattr, nodes.Getitem)):
            depth += 1
            self.count(inner, depth)
            self.name(inner)
            inner = inner.node
        if isinstance(inner, nodes.Filter):
            self.expression(inner, loops, depth + 1)
        path = _path(node, loops)
        if path is None:
            raise self.problem(
                node, "Only a field can be followed by a dot or [ ].", "Name a field."
            )
        root, _, rest = path.partition(".")
        if root == "loop" and "loop" in loops:
            if rest not in _LOOP:
                raise self.problem(node, f"A loop has no `{rest}`.", suggest(rest, sorted(_LOOP)))
        elif path not in loops.values():
            self.paths.add(path)

    def filter(self, node: nodes.Filter, loops: Mapping[str, str]) -> None:
        known = FILTERS.get(node.name)
        if known is None:
            raise self.unknown(node, "filter", node.name, FILTERS)
        named = _named(node)
        starred = node.dyn_args is not None or node.dyn_kwargs is not None
        if starred or not known.takes(len(node.args), named):
            message = f"The filter `{node.name}` is written `{known.settings}`."
            raise self.problem(node, message, f"For example: {known.example}.")
        if node.name not in _OF_ITEMS or node.node is None:
            return
        place = _OF_ITEMS[node.name]
        attribute = node.args[place] if len(node.args) > place else named.get("attribute")
        path = _path(node.node, loops)
        if isinstance(attribute, nodes.Const) and isinstance(attribute.value, str) and path:
            self.paths.add(f"{path}.*.{attribute.value}")

    def test(self, node: nodes.Test) -> None:
        if node.name not in TESTS:
            raise self.unknown(node, "test", node.name, TESTS)
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise self.problem(node, f"The test `{node.name}` takes no settings.")

    def constant(self, node: nodes.Const) -> None:
        value = node.value
        if isinstance(value, (int, float)) and not abs(value) <= MAX_NUMBER:
            raise self.problem(node, "This number is too large.")
        if isinstance(value, str) and re.search("[\0\ud800-\udfff]", value):
            raise self.problem(node, "This text has a character that cannot be printed.")

    def count(self, node: nodes.Node, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_NESTING or self.nodes > MAX_NODES:
            raise self.problem(
                node, "The template is too complex.", "Make it simpler, or split it."
            )

    def name(self, node: nodes.Name | nodes.Getattr | nodes.Getitem) -> str:
        """The name at this place, or nothing for a position in a list."""
        match node:
            case nodes.Name(name=name) | nodes.Getattr(attr=name):
                pass
            case nodes.Getitem(arg=nodes.Const(value=str() as name)):
                pass
            case nodes.Getitem(arg=nodes.Const(value=int())):
                return ""
            case _:
                remedy = "Write `record.lines.0` or `record.name`."
                raise self.problem(node, "Between [ and ] stands a fixed name or number.", remedy)
        if str(name).startswith("_"):
            raise self.problem(
                node, f"No field begins with “_”, as `{name}` does.", "Name a field."
            )
        return str(name)

    def unknown(self, node: nodes.Node, what: str, name: str, known: Iterable[str]) -> TextProblem:
        meant = _OTHER_DIALECT.get(name) if what == "filter" else None
        remedy = (
            f"Here it is `{meant}`: {FILTERS[meant].example}." if meant else suggest(name, known)
        )
        return self.problem(node, f"There is no {what} `{name}`.", remedy)

    def refused(self, node: nodes.Node) -> TextProblem:
        if isinstance(node, nodes.Call):
            called = node.node.attr if isinstance(node.node, nodes.Getattr) else ""
            meant = called if called in FILTERS else _OTHER_DIALECT.get(called, "")
            remedy = f"Write `|{meant}`: {FILTERS[meant].example}." if meant else "Name a field."
            return self.problem(node, "A template cannot call anything with `( )`.", remedy)
        kind = type(node).__name__.lower()
        message, remedy = _REFUSED.get(
            type(node), (f"`{kind}` is not available in templates.", _TAGS)
        )
        return self.problem(node, message, remedy)

    def problem(self, node: nodes.Node, message: str, remedy: str = "") -> TextProblem:
        return _located(self.source, node.lineno, message, remedy)


# Writing: walking a checked template with data.


TESTS: dict[str, Callable[[object], bool]] = {
    "defined": lambda value: value is not None,
    "undefined": lambda value: value is None,
    "none": lambda value: value is None,
    "empty": lambda value: value is None or value == "" or value == [],
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, Decimal)) and not isinstance(value, bool),
    "even": lambda value: isinstance(value, (int, Decimal)) and value % 2 == 0,
    "odd": lambda value: isinstance(value, (int, Decimal)) and value % 2 == 1,
}


def _contains(container: object, item: object) -> bool:
    match container:
        case None:
            return False
        case str():
            return isinstance(item, str) and item in container
        case list() | dict():
            return item in container
    raise TextProblem("After `in` stands a list or a text.", "Write `in ['a', 'b']`.")


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, container: _contains(container, item),
    "notin": lambda item, container: not _contains(container, item),
}


def _known(value: object) -> object:
    return None if isinstance(value, Missing) else value


def _alike(one: object, other: object, setting: Setting) -> tuple[object, object]:
    """Two values as they compare: text beside a date as a date, and times by the reader's clock."""
    if isinstance(one, date) and isinstance(other, str):
        other = read_moment(other, setting)
    if isinstance(other, date) and isinstance(one, str):
        one = read_moment(one, setting)
    if not (isinstance(one, date) and isinstance(other, date)):
        return one, other
    clocks = [read_moment(one, setting), read_moment(other, setting)]
    if not all(isinstance(moment, datetime) for moment in clocks):
        clocks = [m.date() if isinstance(m, datetime) else m for m in clocks]
    return clocks[0], clocks[1]


class _Writing:
    """One rendering: walks the template, and stops what grows too long or takes too long."""

    def __init__(self, source: str, names: Scope, html: bool, setting: Setting) -> None:
        self.source, self.names, self.html, self.setting = source, names, html, setting
        self.missing: dict[str, None] = {}
        self.size = 0
        self.deadline = clock.monotonic() + MAX_SECONDS

    def block(self, body: Iterable[nodes.Node], names: Scope) -> Iterator[str]:
        for node in body:
            match node:
                case nodes.Output():
                    for piece in node.nodes:
                        yield self.sized(self.printed(piece, names))
                case nodes.If():
                    yield from self.block(self.branch(node, names), names)
                case nodes.For():
                    yield from self.loop(node, names)

    def sized(self, text: str) -> str:
        self.size += len(text)
        if self.size > MAX_TEXT:
            raise TextProblem(f"The text grows past {MAX_TEXT:,} characters.", "Print less.")
        return text

    def branch(self, node: nodes.If, names: Scope) -> Sequence[nodes.Node]:
        for case in (node, *node.elif_):
            if self.worked_out(case.test, names):
                return case.body
        return node.else_

    def loop(self, node: nodes.For, names: Scope) -> Iterator[str]:
        path = f"{self.path(node.iter, names)}.*"
        items = _known(self.worked_out(node.iter, names))
        if not isinstance(items, (list, NoneType)):
            message = f"`{path[:-2]}` is not a list."
            raise _located(
                self.source, node.lineno, message, "Loop over a field with several values."
            )
        target = str(getattr(node.target, "name", ""))
        inside = [{**names, target: Bound(item, path)} for item in (items or [])[:MAX_ROUNDS]]
        if node.test:
            inside = [scope for scope in inside if self.worked_out(node.test, scope)]
        for index, scope in enumerate(inside):
            yield from self.block(node.body, {**scope, "loop": _round(index, len(inside))})
        if not inside:
            yield from self.block(node.else_, names)

    def printed(self, piece: nodes.Expr, names: Scope) -> str:
        if isinstance(piece, nodes.TemplateData):
            return piece.data
        with self.explained(piece):
            text = self.shown(self.evaluate(piece, names))
            return str(escaped(text) if self.html else text)

    def worked_out(self, node: nodes.Node, names: Scope) -> object:
        with self.explained(node):
            return self.evaluate(node, names)

    @contextmanager
    def explained(self, node: nodes.Node) -> Iterator[None]:
        """Problems met here say on which line."""
        try:
            yield
        except TextProblem as problem:
            raise _located(self.source, node.lineno, problem.message, problem.remedy) from problem
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            message = "This cannot be worked out with these values."
            raise _located(self.source, node.lineno, message, "Check the fields in it.") from error

    def shown(self, value: object) -> str:
        """The value in print. An empty field is noted, and leaves a gap."""
        if isinstance(value, Missing):
            self.missing[value.path] = None
        return shown(_known(value), self.setting)

    def path(self, node: nodes.Node, names: Scope) -> str | None:
        return _path(node, {name: bound.path for name, bound in names.items()})

    def evaluate(self, node: nodes.Node, names: Scope) -> object:
        if clock.monotonic() > self.deadline:
            raise TextProblem("The template takes too long.", "Loop over fewer items.")
        match node:
            case nodes.Const(value=float() as value):
                return Decimal(str(value))
            case nodes.Const(value=value):
                return value
            case nodes.Filter():
                return self.filter(node, names)
            case nodes.Test():
                return TESTS[node.name](_known(self.evaluate(node.node, names)))
            case nodes.Compare():
                return self.compare(node, names)
            case nodes.And():
                return self.evaluate(node.left, names) and self.evaluate(node.right, names)
            case nodes.Or():
                return self.evaluate(node.left, names) or self.evaluate(node.right, names)
            case nodes.Not():
                return not self.evaluate(node.node, names)
            case nodes.CondExpr():
                return self.choose(node, names)
            case nodes.Concat():
                return self.concat([self.evaluate(part, names) for part in node.nodes])
            case nodes.Add() | nodes.Sub():
                return self.calculate(node, names)
            case nodes.Neg():
                value = self.evaluate(node.node, names)
                return 0 - read_number(value) if _known(value) is not None else value
            case nodes.List() | nodes.Tuple():
                return [_known(self.evaluate(item, names)) for item in node.items]
        value = self.reach(node, names)
        return value if value is not None else Missing(self.path(node, names) or "")

    def reach(self, node: nodes.Node, names: Scope) -> object:
        """What a dotted path leads to: keys of dicts and positions in lists, and nothing else."""
        match node:
            case nodes.Getattr(attr=key) | nodes.Getitem(arg=nodes.Const(value=key)):
                place = self.reach(node.node, names)
            case nodes.Filter():
                return _known(self.filter(node, names))
            case _:
                name = _now(node) or (node.name if isinstance(node, nodes.Name) else "")
                return names[name].value if name in names else None
        if isinstance(place, dict):
            return place.get(str(key))
        if isinstance(place, list) and isinstance(key, int):
            return place[key] if key < len(place) else None
        return None

    def filter(self, node: nodes.Filter, names: Scope) -> object:
        known = FILTERS[node.name]
        value = self.evaluate(node.node, names) if node.node else None
        if _known(value) is None and not known.takes_empty:
            return value
        given = [self.evaluate(setting, names) for setting in node.args]
        named = {key: self.evaluate(setting, names) for key, setting in _named(node).items()}
        empty = [item for item in (*given, *named.values()) if isinstance(item, Missing)]
        if not known.takes_empty:
            self.missing.update((item.path, None) for item in empty)
        settings = {key: _known(item) for key, item in named.items()}
        if known.localised:
            settings["setting"] = self.setting
        try:
            result = known.function(_known(value), *map(_known, given), **settings)
        except TextProblem as problem:
            raise TextProblem(f"`{node.name}`: {problem.message}", problem.remedy) from problem
        path = self.path(node, names) if result is None else None
        return Missing(path) if path else result

    def compare(self, node: nodes.Compare, names: Scope) -> bool:
        left = _known(self.evaluate(node.expr, names))
        for operand in node.ops:
            right = _known(self.evaluate(operand.expr, names))
            if not self.compared(operand.op, left, right):
                return False
            left = right
        return True

    def compared(self, op: str, left: object, right: object) -> bool:
        """A comparison of order with an empty field is false."""
        if op in ("lt", "lteq", "gt", "gteq") and (left is None or right is None):
            return False
        one, other = (
            _alike(left, right, self.setting) if op not in ("in", "notin") else (left, right)
        )
        try:
            return bool(COMPARISONS[op](one, other))
        except TypeError as error:
            remedy = "Compare numbers with numbers, dates with dates."
            raise TextProblem("These two values cannot be compared.", remedy) from error

    def choose(self, node: nodes.CondExpr, names: Scope) -> object:
        if self.evaluate(node.test, names):
            return self.evaluate(node.expr1, names)
        return self.evaluate(node.expr2, names) if node.expr2 else None

    def concat(self, parts: list[object]) -> str:
        texts = [self.shown(part) for part in parts]
        if self.html and any(isinstance(text, Markup) for text in texts):
            return Markup(joined("", map(escaped, texts)))
        return joined("", texts)

    def calculate(self, node: nodes.Add | nodes.Sub, names: Scope) -> object:
        left, right = self.evaluate(node.left, names), self.evaluate(node.right, names)
        if _known(left) is None or _known(right) is None:
            return left if _known(left) is None else right
        return add(left, right) if isinstance(node, nodes.Add) else sub(left, right)


def _round(index: int, length: int) -> Bound:
    """What `loop` knows in one round."""
    return Bound(
        {
            "index": index + 1,
            "index0": index,
            "revindex": length - index,
            "revindex0": length - index - 1,
            "first": index == 0,
            "last": index == length - 1,
            "length": length,
        },
        "loop",
    )
