"""What the engine says: phrases with slots, English where they stand, other languages by file.

A phrase is its own key. `locales/sayso.pot` lists them all; a translation is a copy of that file
under the name of its language, as `fr.po`, and nothing else.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from gettext import c2py
from pathlib import Path

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

LOCALES = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Language:
    """One language: its customs, and what it says for the phrases that are translated."""

    locale: Locale = field(default_factory=lambda: Locale("en"))
    phrases: Catalog = field(default_factory=Catalog, compare=False)

    def meant(self, phrase: str, count: int = 1) -> str | None:
        """What it says for a phrase, of so many if it counts; None if that is not translated."""
        found = self.phrases.get(phrase)
        if found is None or found.fuzzy or not found.string:
            return None
        if isinstance(found.string, str):
            return found.string
        return found.string[c2py(self.phrases.plural_expr)(count)] or None


ENGLISH = Language()
_language: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def read_language(file: Path) -> Language:
    """The language of a translation, as `fr.po`."""
    with file.open("rb") as stream:
        phrases = read_po(stream, locale=file.stem)
    return Language(Locale.parse(file.stem), phrases)


@lru_cache(maxsize=64)
def language(tag: str) -> Language:
    """The language of this name; English where there is no translation."""
    for name in (tag.replace("-", "_"), tag.replace("-", "_").partition("_")[0]):
        if name.replace("_", "").isalnum() and (file := LOCALES / f"{name}.po").exists():
            return read_language(file)
    return ENGLISH


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """All that is said inside is said in this language."""
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


def say(phrase: str, **slots: object) -> str:
    """The phrase with its slots filled, in the language that is spoken here."""
    return worded(phrase).format(**slots)


def worded(phrase: str) -> str:
    """The phrase in the language that is spoken here, its slots still open."""
    spoken = _language.get()
    return phrase if spoken is ENGLISH else spoken.meant(phrase) or phrase


def say_count(one: str, several: str, count: int, **slots: object) -> str:
    """The phrase for one or for several; `{count}` in it is the number."""
    meant = _language.get().meant(one, count) or (one if count == 1 else several)
    return meant.format(count=figure(count), **slots)


def mark(phrase: str) -> str:
    """A phrase that is said elsewhere: here it only gets into the list of phrases."""
    return phrase


def mark_count(one: str, several: str) -> tuple[str, str]:
    """As `mark`, of a phrase that counts."""
    return one, several


def figure(number: int | float | Decimal) -> str:
    """A number as it is written, with all its places: "1,200.50"."""
    locale = _language.get().locale
    marks = {",": get_group_symbol(locale), ".": get_decimal_symbol(locale)}
    return "".join(marks.get(letter, letter) for letter in f"{number:,}")


def month_name(month: int) -> str:
    """A month, from 1: "July"."""
    return str(_language.get().locale.months["format"]["wide"][month])


def weekday_name(weekday: int) -> str:
    """A day of the week, from 0 for Monday: "Monday"."""
    return str(_language.get().locale.days["format"]["wide"][weekday])


LAST = {
    "and": mark("{items} and {last}"),
    "or": mark("{items} or {last}"),
    "nor": mark("{items} nor {last}"),
}


def listed(items: Iterable[str], last: str = "and") -> str:
    """`a, b and c`; "" for nothing. `last` joins the last two: and, or, nor."""
    *most, end = [*items] or [""]
    return say(LAST[last], items=say(", ").join(most), last=end) if most else end
