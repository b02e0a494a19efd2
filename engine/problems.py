"""What is wrong with something a person or an agent wrote: where, what, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One fault. `path` is where it is in the document (dots between keys, positions as numbers)."""

    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"`{self.path}`: " if self.path else ""
        return f"{where}{self.message} {self.remedy}".strip()

    def under(self, prefix: str) -> "Problem":
        """The same problem, seen from the document that holds this part."""
        return Problem(join(prefix, self.path), self.message, self.remedy)


class Invalid(Exception):
    """What was asked cannot be done as it stands; nothing was changed. Carries every problem found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class BadValue(ValueError):
    """A value that its field cannot hold: what is wrong with it, and what would be right."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def refuse(path: str, message: str, remedy: str = "") -> Invalid:
    """An `Invalid` with a single problem, to be raised."""
    return Invalid(Problem(path, message, remedy))


def join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name a person most likely meant, if one is near enough to be worth saying."""
    names = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), names, 1, 0.6)
    return names[found[0]] if found else None


def suggest(word: str, known: Iterable[str], what: str = "Known") -> str:
    """A remedy: the nearest name, or the names there are."""
    names = list(known)
    if near := nearest(word, names):
        return f"Did you mean `{near}`?"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return (
        f"{what}: {shown}{', ...' if len(names) > 12 else ''}." if names else "There are none yet."
    )
