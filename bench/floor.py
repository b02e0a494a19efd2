"""The rows a run leaves behind, written by plain SQL through the bare driver: the floor."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import make_url

from bench.ground import Took, timed
from engine.runs.worker import BATCH
from tests.databases import Pair

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
EFFECT = {"kind": "update_record", "module": "invoices", "id": 1, "values": {"status": "Sent"}}
MOVE = json.dumps({"move": "do", "effect": EFFECT})
SAID = "INV-1: status: Draft → Sent"
SNAPSHOT = json.dumps({"number": "INV-1", "status": "Sent", "balance": "50.00", "tags": ["seen"]})

TAKE = "UPDATE sayso_runs SET owner = ?, due = ? WHERE id = ?"
STAND = "UPDATE sayso_runs SET state = 'running', step = 's', due = ?, owner = ? WHERE id = ?"
END = """UPDATE sayso_runs SET state = 'done', step = NULL, due = NULL, owner = NULL, ended_at = ?
 WHERE id = ?"""
ENTRY = """INSERT INTO sayso_entries
 (run, step, position, move, phase, outcome, said, tries, at, ended_at)
 VALUES (?, ?, ?, ?, ?, 'done', ?, 1, ?, ?)"""
CLOSE = """UPDATE sayso_entries SET phase = 'closed', result = ?, ended_at = ?
 WHERE run = ? AND step = ?"""
CHANGE = """UPDATE invoices SET status = 'Sent', tags = ?, modified_at = ?, revision = revision + 2
 WHERE id = ?"""
NEW_NOTE = """INSERT INTO notes (number, text, record, created_at, modified_at, revision)
 VALUES (?, 'Saw it', ?, ?, ?, 1)"""
EVENT = """INSERT INTO sayso_events
 (module, record, kind, at, actor, source, changes, snapshot, pending, depth)
 VALUES ('invoices', ?, 'modified', ?, 'workflow:1', 'workflow', '{}', ?, ?, 1)"""
ASKED = """UPDATE sayso_events SET pending = ?, snapshot = NULL
 WHERE module = 'invoices' AND record = ? AND run IS NULL"""
NUMBER = "UPDATE sayso_numbers SET next = next + 1 WHERE module = 'notes'"


@contextmanager
def driver(pair: Pair) -> Iterator[Any]:
    """A bare connection, opened as the engine opens its own."""
    url = make_url(pair.database_url)
    if pair.name == "postgres":
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as connection:
            yield connection
        return
    with closing(sqlite3.connect(url.database or "")) as connection:
        for pragma in ("journal_mode=wal", "synchronous=full"):
            connection.execute(f"pragma {pragma}")
        yield connection


def many(connection: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.executemany(statement, rows)
        return
    with connection.cursor() as cursor:
        cursor.executemany(statement.replace("?", "%s"), rows)


def moment(connection: Any) -> Any:
    return NOW.isoformat(" ") if isinstance(connection, sqlite3.Connection) else NOW


def record_steps(pair: Pair, runs: Sequence[int]) -> Took:
    """Three steps that change records, a batch in a transaction; and their events asked about."""
    with driver(pair) as connection:
        at = moment(connection)

        def write() -> None:
            for batch in (runs[start : start + BATCH] for start in range(0, len(runs), BATCH)):
                steps = [(run, step) for run in batch for step in "abc"]
                entries = [(run, step, 1, MOVE, "closed", SAID, at, at) for run, step in steps]
                notes = [(f"F-{run}", f"invoices/{run}", at, at) for run in batch]
                many(connection, TAKE, [("x" * 32, at, run) for run in batch])
                many(connection, ENTRY, entries)
                many(connection, CHANGE, [('["seen"]', at, run) for run in batch])
                many(connection, NEW_NOTE, notes)
                many(connection, EVENT, [(run, at, SNAPSHOT, True) for run, _ in steps])
                many(connection, NUMBER, [()])
                many(connection, END, [(at, run) for run in batch])
                connection.commit()
                many(connection, ASKED, [(False, run) for run in batch])
                connection.commit()

        return timed(len(runs), write)


def outward_steps(pair: Pair, runs: Sequence[int], hands: int) -> Took:
    """Three steps outside: each planned and committed, its outcome with the plan of the next."""
    with driver(pair) as connection:
        at = moment(connection)

        def write() -> None:
            for batch in (runs[start : start + hands] for start in range(0, len(runs), hands)):
                for before, step in zip((None, "a", "b", "c"), ("a", "b", "c", None), strict=True):
                    if before:
                        closed = [('{"status": 200}', at, run, before) for run in batch]
                        many(connection, CLOSE, closed)
                    if step:
                        opened = [(run, step, 1, MOVE, "performing", SAID, at, at) for run in batch]
                        many(connection, ENTRY, opened)
                        many(connection, STAND, [(at, "x" * 32, run) for run in batch])
                    else:
                        many(connection, END, [(at, run) for run in batch])
                    connection.commit()

        return timed(len(runs), write)
