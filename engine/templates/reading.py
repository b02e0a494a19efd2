"""Reading a template: its syntax, what of it is allowed, and which fields it asks for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from engine.problems import suggest
from engine.templates.dialects import FILTERS_ELSEWHERE
from engine.templates.filters import FILTERS, MAX_NUMBER, TextProblem
from engine.templates.problems import REFUSED, TAGS, explained, located
from engine.templates.shorthands import completed, expanded

MAX_SOURCE, MAX_NODES, MAX_NESTING, MAX_LOOPS = 100_000, 5_000, 40, 2

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


_PARSER = Environment(keep_trailing_newline=True)
PLACES = (nodes.Name, nodes.Getattr, nodes.Getitem)
_ALLOWED = (
    *(nodes.TemplateData, nodes.Const, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Neg, nodes.Add, nodes.Sub, nodes.Mul),
    *(nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
    *(nodes.CondExpr, nodes.List, nodes.Tuple, nodes.Keyword),
)
_LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length"}
_SAME_ITEMS = {"sort", "where", "overdue", "default", "d"}
_ONE_ITEM = {"first", "last"}
_OF_ITEMS = {
    **dict.fromkeys(("sort", "where", "sum", "average", "min", "max", "totals"), slice(0, 1)),
    "join": slice(1, 2), "table": slice(None), "listed": slice(None),
}  # fmt: skip
"""Which settings of a filter name fields of the items of its list."""
_MADE, _OF_MADE = "totals()", ("name", "sum", "count")
"""What stands for the items that `totals` makes: no name that anybody can write."""


def syntax(source: str) -> nodes.Template:
    if len(source) > MAX_SOURCE:
        raise TextProblem(
            f"A template has at most {MAX_SOURCE:,} characters, and this one {len(source):,}.",
            "Shorten it.",
        )
    try:
        return completed(Parser(_PARSER, source).parse())
    except TemplateSyntaxError as error:
        lines = source.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        raise located(source, error.lineno, *explained(error.message or "", line)) from None
    except (RecursionError, ValueError, OverflowError):
        raise TextProblem(
            "The template is too deeply nested to read.", "Make it simpler."
        ) from None


def pieces(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, nodes.Output):
        yield from node.nodes
    else:
        yield node


def is_blank(piece: nodes.Node) -> bool:
    return isinstance(piece, nodes.TemplateData) and not piece.data.strip()


def now_word(node: nodes.Node | None) -> str | None:
    """`now()` and `today()` are accepted for `now` and `today`: calls in writing only."""
    match node:
        case nodes.Call(node=nodes.Name(name="now" | "today" as name), args=[], kwargs=[]):
            return str(name) if node.dyn_args is None and node.dyn_kwargs is None else None
    return None


def path_of(node: nodes.Node | None, known: Mapping[str, str]) -> str | None:
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
            case nodes.Filter(name="totals"):
                return ".".join([_MADE, *reversed(keys)])
            case _:
                now = now_word(node)
                return ".".join([now, *reversed(keys)]) if now else None
        node = node.node


def settings_of(node: nodes.Filter) -> dict[str, nodes.Expr]:
    """The settings of a filter that are given by name."""
    pairs: list[nodes.Node] = list(node.kwargs)
    return {pair.key: pair.value for pair in pairs if isinstance(pair, nodes.Keyword)}


class Reading:
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
                    node.nodes = [part for piece in node.nodes for part in expanded(piece)]
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
        path = path_of(node.iter, loops)
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
        if now_word(node) or isinstance(node, PLACES):
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
        path = path_of(node, loops)
        if path is None:
            raise self.problem(
                node, "Only a field can be followed by a dot or [ ].", "Name a field."
            )
        root, _, rest = path.partition(".")
        if root == "loop" and "loop" in loops:
            if rest not in _LOOP:
                raise self.problem(node, f"A loop has no `{rest}`.", suggest(rest, sorted(_LOOP)))
        elif root == _MADE:
            if (last := path.rpartition(".")[2]) not in ("*", *_OF_MADE):
                message = f"A total has no `{last}`."
                raise self.problem(node, message, suggest(last, _OF_MADE, "It has"))
        elif path not in loops.values():
            self.paths.add(path)

    def filter(self, node: nodes.Filter, loops: Mapping[str, str]) -> None:
        known = FILTERS.get(node.name)
        if known is None:
            raise self.unknown(node, "filter", node.name, FILTERS)
        named = settings_of(node)
        starred = node.dyn_args is not None or node.dyn_kwargs is not None
        if starred or not known.takes(len(node.args), named):
            message = f"The filter `{node.name}` is written `{known.settings}`."
            raise self.problem(node, message, f"For example: {known.example}.")
        if node.node is not None and (path := path_of(node.node, loops)):
            self.paths.update(f"{path}.{below}" for below in self.of_items(node, path))

    def of_items(self, node: nodes.Filter, path: str) -> Iterator[str]:
        """The fields of a list's items that a filter reads, as its settings name them."""
        if node.name == "overdue":
            items = "invoices.*" if path == "customer" else "*"
            yield from (f"{items}.{field}" for field in ("due_date", "balance"))
        if node.name == "totals" and len(node.args) < 2 and "by" not in settings_of(node):
            yield "*.currency"
        if node.name not in _OF_ITEMS:
            return
        named = settings_of(node)
        asked = [*node.args[_OF_ITEMS[node.name]], named.get("attribute"), named.get("by")]
        asked += node.args[1:2] if node.name == "totals" else []
        for setting in asked:
            if isinstance(setting, nodes.Const) and isinstance(setting.value, str):
                yield f"*.{setting.value.partition('=')[0].strip()}"

    def test(self, node: nodes.Test) -> None:
        if node.name not in TESTS:
            raise self.unknown(node, "test", node.name, TESTS)
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise self.problem(node, f"The test `{node.name}` takes no settings.")

    def constant(self, node: nodes.Const) -> None:
        value = node.value
        if isinstance(value, (int, float)) and not abs(value) <= MAX_NUMBER:
            raise self.problem(node, f"Numbers go up to {MAX_NUMBER:,}: this one is larger.")
        if isinstance(value, str) and re.search("[\0\ud800-\udfff]", value):
            raise self.problem(node, "This text has a character that cannot be printed.")

    def count(self, node: nodes.Node, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_NESTING or self.nodes > MAX_NODES:
            told = f"A template has at most {MAX_NODES:,} parts, nested {MAX_NESTING} deep."
            raise self.problem(node, f"{told} This one has more.", "Make it simpler, or split it.")

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
        meant = FILTERS_ELSEWHERE.get(name) if what != "test" else None
        remedy = (
            f"Here it is `{meant}`: {FILTERS[meant].example}." if meant else suggest(name, known)
        )
        return self.problem(node, f"There is no {what} `{name}`.", remedy)

    def refused(self, node: nodes.Node) -> TextProblem:
        if isinstance(node, nodes.Call):
            called = node.node.attr if isinstance(node.node, nodes.Getattr) else ""
            meant = called if called in FILTERS else FILTERS_ELSEWHERE.get(called, "")
            remedy = f"Write `|{meant}`: {FILTERS[meant].example}." if meant else "Name a field."
            if isinstance(node.node, nodes.Name) and not meant:
                return self.unknown(node, "function", node.node.name, FILTERS)
            return self.problem(node, "A template cannot call anything with `( )`.", remedy)
        kind = type(node).__name__.lower()
        message, remedy = REFUSED.get(
            type(node), (f"`{kind}` is not available in templates.", TAGS)
        )
        return self.problem(node, message, remedy)

    def problem(self, node: nodes.Node, message: str, remedy: str = "") -> TextProblem:
        return located(self.source, node.lineno, message, remedy)
