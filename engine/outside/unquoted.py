"""What somebody has newly written in a mail, without the earlier mail that it quotes."""

import re
from collections.abc import Iterator, Sequence

LONGEST_LINE, FEW = 500, 3
# "On 10 March, Ana wrote:" in each language that templates are written in, first and last word.
_SAID = {
    "en": (r"on", r"wrote"),
    "fr": (r"le", r"a écrit"),
    "de": (r"am", r"schrieb"),
    "es": (r"el", r"escribió"),
    "it": (r"il", r"ha scritto"),
    "nl": (r"op", r"schreef"),
    "pt": (r"em", r"escreveu"),
}
_FIRST, _LAST = ("|".join(words) for words in zip(*_SAID.values(), strict=True))
_BEGINS = re.compile(rf"\s*(?:{_FIRST})\b", re.IGNORECASE)
_SAYS = re.compile(rf"\b(?:{_LAST})\b", re.IGNORECASE)
_RULER = re.compile(
    r"\s*(?:-{2,}\s*(?:original message|forwarded message|message d'origine|message original"
    r"|ursprüngliche nachricht|mensaje original|messaggio originale|oorspronkelijk bericht"
    r"|mensagem original)\s*-{2,}|_{10,})\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\*?(?:from|de|von|da|van)\s?\*?:\*?\s?\S", re.IGNORECASE)
_HEADER = re.compile(
    r"\s*\*?(?:sent|date|to|subject|cc|envoyé|à|objet|gesendet|datum|an|betreff|enviado|fecha|para"
    r"|asunto|inviato|data|a|oggetto|verzonden|aan|onderwerp|assunto)\s?\*?:",
    re.IGNORECASE,
)


def unquoted(text: str) -> str:
    """The new part of a mail: up to the mail it answers, and without lines that begin with `>`.

    A mail that is nothing but a quotation is kept whole. The time it takes grows with the text and
    no faster, whatever somebody sends.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    fresh = "\n".join(_own(lines)).strip()
    return fresh or "\n".join(lines).strip()


def _own(lines: list[str]) -> Iterator[str]:
    marked = [line.lstrip().startswith(">") for line in lines]
    last_mark = max((place for place, is_marked in enumerate(marked) if is_marked), default=-1)
    skip = 0
    for place, line in enumerate(lines):
        if skip or marked[place]:
            skip = max(skip - 1, 0)
        elif _begins_earlier(lines, place):
            return
        elif not (said := _attributed(lines, place)):
            yield line
        elif place > last_mark:
            return
        elif _next(lines, place + said).lstrip().startswith(">"):
            skip = said - 1
        else:
            yield line


def _begins_earlier(lines: Sequence[str], place: int) -> bool:
    """Whether an earlier mail begins here, with a ruler or with its headers."""
    line = lines[place]
    if len(line) > LONGEST_LINE:
        return False
    if _RULER.fullmatch(line):
        return "_" not in line or bool(_FROM.match(_next(lines, place + 1)))
    return bool(_FROM.match(line)) and any(
        _HEADER.match(each) for each in lines[place + 1 : place + 1 + FEW] if len(each) < 200
    )


def _attributed(lines: Sequence[str], place: int) -> int:
    """How many lines "On ..., somebody wrote:" has here, as mail programs break it; 0 if none."""
    if not _BEGINS.match(lines[place][:LONGEST_LINE]):
        return 0
    for count, line in enumerate(lines[place : place + FEW], start=1):
        if len(line) > LONGEST_LINE or not line.strip():
            return 0
        if line.endswith(":"):
            said = " ".join(lines[place : place + count])
            # "On 3 March I wrote:" is a person's sentence, unless what follows is marked.
            quotes = "@" in said or _next(lines, place + count).lstrip().startswith(">")
            return count if quotes and _SAYS.search(said) else 0
    return 0


def _next(lines: Sequence[str], place: int) -> str:
    """The next line that is not blank, if it is near."""
    near = (line for line in lines[place : place + FEW] if line.strip())
    return next(near, "")[:LONGEST_LINE]
