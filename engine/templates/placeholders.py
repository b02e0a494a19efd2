"""Words that hold a place until somebody says what belongs there: nothing with them may leave."""

import re
from collections.abc import Iterator

from jinja2 import nodes

from engine.templates import TextProblem, parse

MEANT = (
    r"\b(?:(?:first|last)?names?|company|address|date|amount|number|phone|e-?mail|link|url|insert"
    r"|your|placeholder|signature)\b"
)
PLACEHOLDER = re.compile(
    rf"\[(?i:[^\[\]\n]{{0,40}}{MEANT}[^\[\]\n]{{0,40}})\](?!\()"
    r"|\b(?:TO" + r"DO|FIX" + r"ME|TBD|TBC|XXX+)\b"
    r"|(?i:\blorem ipsum\b)"
)
ANGLED = re.compile(rf"<(?=\w)(?i:[^<>@/=\n]{{0,40}}{MEANT}[^<>@/=\n]{{0,40}})>")


def placeholders(source: str, *, markup: bool = False) -> list[str]:
    """The placeholders in what a template says itself; in `markup`, `<...>` is none."""
    kinds = (PLACEHOLDER,) if markup else (PLACEHOLDER, ANGLED)
    return [found[0] for text in _said(source) for kind in kinds for found in kind.finditer(text)]


def _said(source: str) -> Iterator[str]:
    """The texts that stand in a template, without what is worked out."""
    try:
        body = parse(source).body
    except TextProblem:
        return
    for node in body:
        for inside in (node, *node.find_all((nodes.TemplateData, nodes.Const))):
            match inside:
                case nodes.TemplateData(data=str() as text) | nodes.Const(value=str() as text):
                    yield text
