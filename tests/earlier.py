"""Databases of earlier releases, as `tests/releases/make.py` has kept them."""

import gzip
import json
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

RELEASES = ("4490af8", "060a2de")
KEPT = Path(__file__).parent / "releases"


@cache
def facts(release: str) -> dict[str, Any]:
    """What is known of it: `tokens`, the `rows` of each table, `hashes` of documents."""
    told: dict[str, Any] = json.loads(KEPT.joinpath(f"{release}.json").read_text("utf-8"))
    return told


def restore(release: str, url: str) -> None:
    """Fill an empty database with that of the release, as it was left by its own program."""
    where = make_url(url)
    kind = "sqlite" if where.get_backend_name() == "sqlite" else "postgres"
    packed = KEPT.joinpath(f"{release}.{kind}.sql.gz").read_bytes()
    sql = gzip.decompress(packed)
    if kind == "sqlite":
        with closing(sqlite3.connect(str(where.database))) as database:
            database.executescript(sql.decode())
        return
    plain = where.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as database:
        database.execute(sql)
