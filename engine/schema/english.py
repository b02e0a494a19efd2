"""The few words of English that sentences about records need: one of them, several, a list."""

from collections.abc import Iterable


def article(name: str) -> str:
    """One of them: "an invoice"."""
    name = name.lower()
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def listed(items: Iterable[str], last: str = "and") -> str:
    """`a, b and c`; "" for nothing. `last` joins the last two: and, or, nor."""
    *most, end = [*items] or [""]
    return f"{', '.join(most)} {last} {end}" if most else end


def count(number: int, what: str) -> str:
    """`1 mail`, `1,200 mails`: what is counted takes a plain s."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
