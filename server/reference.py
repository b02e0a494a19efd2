"""docs/reference.md, made from the classes: what workflows are made of, and what can be asked."""

from pathlib import Path

FILE = Path(__file__).parent.parent / "docs" / "reference.md"


def reference() -> str:
    return ""
