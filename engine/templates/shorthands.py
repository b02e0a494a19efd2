"""Other ways to write a template: shortcodes in its text, calls, and names that stand for more."""

import re
from collections.abc import Iterator

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from engine.templates.filters import FILTERS

SHORTCODE = re.compile(
    r"\$[A-Za-z]\w*-[A-Za-z]\w*\$"
    r"|\$\(\s*[A-Za-z]\w*\s*:\s*\(\s*\w+\s*\)\s*[A-Za-z]\w*\s*\)"
    # Not the money of a country (US$), nor a parameter of an address (?$top=5).
    # A dollar that closes it belongs to it.
    r"|(?<![\w?&])\$[A-Za-z]\w*\$?"
)
META_TIME = re.compile(r"\$\(\s*\w+\s*:\s*\(\s*__\w+Meta__\s*\)\s*time\s*\)", re.IGNORECASE)
INVOICE = ("number", "issue_date", "due_date", "total", "balance")
STANDING_FOR = {
    "invoices_table": ("invoices", "table", INVOICE),
    "invoices_list": ("invoices", "listed", ("number", "due_date", "balance")),
}
OF_STATEMENT = ("statement", "customer_portal")


def is_shortcode(name: str) -> bool:
    """Whether a name is a field as other products write it, to be read with the module at hand."""
    return name.startswith(("$", "object__"))


def expanded(piece: nodes.Expr) -> Iterator[nodes.Expr]:
    """Text with its shortcodes, such as `$contacts-lastname$`, as names to be filled in."""
    if not isinstance(piece, nodes.TemplateData):
        yield piece
        return
    end = 0
    for found in SHORTCODE.finditer(piece.data):
        if found.start() > end:
            yield nodes.TemplateData(piece.data[end : found.start()], lineno=piece.lineno)
        line = piece.lineno + piece.data.count("\n", 0, found.start())
        yield _named(found[0], line)
        end = found.end()
    if end < len(piece.data):
        yield nodes.TemplateData(piece.data[end:], lineno=piece.lineno)


def _named(shortcode: str, line: int) -> nodes.Expr:
    if META_TIME.fullmatch(shortcode):
        return _filter(nodes.Name("now", "load", lineno=line), "date", ("HH:mm",))
    return nodes.Name(shortcode, "load", lineno=line)


def completed(tree: nodes.Template) -> nodes.Template:
    """The template with all such words written out, so that only fields and filters are left."""
    whole: nodes.Template = _Completing().visit(tree)
    return whole


class _Completing(NodeTransformer):
    """Writes out calls of filters, `invoices_table`, `statement.link` and the like."""

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """`add_days(record.due_date, 5)` for `record.due_date|add_days(5)`."""
        self.generic_visit(node)
        known = FILTERS.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if known is None:
            return node
        given = list(node.args)
        if known.starts and len(given) == 1:
            given.insert(0, nodes.Name(known.starts, "load", lineno=node.lineno))
        if not given:
            return node
        call = (known.name, given[1:], node.kwargs, node.dyn_args, node.dyn_kwargs)
        return nodes.Filter(given[0], *call, lineno=node.lineno)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        if node.ctx != "load" or node.name not in STANDING_FOR:
            return node
        root, name, fields = STANDING_FOR[node.name]
        return _filter(nodes.Name(root, "load", lineno=node.lineno), name, fields)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        self.generic_visit(node)
        match node:
            case nodes.Getattr(node=nodes.Name(name=name), attr="link" | "hyperlink"):
                if name in OF_STATEMENT:
                    return _link(name, node.lineno)
            case nodes.Getattr(node=nodes.Name(name="statement"), attr="table"):
                return _filter(_owed(node), "table", INVOICE)
            case nodes.Getattr(node=nodes.Name(name="customer"), attr="balances"):
                return _filter(_owed(node), "totals", ("balance",))
            case nodes.Getattr(node=nodes.Name(name="customer"), attr="balances_overdue"):
                return _filter(_filter(_owed(node), "overdue", ()), "totals", ("balance",))
        return node


def _owed(node: nodes.Getattr) -> nodes.Expr:
    return nodes.Getattr(node.node, "invoices", "load", lineno=node.lineno)


def _filter(of: nodes.Expr, name: str, settings: tuple[str, ...]) -> nodes.Filter:
    given: list[nodes.Expr] = [nodes.Const(word, lineno=of.lineno) for word in settings]
    return nodes.Filter(of, name, given, [], None, None, lineno=of.lineno)


def _link(root: str, line: int) -> nodes.Filter:
    """The address as a link, in words of the text's language."""
    place = nodes.Name(root, "load", lineno=line)
    address = nodes.Getattr(place, "url", "load", lineno=line)
    words = nodes.Filter(
        nodes.Const("statement", lineno=line), "heading", [], [], None, None, lineno=line
    )
    return nodes.Filter(address, "link", [words], [], None, None, lineno=line)
