"""The few words of English that sentences about records need: one of them, several, a list."""

from engine.phrases import listed, say

__all__ = ["article", "count", "listed"]


def article(name: str) -> str:
    """One of them: "an invoice"."""
    name = name.lower()
    if name[:1] in "aeiou":
        return say("an {thing}", thing=name)
    return say("a {thing}", thing=name)


def count(number: int, what: str) -> str:
    """`1 mail`, `1,200 mails`: what is counted takes a plain s."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
