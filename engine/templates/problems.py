"""What is wrong with a template, in our words, for people who know the habits of other dialects."""

import re

from jinja2 import nodes

from engine.templates.filters import TextProblem

COLON = re.compile(r"([\w.]+\s*\|\s*)?(\w+)\s*:\s*(\"[^\"]*\"|'[^']*'|-?[\w.]+)")
TAGS = "Use `{% if %}`, `{% elif %}`, `{% else %}` and `{% for %}`."
WITH = (
    "`{% with %}` is not available.",
    "Write the whole path each time, as `{{ record.account.name }}`.",
)
REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.With: WITH,
    nodes.Assign: ("`{% set %}` is not available.", "Write the expression where it is needed."),
    nodes.AssignBlock: ("`{% set %}` is not available.", "Write the text where it is needed."),
    nodes.Scope: ("`{% autoescape %}` is not available.", "In HTML, write `|safe_html`."),
    nodes.FilterBlock: ("`{% filter %}` is not available.", "Write `{{ field|upper }}`."),
    nodes.Pos: ("A `+` needs a number on both sides.", "Write `17 + 4`, or `|add(4)`."),
    nodes.Dict: ("A `{...}` cannot be written here.", "Name a field."),
}


def explained(message: str, line: str) -> tuple[str, str]:
    """A syntax error in our words, with a remedy that knows the habits of other dialects."""
    if re.search(r"\{%-?\s*with\b", line):
        return WITH
    if re.search(r"\{%-?\s*(elseif|else\s+if|elsif)\b", line):
        return "There is no such tag.", "Write `{% elif ... %}`."
    if "got ':'" in message and (found := COLON.search(line[:2_000])):
        before, name, setting = (part or "" for part in found.groups())
        written = f"{before}{name}({setting})".replace(" ", "")
        return "A filter's setting stands in brackets, not after a colon.", f"Write `{written}`."
    if re.search(r"\{\{-?\s*if\b.*\bthen\b", line):
        return "A choice is written otherwise here.", "Write `{{ 'a' if record.x > 1 else 'b' }}`."
    if found := re.search("block that needs to be closed is '(.+)'", message):
        return f"`{{% {found[1]} %}}` is never closed.", f"Write `{{% end{found[1]} %}}`."
    if message.startswith("unexpected end of template"):
        return "`{{` or `{%` is never closed.", "Write `}}` or `%}`."
    if found := re.search("expected token 'end of .*', got '(.+)'", message):
        return f"`{found[1]}` is not expected here.", "Between {{ and }} stands one field."
    return message[:1].upper() + message[1:].rstrip(".") + ".", TAGS if "tag" in message else ""


def located(source: str, lineno: int, message: str, remedy: str = "") -> TextProblem:
    where = f"Line {lineno}: " if "\n" in source.strip() else ""
    return TextProblem(where + message, remedy)
