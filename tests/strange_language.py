"""A language without one letter of ours, translated from the list of phrases: what is still read in
our letters was said outside the phrases, or is no word of the engine's."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from engine.phrases import LOCALES, Language, read_language

LETTER = re.compile(r"[A-Za-z]")
SLOT = re.compile(r"\{\w*\}")


@lru_cache(maxsize=1)
def strange_language() -> Language:
    """The translation, written to a file and read as any other."""
    with (LOCALES / "sayso.pot").open("rb") as stream:
        phrases = [message.id for message in read_po(stream) if message.id]
    catalog = Catalog(locale="ru", charset="utf-8")
    for phrase in phrases:
        if isinstance(phrase, str):
            catalog.add(phrase, strange(phrase))
        else:
            catalog.add(phrase, (strange(phrase[1]),) * catalog.num_plurals)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ru.po"
        with file.open("wb") as stream:
            write_po(stream, catalog)
        return read_language(file)


def ours(told: str | Iterable[str]) -> set[str]:
    """The words in our letters, without their case."""
    text = told if isinstance(told, str) else " ".join(told)
    return set(re.findall(r"[a-z]+", text.casefold()))


def strange(phrase: str) -> str:
    """The phrase without our letters, its slots as they are."""
    kept = SLOT.findall(phrase)
    words = (LETTER.sub("ж", part) for part in SLOT.split(phrase))
    return "".join(part + slot for part, slot in zip(words, [*kept, ""], strict=True))
