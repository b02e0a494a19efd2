"""Writing a template: walking what was read with plain data, within bounds of size and time."""

import operator
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any, NamedTuple, TypeVar

from jinja2 import nodes
from markupsafe import Markup
from markupsafe import escape as escaped

from engine.templates.filters import (
    FILTERS,
    MAX_NUMBER,
    MAX_TEXT,
    Named,
    Row,
    Setting,
    TextProblem,
    Unusable,
    add,
    div,
    fitted,
    intdiv,
    joined,
    mod,
    mul,
    power,
    read_moment,
    read_number,
    shown,
    sub,
)
from engine.templates.problems import located
from engine.templates.reading import TESTS, now_word, path_of, settings_of

MAX_ROUNDS, MAX_SECONDS, MAX_DEPTH_OF_DATA = 1_000, 2.0, 12
MAX_MADE = 20 * MAX_TEXT  # of text on the way to what is printed, all of which may be held at once


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
T = TypeVar("T")


def plain(value: object, path: str = "", depth: int = 0) -> object:
    """A copy of the value that is only data, all the way down. Anything else is refused."""
    if depth > MAX_DEPTH_OF_DATA:
        raise TextProblem(f"`{path}` is nested too deeply.")
    match value:
        case None | bool() | date() | time() | Unusable():
            return value
        case str():
            return str.__str__(value)  # also when it claims to be safe HTML
        case int() | float() | Decimal():
            return _plain_number(value, path)
        case list() | tuple():
            return [plain(item, f"{path}.*", depth + 1) for item in value]
        case Named():
            inside = {k: plain(item, f"{path}.{k}", depth + 1) for k, item in value.items()}
            return Named(value.id, value.name, Row(inside, value.module))
        case Row():
            inside = {k: plain(item, f"{path}.{k}", depth + 1) for k, item in value.items()}
            return Row(inside, value.module)
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


CALCULATIONS: dict[type[nodes.BinExpr], Callable[[object, object], Decimal | None]] = {
    nodes.Add: add,
    nodes.Sub: sub,
    nodes.Mul: mul,
    nodes.Div: div,
    nodes.FloorDiv: intdiv,
    nodes.Mod: mod,
    nodes.Pow: power,
}


def known(value: object) -> object:
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


class Writing:
    """One rendering: walks the template, and stops what grows too long or takes too long."""

    def __init__(self, source: str, names: Scope, setting: Setting) -> None:
        self.source, self.names, self.setting = source, names, setting
        self.missing: dict[str, None] = {}
        self.words: list[str] = []
        self.size = self.made = 0
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
        items = known(self.worked_out(node.iter, names))
        if not isinstance(items, (list, NoneType)):
            message = f"`{path[:-2]}` is not a list."
            raise located(
                self.source, node.lineno, message, "Loop over a field with several values."
            )
        target = str(getattr(node.target, "name", ""))
        inside = [{**names, target: Bound(item, path)} for item in (items or [])[:MAX_ROUNDS]]
        if node.test:
            inside = [scope for scope in inside if self.worked_out(node.test, scope)]
        for index, scope in enumerate(inside):
            self.in_time()
            yield from self.block(node.body, {**scope, "loop": _round(index, len(inside))})
        if not inside:
            yield from self.block(node.else_, names)

    def printed(self, piece: nodes.Expr, names: Scope) -> str:
        if isinstance(piece, nodes.TemplateData):
            self.words.append(piece.data)
            return piece.data
        with self.explained(piece):
            text = self.shown(self.evaluate(piece, names))
            return fitted(text, self.setting.form)

    def worked_out(self, node: nodes.Node, names: Scope) -> object:
        with self.explained(node):
            return self.evaluate(node, names)

    @contextmanager
    def explained(self, node: nodes.Node) -> Iterator[None]:
        """Problems met here say on which line."""
        try:
            yield
        except TextProblem as problem:
            raise located(self.source, node.lineno, problem.message, problem.remedy) from problem
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            message = "This cannot be worked out with these values."
            raise located(self.source, node.lineno, message, "Check the fields in it.") from error

    def shown(self, value: object) -> str:
        """The value in print. An empty field is noted, and leaves a gap."""
        if isinstance(value, Missing):
            self.missing[value.path] = None
        return shown(known(value), self.setting)

    def path(self, node: nodes.Node, names: Scope) -> str | None:
        return path_of(node, {name: bound.path for name, bound in names.items()})

    def in_time(self) -> None:
        if clock.monotonic() > self.deadline:
            raise TextProblem("The template takes too long.", "Loop over fewer items.")

    def bounded(self, made: T) -> T:
        """What a filter or `~` made, if it is not too much with all that was made before."""
        self.made += len(made) if isinstance(made, str) else 0
        if self.made > MAX_MADE:
            raise TextProblem("The template makes too much text.", "Make it simpler.")
        return made

    def evaluate(self, node: nodes.Node, names: Scope) -> object:
        self.in_time()
        match node:
            case nodes.Const(value=float() as value):
                return Decimal(str(value))
            case nodes.Const(value=value):
                return value
            case nodes.Filter():
                return self.filter(node, names)
            case nodes.Test():
                return TESTS[node.name](known(self.evaluate(node.node, names)))
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
                parts = [self.evaluate(part, names) for part in node.nodes]
                return self.bounded(self.concat(parts))
            case nodes.BinExpr() if type(node) in CALCULATIONS:
                return self.calculate(node, names)
            case nodes.Neg():
                value = self.evaluate(node.node, names)
                return 0 - read_number(value) if known(value) is not None else value
            case nodes.List() | nodes.Tuple():
                return [known(self.evaluate(item, names)) for item in node.items]
        value = self.reach(node, names)
        if isinstance(value, Unusable):
            raise TextProblem(f"`{self.path(node, names)}` {value.why}", value.remedy)
        return value if value is not None else Missing(self.path(node, names) or "")

    def reach(self, node: nodes.Node, names: Scope) -> object:
        """What a dotted path leads to: keys of dicts and positions in lists, and nothing else."""
        match node:
            case nodes.Getattr(attr=key) | nodes.Getitem(arg=nodes.Const(value=key)):
                place = self.reach(node.node, names)
            case nodes.Filter():
                return known(self.filter(node, names))
            case _:
                name = now_word(node) or (node.name if isinstance(node, nodes.Name) else "")
                return names[name].value if name in names else None
        if isinstance(place, dict):
            return place.get(str(key))
        if isinstance(place, list) and isinstance(key, int):
            return place[key] if key < len(place) else None
        return None

    def filter(self, node: nodes.Filter, names: Scope) -> object:
        asked = FILTERS[node.name]
        value = self.evaluate(node.node, names) if node.node else None
        if known(value) is None and not asked.takes_empty:
            return value
        given = [self.evaluate(setting, names) for setting in node.args]
        named = {key: self.evaluate(setting, names) for key, setting in settings_of(node).items()}
        empty = [item for item in (*given, *named.values()) if isinstance(item, Missing)]
        if not asked.takes_empty:
            self.missing.update((item.path, None) for item in empty)
        settings = {key: known(item) for key, item in named.items()}
        if asked.localised:
            settings["setting"] = self.setting
        try:
            result = asked.function(known(value), *map(known, given), **settings)
        except TextProblem as problem:
            raise TextProblem(f"`{node.name}`: {problem.message}", problem.remedy) from problem
        path = self.path(node, names) if result is None else None
        return Missing(path) if path else self.bounded(result)

    def compare(self, node: nodes.Compare, names: Scope) -> bool:
        left = known(self.evaluate(node.expr, names))
        for operand in node.ops:
            right = known(self.evaluate(operand.expr, names))
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
        if self.setting.form == "html" and any(isinstance(text, Markup) for text in texts):
            return Markup(joined("", map(escaped, texts)))
        return joined("", texts)

    def calculate(self, node: nodes.BinExpr, names: Scope) -> object:
        left, right = self.evaluate(node.left, names), self.evaluate(node.right, names)
        if known(left) is None or known(right) is None:
            return left if known(left) is None else right
        try:
            return CALCULATIONS[type(node)](left, right)
        except TextProblem as problem:
            if isinstance(node, nodes.Add) and isinstance(left, str):
                raise TextProblem(problem.message, "To join texts, write `a ~ b`.") from problem
            raise


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
