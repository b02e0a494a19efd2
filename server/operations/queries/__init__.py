"""What operations and pages list, count and look up alike, as far as whoever asks may see it."""

from typing import Any

from sqlalchemy import Row

# What is stored of one thing, its columns by name.
Stored = Row[Any]

__all__ = ["Stored"]
