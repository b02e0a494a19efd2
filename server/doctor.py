"""`sayso doctor`: what is set, what is missing and what that switches off, what does not work."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from redis.exceptions import RedisError
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from engine import people, smtp
from engine.house import House
from engine.tables import HEARTBEATS

OLDEST_POSTGRES = 18
Progress = Callable[[int, int], None]
LATE = timedelta(minutes=3)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `off` is a choice; `wrong` needs somebody."""

    state: Literal["ok", "off", "wrong"]
    what: str
    said: str


def examine(house: House) -> Iterator[Finding]:
    """Look at everything that Sayso needs or can use."""
    settings = house.settings
    yield Finding("ok", "address", settings.address)
    yield Finding("ok", "data folder", str(settings.data_dir.resolve()))
    database = _database(house)
    yield database
    yield _queue(house)
    if database.state == "ok":
        yield from _inside(house)
    yield _mail(settings.smtp_url)
    yield _option("incoming mail", "set" if settings.imap_url else "", NO_IMAP)
    yield _option("text messages", "set" if settings.sms_url else "", NO_SMS)
    yield _option("AI model", settings.model if settings.anthropic_api_key else "", NO_MODEL)
    yield _option("inside networks", settings.allow_networks, NO_NETWORKS)


def _database(house: House) -> Finding:
    url = make_url(house.settings.database)
    try:
        with house.database.engine.connect() as db:
            major = int((db.dialect.server_version_info or (0,))[0])
    except SQLAlchemyError as error:
        return Finding("wrong", "database", f"{url!r} cannot be reached: {in_short(error)}")
    if url.get_backend_name() == "postgresql" and major < OLDEST_POSTGRES:
        told = f"PostgreSQL {major} is too old; Sayso needs {OLDEST_POSTGRES} or newer."
        return Finding("wrong", "database", told)
    return Finding("ok", "database", f"{url!r}")


def _queue(house: House) -> Finding:
    url = make_url(house.settings.queue)
    try:
        house.bell.huey.storage.queue_size()
    except (RedisError, OSError, sqlite3.Error) as error:
        return Finding("wrong", "queue", f"{url!r} cannot be reached: {in_short(error)}")
    return Finding("ok", "queue", f"{url!r}")


def _inside(house: House) -> Iterator[Finding]:
    """What the database says about who is there and who works."""
    if not house.database.is_ready():
        yield Finding("off", "data", "nothing is there yet: `sayso serve` begins it")
        return
    with house.database.read() as tx:
        company, users = tx.company, len(people.logins(tx))
        seen = tx.db.scalar(select(func.max(HEARTBEATS.c.at)))
        now = tx.now
    yield Finding("ok", "company", f"{company.name}, {company.timezone}")
    yield _option("users", str(users or ""), NO_USERS)
    if seen is None:
        yield Finding("off", "worker", NO_WORKER)
    elif now - seen > LATE:
        yield Finding("wrong", "worker", f"last seen at {seen:%Y-%m-%d %H:%M} UTC. {NO_WORKER}")
    else:
        yield Finding("ok", "worker", f"seen {int((now - seen).total_seconds())} seconds ago")


def _mail(url: str) -> Finding:
    if not url:
        return Finding("off", "mail", NO_SMTP)
    if problem := smtp.check(url):
        return Finding("wrong", "mail", f"SAYSO_SMTP_URL: {problem}")
    return Finding("ok", "mail", f"{make_url(url)!r}")


def _option(what: str, value: str, without: str) -> Finding:
    return Finding("ok", what, value) if value else Finding("off", what, without)


def in_short(error: BaseException) -> str:
    """What a library says about an error, without what is only for its developers."""
    told = str(getattr(error, "orig", None) or error).strip()
    return told.splitlines()[0] if told else type(error).__name__


def copy(database: str, file: str, progress: Progress) -> None:
    """A copy of a SQLite database as it is at one moment, while others go on using it."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target, pages=1000, progress=lambda _, left, all: progress(all - left, all))


NO_IMAP = "no mail is received (SAYSO_IMAP_URL)"
NO_SMS = "none are sent (SAYSO_SMS_URL)"
NO_MODEL = "steps that ask a model fail, and say so (ANTHROPIC_API_KEY)"
NO_NETWORKS = "webhooks call public addresses only (SAYSO_ALLOW_NETWORKS)"
NO_SMTP = "nothing is sent; mail is kept in the mailbox page (SAYSO_SMTP_URL)"
NO_USERS = "nobody can sign in: `sayso user create NAME --role admin --password-stdin`"
NO_WORKER = "No workflow runs: start `sayso serve` or `sayso worker`."
