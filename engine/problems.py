"""What is wrong with something a person or an agent wrote: where, what, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

# What people call it elsewhere, where spelling alone would lead them astray.
MEANT = {
    "record_updated": "record_modified",
    "record_changed": "record_modified",
    "delay": "wait",
    "sleep": "wait",
    "email": "send_email",
    "mail": "send_email",
    "task": "create_task",
    "update_record": "update_fields",
    "set_field": "update_fields",
    "branch": "if",
    "operator": "op",
    "is": "equals",
    "eq": "equals",
    "=": "equals",
    "==": "equals",
    "!=": "not_equals",
    "<": "less_than",
    "lt": "less_than",
    "before": "less_than",
    ">": "greater_than",
    "gt": "greater_than",
    "after": "greater_than",
    "<=": "at_most",
    "lte": "at_most",
    ">=": "at_least",
    "gte": "at_least",
}
# Never a guess: who follows a wrong hint to one of these loses something.
HARMFUL = frozenset({"record_deleted", "remove", "remove_tags", "delete", "stop"})


@dataclass(frozen=True)
class Problem:
    """One fault. `path` says where in the document: dots between keys, positions as numbers."""

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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name a person most likely meant, if one is near enough to be worth saying."""
    names = {name.casefold(): name for name in known}
    if (meant := MEANT.get(word.casefold())) in names:
        return meant
    found = get_close_matches(word.casefold(), names, 3, 0.6)
    sure = [near for near in found if near not in HARMFUL or _typo(word, near)]
    return names[sure[0]] if sure else None


def _typo(word: str, name: str) -> bool:
    return bool(get_close_matches(word.casefold(), [name], 1, 0.9))


def suggest(word: str, known: Iterable[str], what: str = "Known") -> str:
    """A remedy: the nearest name, or the names there are."""
    names = list(known)
    if near := nearest(word, names):
        return f"Did you mean `{near}`?"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return (
        f"{what}: {shown}{', ...' if len(names) > 12 else ''}." if names else "There are none yet."
    )
