"""The customs of languages and zones: which there are, and how a date format is written."""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError

from engine.templates.filters.values import TextProblem, plain_text, quoted


@lru_cache(maxsize=256)
def locale(language: str) -> Locale:
    """The language's customs; English for a language not known."""
    if not re.fullmatch("[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}", language):
        return Locale("en")
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def zone(name: object) -> ZoneInfo:
    """The time zone of this name."""
    try:
        return ZoneInfo(plain_text(name))
    except (OSError, ValueError, KeyError) as error:
        remedy = "Write it as America/New_York."
        raise TextProblem(f"{quoted(name)} is not a time zone.", remedy) from error


_PERCENT = {
    "d": "dd", "e": "d", "m": "MM", "y": "yy", "Y": "yyyy", "B": "MMMM", "b": "MMM", "A": "EEEE",
    "a": "EEE", "H": "HH", "I": "hh", "M": "mm", "S": "ss", "p": "a", "Z": "z", "z": "Z",
    "-d": "d", "-m": "M", "-H": "H", "-I": "h",
}  # fmt: skip
_LETTERS = r"'[^']*'|y{4}|yy?|[ML]{1,4}|dd?|E{1,4}|HH?|hh?|mm?|ss?|a|z{4}|z|Z|[^A-Za-z']"


@lru_cache(maxsize=256)
def pattern(format: str) -> str:
    """A format in either dialect, `%d/%m/%Y` or `dd/MM/yyyy`, as the second."""
    written = _from_percent(format) if "%" in format else format
    if len(written) > 100 or not re.fullmatch(f"({_LETTERS})*", written):
        remedy = "Write it as dd/MM/yyyy, d MMMM yyyy or HH:mm; words in it between ' and '."
        raise TextProblem(f"{quoted(format)} is not a date format.", remedy)
    return written


def _from_percent(format: str) -> str:
    def piece(found: re.Match[str]) -> str:
        code, words = found["code"], found["words"]
        if words:
            return "'" + words.replace("%%", "%").replace("'", "''") + "'"
        if code not in _PERCENT:
            remedy = "Write it as %d/%m/%Y, or as dd/MM/yyyy."
            raise TextProblem(f"“%{code}” is not part of a date.", remedy)
        return _PERCENT[code]

    return re.sub(r"(?P<words>(?:[^%]|%%)+)|%(?P<code>-?.?)", piece, format[:100], flags=re.DOTALL)
