"""`sayso doctor`: what is set, what is missing and what that switches off, what does not work."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr
from typing import Literal

from redis.exceptions import RedisError
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from engine.company.company import PLACEHOLDER
from engine.effects.functions import FUNCTIONS
from engine.installation import Installation
from engine.outside import imap, smtp, texting
from engine.outside.subprocesses import can_print
from engine.people import logins
from engine.records import schema_number
from engine.records.schema_number import Outdated
from engine.records.tables import HEARTBEATS
from engine.settings import Settings
from server.operations import incoming_mail

OLDEST_POSTGRES = 18
LATE = timedelta(minutes=3)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `off` is a choice; `wrong` needs somebody."""

    state: Literal["ok", "off", "wrong"]
    what: str
    said: str


def examine(installation: Installation) -> Iterator[Finding]:
    """Look at everything that Sayso needs or can use."""
    settings = installation.settings
    yield Finding("ok", "address", settings.address)
    yield Finding("ok", "data folder", str(settings.data_dir.resolve()))
    database = _database(installation)
    yield database
    yield _queue(installation)
    if database.state == "ok":
        yield from _inside(installation)
    yield _mail(settings.smtp_url)
    yield from _incoming(installation, ready=database.state == "ok")
    yield _texting(settings.sms_url)
    yield _option("accounting system", settings.erp_url, NO_ERP)
    yield from _functions()
    yield _option("PDFs", "made by PlutoPrint" if can_print() else "", NO_PRINTER)
    yield _option("AI model", settings.model if settings.anthropic_api_key else "", NO_MODEL)
    yield _kept(settings)
    yield _option("inside networks", settings.allow_networks, NO_NETWORKS)


def _database(installation: Installation) -> Finding:
    url = make_url(installation.settings.database)
    try:
        with installation.database.engine.connect() as db:
            major = int((db.dialect.server_version_info or (0,))[0])
    except SQLAlchemyError as error:
        return Finding("wrong", "database", f"{url!r} cannot be reached: {in_short(error)}")
    if url.get_backend_name() == "postgresql" and major < OLDEST_POSTGRES:
        told = f"PostgreSQL {major} is too old; Sayso needs {OLDEST_POSTGRES} or newer."
        return Finding("wrong", "database", told)
    return _shape(installation, f"{url!r}")


def _shape(installation: Installation, where: str) -> Finding:
    """Whether the tables are those of this program."""
    try:
        with installation.database.engine.connect() as db:
            number = schema_number.number_of(db)
        if number is not None:
            schema_number.check(number)
    except Outdated as outdated:
        return Finding("wrong", "database", f"{where}: {outdated}")
    return Finding("ok", "database", where if number is None else f"{where}, schema {number}")


def _queue(installation: Installation) -> Finding:
    url = make_url(installation.settings.queue)
    try:
        installation.bell.huey.storage.queue_size()
    except (RedisError, OSError, sqlite3.Error) as error:
        return Finding("wrong", "queue", f"{url!r} cannot be reached: {in_short(error)}")
    return Finding("ok", "queue", f"{url!r}")


def _inside(installation: Installation) -> Iterator[Finding]:
    """What the database says about who is there and who works."""
    if not installation.database.is_ready():
        yield Finding("off", "data", "nothing is there yet: `sayso serve` begins it")
        return
    with installation.database.read() as tx:
        company, users = tx.company, len(logins.logins(tx))
        seen = tx.db.scalar(select(func.max(HEARTBEATS.c.at)))
        now = tx.now
    yield Finding("ok", "company", f"{company.name}, {company.timezone}")
    sender = formataddr((company.sender_name, company.sender))
    yield _option("sender", "" if company.sender == PLACEHOLDER else sender, NO_SENDER)
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


def _incoming(installation: Installation, *, ready: bool) -> Iterator[Finding]:
    """Whether mail comes in: how the folder that is read stands, and when the last mail came."""
    url = installation.settings.imap_url
    if url and (problem := imap.check(url)):
        yield Finding("wrong", "incoming mail", f"SAYSO_IMAP_URL: {problem}")
        return
    told = (
        incoming_mail.stands(installation) if ready and installation.database.is_ready() else None
    )
    if told and told.trouble:
        yield Finding("wrong", "incoming mail", f"it cannot be read: {told.trouble}")
        return
    last = f"; the last mail came at {told.last:%Y-%m-%d %H:%M} UTC" if told and told.last else ""
    place = imap.Account.of(url).place if url else ""
    yield Finding("ok" if url or last else "off", "incoming mail", f"{place or NO_IMAP}{last}")


def _texting(url: str) -> Finding:
    try:
        found = texting.provider(url)
    except ValueError as wrong:
        return Finding("wrong", "text messages", f"SAYSO_SMS_URL: {wrong}")
    if found is None:
        return Finding("off", "text messages", NO_SMS)
    kept = isinstance(found, texting.Captured)
    return Finding("ok", "text messages", "kept, not sent (capture:)" if kept else "sent by Twilio")


def _functions() -> Iterator[Finding]:
    """The functions of packages: which of those that are listed can be called."""
    known = ", ".join(f"{name} {each.version}" for name, each in FUNCTIONS.known.items())
    if known or not FUNCTIONS.failed:
        yield _option("functions", known, NO_FUNCTIONS)
    for name, why in FUNCTIONS.failed.items():
        yield Finding("wrong", "functions", f"{name}: {why}")


def _kept(settings: Settings) -> Finding:
    """What is deleted after which time."""
    ages = (
        ("changes", settings.keep_events_days),
        ("what steps did", settings.keep_steps_days),
        ("acts of people", settings.keep_audit_days),
    )
    told = ", ".join(f"{what} {days} days" for what, days in ages if days)
    return _option("kept", told, NO_END)


def _option(what: str, value: str, without: str) -> Finding:
    return Finding("ok", what, value) if value else Finding("off", what, without)


def in_short(error: BaseException) -> str:
    """What a library says about an error, without what is only for its developers."""
    told = str(getattr(error, "orig", None) or error).strip()
    return told.splitlines()[0] if told else type(error).__name__


NO_IMAP = "no folder is read (SAYSO_IMAP_URL); `sayso door mail` prints where mail can be sent"
NO_SMS = "steps that send one fail, and say so (SAYSO_SMS_URL)"
NO_PRINTER = "steps that make one fail, and say so (PlutoPrint has no package for this machine)"
NO_ERP = "steps that write to it fail, and say so (SAYSO_ERP_URL)"
NO_FUNCTIONS = "workflows call none (SAYSO_FUNCTIONS)"
NO_SENDER = "mail waits until an admin sets one on the page System (or SAYSO_SENDER)"
NO_MODEL = "steps that ask a model fail, and say so (ANTHROPIC_API_KEY)"
NO_NETWORKS = "webhooks call public addresses only (SAYSO_ALLOW_NETWORKS)"
NO_SMTP = "nothing is sent; mail is kept in the mailbox page (SAYSO_SMTP_URL)"
NO_END = "everything, for ever (SAYSO_KEEP_EVENTS_DAYS, _STEPS_DAYS, _AUDIT_DAYS)"
NO_USERS = "nobody can sign in yet: `sayso serve` prints a link for the first user"
NO_WORKER = "No workflow runs: start `sayso serve` or `sayso worker`."
