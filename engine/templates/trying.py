"""A template tried before anybody approves it: every way through it, with supposed values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from jinja2 import nodes

from engine.problems import Invalid
from engine.schema.fields import Field
from engine.schema.modules import Module, Schema
from engine.templates import Template
from engine.templates.filters import Named, Setting, TextProblem
from engine.templates.shorthands import is_shortcode
from engine.templates.variables import OF_CUSTOMER, fields_of, late_days
from engine.templates.writing import Bound, Scope, Writing, plain

# What a line of text may hold: a template is wrong that can be written with none of them.
TEXTS = ("ACME", "12", "2026-03-10", "09:30", "EUR", "ana@acme.test", "https://acme.test")
MOMENT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
SPOKEN: Mapping[str, object] = {
    "today": MOMENT.date(),
    "now": MOMENT,
    "language": "en",
    "company.timezone": "Europe/Paris",
    "company.language": "en",
    "company.currency": "EUR",
}
OF_TEXT = ("company", "actor", "site")
OF_RECORDS = ("record", "old", "records", "contact", "invoices", "related", "customer")


class Unknown(Exception):
    """That nobody can say beforehand what a path leads to."""


def failure(template: Template, home: Module, schema: Schema) -> TextProblem | None:
    """Why it cannot be written whatever the records hold; None if it can, or nobody knows."""
    found: TextProblem | None = None
    for text in TEXTS:
        try:
            data = supposed(template.paths, home, schema, text)
            for _ in _Everywhere.through(template, data):
                pass
        except Unknown:
            return None
        except TextProblem as problem:
            found = found or problem
        else:
            return None
    return found


class _Everywhere(Writing):
    """A rendering that goes all ways: into each branch, and on either side of each choice."""

    @classmethod
    def through(cls, template: Template, data: Mapping[str, object]) -> Iterator[str]:
        names = {name: Bound(plain(data.get(name), name), name) for name in template.roots}
        writing = cls(template.source, names, Setting(now=MOMENT))
        return writing.block(template.body, names)

    def branch(self, node: nodes.If, names: Scope) -> Sequence[nodes.Node]:
        cases = (node, *node.elif_)
        for case in cases:
            self.worked_out(case.test, names)
        return [*(inside for case in cases for inside in case.body), *node.else_]

    def choose(self, node: nodes.CondExpr, names: Scope) -> object:
        self.evaluate(node.test, names)
        other = self.evaluate(node.expr2, names) if node.expr2 else None
        return self.evaluate(node.expr1, names) or other


# --- what is supposed ---


def supposed(paths: Iterable[str], home: Module, schema: Schema, text: str) -> dict[str, object]:
    """Data in which each of these paths leads to a value of its type. Raises `Unknown`."""
    data: dict[str, object] = {}
    for place, path in enumerate(sorted(paths)):
        root, *rest = path.split(".")
        value = _value(path, home, schema, text, place)
        data[root] = value if is_shortcode(root) else _put(data.get(root), rest, value)
    return data


def _put(inside: object, rest: list[str], value: object) -> object:
    """What stands at a place, with a value put in at the end of a path below it."""
    if not rest:
        return inside if isinstance(inside, (dict, list)) else value
    if rest[0] == "*":
        return [_put(inside[0] if isinstance(inside, list) else None, rest[1:], value)]
    below = dict(inside) if isinstance(inside, dict) else {}
    below[rest[0]] = _put(below.get(rest[0]), rest[1:], value)
    return Named(inside.id, inside.name, below) if isinstance(inside, Named) else below


def _value(path: str, home: Module, schema: Schema, text: str, place: int) -> object:
    """A value as the field at the end of a path holds it. Raises `Unknown`."""
    root, *rest = path.split(".")
    if path in SPOKEN or root in OF_TEXT:
        return SPOKEN.get(path, text)
    if _is_list(root, rest):
        return [Named(place, text, {})]
    if not is_shortcode(root) and (root not in OF_RECORDS or rest[-1:] in ([], ["*"])):
        raise Unknown
    if root == "customer" and (rest[0] in OF_CUSTOMER or late_days(rest[0]) is not None):
        raise Unknown
    try:
        *_, (module, dotted) = fields_of(path, home, schema)
        return _of(schema.path(module, dotted).field, text, place)
    except (Invalid, ValueError):
        raise Unknown from None


def _is_list(root: str, rest: list[str]) -> bool:
    """Whether a path leads to records, and not to a field of one."""
    whole = root in ("records", "invoices") and not rest
    return whole or (root == "related" and len(rest) == 1) or rest == ["lines"]


def _of(field: Field, text: str, place: int) -> object:
    """A value of a field's type; no two numbers are the same, so that their difference is none."""
    match field.kind:
        case "number":
            return Decimal(place + 2) if field.kept.places else place + 2
        case "date":
            return date(2026, 3, 10)
        case "datetime":
            return MOMENT
        case "bool":
            return True
        case "list":
            return [text]
        case "reference":
            return Named(3, text, {})
        case "text" if field.type == "owner":
            return Named("alice", text, {})
        case "text" if field.options:
            return field.options[0]
        case "text" if field.type in ("email", "url"):
            return str(field.kept.example)
        case "text":
            return text
    raise Unknown
