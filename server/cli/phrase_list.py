"""The list of phrases, `sayso.pot`: all that the engine says, for those who translate it."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from engine.conditions import operators
from engine.phrases import LOCALES

FILE = LOCALES / "sayso.pot"
ENGINE = LOCALES.parent.parent
# How many phrases each of these is given.
SAYING = {"say": 1, "mark": 1, "say_count": 2, "mark_count": 2}
Phrase = str | tuple[str, str]


def phrase_list() -> str:
    """The whole file: each phrase once, with the files that say it."""
    catalog = Catalog(project="Sayso", charset="utf-8")
    for phrase, files in sorted(said().items(), key=lambda each: (sorted(each[1]), str(each[0]))):
        catalog.add(phrase, locations=[(file, 0) for file in sorted(files)])
    written = BytesIO()
    write_po(written, catalog, omit_header=True, include_lineno=False, width=100)
    return written.getvalue().decode()


def said() -> dict[Phrase, set[str]]:
    """Every phrase of the engine, and where it is said."""
    found: dict[Phrase, set[str]] = defaultdict(set)
    for file in sorted(ENGINE.rglob("*.py")):
        for phrase in _phrases(file):
            found[phrase].add(file.relative_to(ENGINE.parent).as_posix())
    for phrase in operators.phrases():
        found[phrase].add("engine/conditions/operators.py")
    return found


def _phrases(file: Path) -> Iterator[Phrase]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=args) if name in SAYING:
                texts = [
                    arg.value
                    for arg in args[: SAYING[name]]
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                ]
                if len(texts) == SAYING[name]:
                    yield texts[0] if len(texts) == 1 else (texts[0], texts[1])
