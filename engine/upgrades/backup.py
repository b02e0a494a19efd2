"""A copy of a SQLite database, as it is at one moment, while others go on using it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

Progress = Callable[[int, int], None]


def copy(database: str, file: str, progress: Progress) -> None:
    """Copy the whole database to a file. `progress` is told how many pages of how many are done."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target, pages=1000, progress=lambda _, left, all: progress(all - left, all))


def beside(database: str, number: int) -> Path:
    """Where the copy of a database goes that has this schema number; never over another one."""
    at = Path(database)
    names = (f"{at.stem}.schema-{number}{f'-{again}' if again else ''}" for again in count())
    return next(file for name in names if not (file := at.with_name(name + at.suffix)).exists())
