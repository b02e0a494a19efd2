"""The settings of steps as a person would say them: "its account", "[account's name]"."""

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from jinja2 import nodes
from pydantic import JsonValue

from engine.blocks.recipient_words import rule, told
from engine.company.calendar import parse_moment
from engine.conditions import Binder
from engine.conditions.words import plain_number
from engine.phrases import listed, mark, say, worded
from engine.problems import Invalid
from engine.schema.modules import Module, Path
from engine.templates import TextProblem, parse
from engine.templates.passages import Line, as_it_is, passages
from engine.templates.shorthands import is_shortcode
from engine.templates.variables import meaning
from engine.templates.words import expression, in_words

HOLE = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
LONGEST = 160
THE, QUOTED = mark("the {value}"), mark("“{text}”")
EACH = "records.*."  # a field of each of the records that are taken together


def spoken(text: str, binder: Binder, most: int | None = LONGEST) -> str:
    """A template as a reader needs it: what is filled in stands in brackets, with all that is done
    to it and under which condition. It is cut after `most` letters; None cuts nothing.
    """
    try:
        told = in_words(parse(text).body, partial(_field, binder=binder))
    except TextProblem:
        told = text
    told = " ".join(told.split())
    return told if most is None or len(told) <= most else f"{told[:most].rstrip()}…"


def lines(text: str, binder: Binder) -> list[Line]:
    """The same line by line, with each alternative on its own, and nothing of it cut."""
    try:
        return passages(parse(text).body, partial(_field, binder=binder))
    except TextProblem:
        return as_it_is(text)


def quoted(text: str, binder: Binder) -> str:
    return say(QUOTED, text=spoken(text, binder))


def _whole(text: str) -> nodes.Expr | None:
    """The one expression that a template is, if it is one and no text."""
    try:
        return parse(text.strip()).expression
    except TextProblem:
        return None


def _field(written: str, binder: Binder) -> str:
    if is_shortcode(written):
        with suppress(Invalid):
            written = meaning(written, binder.module, binder.schema)
    if written.startswith(EACH):
        written = f"record.{written.removeprefix(EACH)}"
    root, _, rest = written.partition(".")
    if root in ("record", "old"):
        path = _path(rest, binder) if rest else None
        told = path.title if path else rest.replace(".", " ") or binder.module.singular.lower()
        return say("old {field}", field=told) if root == "old" else told
    if root == "steps" and "." in rest:
        step, _, key = rest.partition(".")
        key, step = key.replace("_", " "), step.replace("_", " ")
        return say("{key} of {value}", key=key, value=step)
    return written.strip("'\"").replace(".*", "").replace("_", " ").replace(".", " ")


def _path(dotted: str, binder: Binder) -> Path | None:
    try:
        return binder.schema.path(binder.module, dotted)
    except Invalid:
        return None


def person(word: str, binder: Binder) -> str:
    """Whom a recipient word means: "its account", "the group HR", "mgr"."""
    if (node := _whole(word)) is not None:
        return expression(node, partial(_person_at, binder=binder))
    if word.startswith("group:"):
        return say("the group {group}", group=word.removeprefix("group:"))
    if "@" not in word and (meant := rule(word, binder.module)):
        return told(meant, binder.module, binder.schema)
    path = _path(word, binder) if "@" not in word else None
    if path is None:
        return spoken(word, binder)
    end = path.hops[-1].module if path.hops else path.module
    if path.field.type != "email" or path.field.name != end.email_field:
        return say("its {field}", field=path.title)
    if path.hops:
        holder = Path(path.module, path.hops[:-1], path.hops[-1].field)
        return say("its {field}", field=holder.title)
    return say("the {record}", record=path.module.singular.lower())


def _person_at(written: str, binder: Binder) -> str:
    """Whom the field at a path of a template means."""
    if is_shortcode(written):
        with suppress(Invalid):
            written = meaning(written, binder.module, binder.schema)
    below = written.removeprefix("record.")
    return person(below, binder) if below != written else _field(written, binder)


def people(words: Iterable[str], binder: Binder) -> str:
    return listed([person(word, binder) for word in words]) or say("nobody")


def value(raw: JsonValue, binder: Binder) -> str:
    """A value that a field is given."""
    if raw is None:
        return say("empty")
    if isinstance(raw, list):
        return listed([value(part, binder) for part in raw])
    if not isinstance(raw, str):
        return plain_number(raw)
    if moment := parse_moment(raw):
        return moment.words()
    node = _whole(raw)
    if node is None:
        return say(QUOTED, text=spoken(raw, binder, None))
    return _definite(expression(node, partial(_field, binder=binder)))


def _definite(told: str) -> str:
    """With the article, where it begins with none and is no quotation."""
    begins = [worded(phrase).partition("{")[0] for phrase in (THE, QUOTED)]
    return told if told.startswith(tuple(filter(None, begins))) else say(THE, value=told)


def day(word: str, binder: Binder) -> str:
    """A day or moment that a step names."""
    if moment := parse_moment(word):
        return moment.words()
    return spoken(word, binder, None)


def path(dotted: str, binder: Binder) -> str:
    """What people call the field at the end of a path: "account's customer group"."""
    found = _path(dotted, binder)
    return found.title if found else dotted


def field(name: str, module: Module) -> str:
    """What people call a field."""
    return module.by_name[name].title.lower() if name in module.by_name else name


def fields(names: Iterable[str], module: Module) -> str:
    return listed([field(name, module) for name in names])
