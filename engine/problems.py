"""What is wrong with something a person or an agent wrote: where, what, and what to do."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

# Never a guess: who follows a wrong hint to one of these loses something.
HARMFUL = frozenset({"record_deleted", "remove", "delete", "stop"})
DENIES = ("un", "non", "not", "in", "dis", "no", "never", "without")
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Problem:
    """One fault. `path` says where in the document: dots between keys, positions as numbers.

    Of advice, `gravity` tells what to read first: `grave` is what does nothing that is meant, or
    all of it twice; a `note` may stay as it is. `workflow` is the other one that it is about.
    """

    path: str
    message: str
    remedy: str = ""
    gravity: Literal["grave", "usual", "note"] = field(default="usual", compare=False)
    workflow: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        where = f"`{self.path}`: " if self.path else ""
        return f"{where}{self.message} {self.remedy}".strip()

    def under(self, prefix: str) -> "Problem":
        """The same problem, seen from the document that holds this part."""
        return replace(self, path=join(prefix, self.path))


class Invalid(Exception):
    """What was asked cannot be done as it stands, and was not. Carries every problem found."""

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


@dataclass(frozen=True)
class KnownAs:
    """Marks a key with the words that people know it by elsewhere."""

    words: tuple[str, ...]


def nearest(
    word: str,
    known: Iterable[str],
    meant: Mapping[str, str] = NOTHING,
    fits: Callable[[str], bool] = lambda name: True,
) -> str | None:
    """The known name that somebody most likely meant, if one is near enough to be worth saying.

    By its meaning first: `meant` gives the names that words known elsewhere stand for. Then one
    that differs by how it is joined or by a slip of the pen, then one that says the same more or
    less fully. What does not `fit` in its place is no guess, nor is the opposite of what was
    written.
    """
    names = {name.casefold(): name for name in known if name != word}
    sounds = [meant.get(word.casefold(), ""), *_slips(word, names), *_fuller(word, names)]
    found = [names[name.casefold()] for name in sounds if name.casefold() in names]
    return next((name for name in found if not _opposite(word, name) and fits(name)), None)


def _fuller(word: str, names: Mapping[str, str]) -> list[str]:
    """The one name that has all the words of this one, or of which it has all; none of several."""
    mine = _words(word)
    each = {name: _words(spelled) for name, spelled in names.items()}
    more = [
        name for name, parts in each.items() if mine and parts and (parts > mine or parts < mine)
    ]
    return more if len(more) == 1 else []


def _words(name: str) -> frozenset[str]:
    """The words of a name, however they are joined: `dueDate`, `due_date`, `Due date`."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return frozenset(re.findall(r"[^\W_]+", parted.casefold()))


def _slips(word: str, names: Mapping[str, str]) -> list[str]:
    """Names that this one may be a misspelling of, the nearest first."""
    if same := [
        name for name, spelled in names.items() if word and _words(spelled) == _words(word)
    ]:
        return same
    near = get_close_matches(word.casefold(), names, 5, 0.6)
    return [name for name in near if _slip(word.casefold(), name)]


def _slip(word: str, name: str) -> bool:
    """Whether a few letters too many, too few or in the wrong place make the difference."""
    if name in HARMFUL:
        return bool(get_close_matches(word, [name], 1, 0.9))
    return _distance(word, name) <= (1 if len(word) < 4 else 2)


def _distance(one: str, other: str) -> int:
    """How many letters are to be added, left out, replaced, or swapped with the next."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, there in enumerate(other, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != there)))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == there:
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def _opposite(one: str, other: str) -> bool:
    """Whether one denies the other: unpaid and paid, inactive and active, not sent and sent."""
    letters = ["".join(re.findall(r"[^\W_]+", name.casefold())) for name in (one, other)]
    short, long = sorted(letters, key=len)
    return any(long == f"{no}{short}" for no in DENIES)


def suggest(
    word: str,
    known: Iterable[str],
    what: str = "Known",
    meant: Mapping[str, str] = NOTHING,
    fits: Callable[[str], bool] = lambda name: True,
) -> str:
    """A remedy: the nearest name, or the names there are."""
    names = list(known)
    if near := nearest(word, names, meant, fits):
        return f"Did you mean `{near}`?"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return (
        f"{what}: {shown}{', ...' if len(names) > 12 else ''}." if names else "There are none yet."
    )
