"""Reading a template: its syntax, what of it is allowed, and which fields it asks for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from engine.filters import FILTERS, MAX_NUMBER, TextProblem
from engine.problems import suggest

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
PLACES = (nodes.Name, nodes.Getattr, nodes.Getitem)
_ALLOWED = (
    *(nodes.TemplateData, nodes.Const, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg),
    *(nodes.CondExpr, nodes.List, nodes.Tuple, nodes.Keyword),
)
_LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length"}
_SAME_ITEMS = {"sort", "where", "default", "d"}
_ONE_ITEM = {"first", "last"}
_OF_ITEMS = {"sort": 0, "where": 0, "sum": 0, "join": 1}


def syntax(source: str) -> nodes.Template:
    if len(source) > MAX_SOURCE:
        raise TextProblem(f"The template is longer than {MAX_SOURCE:,} characters.", "Shorten it.")
    try:
        return Parser(_PARSER, source).parse()
    except TemplateSyntaxError as error:
        lines = source.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        raise located(source, error.lineno, *_explained(error.message or "", line)) from None
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


def located(source: str, lineno: int, message: str, remedy: str = "") -> TextProblem:
    where = f"Line {lineno}: " if "\n" in source.strip() else ""
    return TextProblem(where + message, remedy)


def pieces(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, nodes.Output):
        yield from node.nodes
    else:
        yield node


def is_blank(piece: nodes.Node) -> bool:
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
        if node.name not in _OF_ITEMS or node.node is None:
            return
        place = _OF_ITEMS[node.name]
        attribute = node.args[place] if len(node.args) > place else named.get("attribute")
        path = path_of(node.node, loops)
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
        return located(self.source, node.lineno, message, remedy)
