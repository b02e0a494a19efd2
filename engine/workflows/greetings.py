"""Greetings that could go out without a name: “Dear ,”."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import nodes

from engine.blocks.step import Step
from engine.problems import Invalid, Problem
from engine.schema.modules import Module, Path, Schema
from engine.templates import TextProblem, parse
from engine.templates.reading import path_of
from engine.templates.variables import fields_of, meaning
from engine.workflows.workflow import Workflow

WORDS = (
    "dear|hello|hi|hey|good morning|good afternoon|good evening|bonjour|bonsoir|chère?|salut"
    "|hallo|guten tag|liebe[rs]?|sehr geehrte[rs]?|hola|estimad[oa]|querid[oa]|ciao|buongiorno"
    "|gentile|car[oa]|beste|geachte|olá|prezad[oa]|mr\\.?|mrs\\.?|ms\\.?|madame|monsieur"
)
GREETING = re.compile(rf"(?:^|\n)\W*((?:{WORDS})(?:\s+(?:{WORDS}))?)\s+$", re.IGNORECASE)
TAG = re.compile(r"<[^>]*>")
FILLS = {"default", "d", "coalesce", "if_else", "concat"}
ALWAYS_THERE = {"id", "number", "created_at", "modified_at"}


def greetings(workflow: Workflow, schema: Schema) -> Iterator[Problem]:
    """Advice on each greeting of a field that may be empty, with no word given instead."""
    home = schema.modules.get(workflow.module)
    if home is None:
        return
    for place, (step, _) in enumerate(workflow.route.values()):
        for key, source in _sources(step, workflow):
            try:
                body = parse(source).body
            except TextProblem:
                continue
            for word, path in _Walk().found(body, "", frozenset()):
                if told := _empty(path, home, schema):
                    yield Problem(
                        f"steps.{place}.{key}",
                        f"“{word} ,” goes out where {told} is empty.",
                        f"Write `{{{{ {path}|default('...') }}}}`, with a word that always fits.",
                    )


def _sources(step: Step, workflow: Workflow) -> Iterator[tuple[str, str]]:
    """The texts of a step that people read, its own and those it has from the library."""
    for name, form in step.forms().items():
        source = getattr(step, name)
        if form in ("text", "html") and isinstance(source, str):
            yield type(step).model_fields[name].alias or name, source
    for wording in workflow.texts.get(getattr(step, "template", ""), ()):
        yield from (("template", source) for source in wording.parts)


@dataclass
class _Walk:
    """One look over a template, with the text that stands before each place."""

    before: str = ""

    def found(
        self, body: Sequence[nodes.Node], before: str, asked: frozenset[str]
    ) -> Iterator[tuple[str, str]]:
        """The greeting and the path of each field that follows one and is not asked about."""
        self.before = before
        for node in body:
            match node:
                case nodes.Output():
                    for piece in node.nodes:
                        yield from self._piece(piece, asked)
                case nodes.If():
                    yield from self._branches(node, asked)
                case nodes.For():
                    yield from self.found(node.body, self.before, asked)

    def _branches(self, node: nodes.If, asked: frozenset[str]) -> Iterator[tuple[str, str]]:
        before = self.before
        for case in (node, *node.elif_):
            told = {
                path for inner in case.test.find_all(nodes.Expr) if (path := path_of(inner, {}))
            }
            told |= {path for path in [path_of(case.test, {})] if path}
            yield from self.found(case.body, before, asked | told)
        yield from self.found(node.else_, before, asked)

    def _piece(self, piece: nodes.Node, asked: frozenset[str]) -> Iterator[tuple[str, str]]:
        if isinstance(piece, nodes.TemplateData):
            self.before = (self.before + TAG.sub("", piece.data))[-80:]
            return
        greeted = GREETING.search(self.before)
        while isinstance(piece, nodes.Filter) and piece.name not in FILLS and piece.node:
            piece = piece.node
        path = path_of(piece, {})
        if greeted and path and path not in asked and not isinstance(piece, nodes.Filter):
            yield " ".join(greeted[1].split()), path
        self.before = f"{self.before}x"


def _empty(path: str, home: Module, schema: Schema) -> str:
    """What may be empty there, in words; nothing where something always stands."""
    try:
        read = [schema.path(module, dotted) for module, dotted in fields_of(path, home, schema)]
    except Invalid:
        return ""
    if not read or all(map(_filled, read)):
        return ""
    root = meaning(path, home, schema).partition(".")[0]
    whose = f"{root}'s " if root in ("contact", "customer") else ""
    return f"the {whose}{read[-1].title}"


def _filled(path: Path) -> bool:
    """Whether a value always stands at the end of a path."""
    every = [*(hop.field for hop in path.hops), path.field]
    return all(field.required or (field.builtin and field.name in ALWAYS_THERE) for field in every)
