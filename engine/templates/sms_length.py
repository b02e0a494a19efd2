"""How long a text message is: how many parts it is sent, and paid, in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.phrases import mark, say, say_count

# The alphabet of GSM 03.38, and what takes two of its places.
PLAIN = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
DOUBLE = frozenset("\f^{}\\[~]|€")
WHOLE = {"GSM": 160, "Unicode": 70}
SPLIT = {"GSM": 153, "Unicode": 67}
MOST_PARTS = 10


@dataclass(frozen=True)
class Measure:
    """The length of a message in the alphabet it needs, and the parts it comes to."""

    alphabet: Literal["GSM", "Unicode"]
    places: int
    parts: int

    def __str__(self) -> str:
        places = say_count("{count} character", "{count} characters", self.places)
        parts = say_count("{count} part", "{count} parts", self.parts)
        told = mark("{characters}, {parts} ({alphabet})")
        return say(told, characters=places, parts=parts, alphabet=self.alphabet)


def measure(text: str) -> Measure:
    """One sign outside GSM 03.38 makes all of it Unicode (UCS-2), where less fits into a part."""
    gsm = all(sign in PLAIN or sign in DOUBLE for sign in text)
    alphabet: Literal["GSM", "Unicode"] = "GSM" if gsm else "Unicode"
    sizes = [2 if sign in DOUBLE or (not gsm and ord(sign) > 0xFFFF) else 1 for sign in text]
    places = sum(sizes)
    if places <= WHOLE[alphabet]:
        return Measure(alphabet, places, 1)
    return Measure(alphabet, places, sum(1 for _ in _filled(sizes, SPLIT[alphabet])))


def told(template: str) -> str:
    """How long what a template says is, as far as that can be told before it is filled in."""
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", template, flags=re.DOTALL)
    if bare == template:
        return f"{measure(bare)}"
    return say("{length} without its fields", length=measure(bare))


def _filled(sizes: list[int], room: int) -> Iterator[int]:
    """How full each part is: a sign of two places is never split."""
    full = 0
    for size in sizes:
        if full + size > room:
            yield full
            full = 0
        full += size
    yield full
