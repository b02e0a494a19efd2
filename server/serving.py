"""Run Sayso until it is told to stop: the web server, the worker, or both in one process."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import uvicorn

from engine.installation import Installation
from engine.outside.postman import Postman
from engine.problems import refuse
from server.app import create_app

PATIENCE, BACKLOG = 10, 2048


def listening(host: str, port: int) -> socket.socket:
    """The socket to serve on. Port 0 takes one that is free. Raises `Invalid`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because only then asyncio sends answers at once (TCP_NODELAY); else 40 ms go by.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)  # who connects before we are ready waits, and is not refused
    except (OSError, OverflowError) as error:
        sock.close()
        remedy = "Choose another with --port, or stop what uses it."
        why = getattr(error, "strerror", None) or error
        raise refuse("", f"Sayso cannot listen on {host}:{port}: {why}.", remedy) from None
    return sock


def serve(installation: Installation, sock: socket.socket, *, work: bool) -> None:
    """Answer requests, and work in the same process unless another does, until told to stop."""
    config = uvicorn.Config(
        create_app(installation),
        http="h11",
        ws="none",
        log_config=None,  # it logs as we do
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=PATIENCE,
    )
    with _ends_on_sigterm(), _working(installation, threads=2 if work else 0):
        uvicorn.Server(config).run(sockets=[sock])


def work(installation: Installation, threads: int) -> None:
    """Work until told to stop; what was begun is finished first."""
    told = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    with _working(installation, threads):
        told.wait()


@contextmanager
def _working(installation: Installation, threads: int) -> Iterator[None]:
    if not threads:
        yield
        return
    listener = installation.bell.listen(installation.worker, threads=threads)
    listener.start()
    postman = Postman(installation)
    postman.start()
    installation.changed()  # to catch up on what was missed, and to leave a first sign of life
    try:
        yield
    finally:
        postman.stop()
        listener.stop(graceful=True)


@contextmanager
def _ends_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the program the way Ctrl+C does, so that what is open is closed.

    Uvicorn stops serving by itself, and then raises the signal once more for whoever holds it.
    """

    def leave(*_: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
