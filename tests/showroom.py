"""An installation with the demo in it, as it is after a few days, and its web server."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi.testclient import TestClient

from engine import people
from engine.demo import COMPANY
from engine.house import House
from engine.jobs import beat
from engine.settings import Settings
from engine.showcase import open_demo
from server.app import create_app
from tests.fakes import Clock
from tests.servers import free_port

PASSWORD = "a password for tests alone"
USERS = {
    "admin": ("admin", "approver", "author"),
    "mgr": ("approver", "author"),
    "alice": ("author",),
    "bob": ("author",),
    "hr": ("viewer",),
}


def furnish(folder: Path, clock: Clock) -> None:
    """Fill an empty folder with the demo and its users."""
    house = House.of(Settings(data_dir=folder), clock.now)
    house.prepare(COMPANY)
    open_demo(house)
    with house.database.begin() as tx:
        for username, roles in USERS.items():
            people.create_user(tx, username, roles, PASSWORD)
    beat(house.worker)
    house.database.engine.dispose()


@contextmanager
def opened(furnished: Path, folder: Path, clock: Clock, port: int = 8000) -> Iterator[House]:
    """A copy of a furnished folder, open for one test."""
    shutil.copytree(furnished, folder)
    house = House.of(Settings(data_dir=folder, port=port), clock.now)
    try:
        yield house
    finally:
        house.database.engine.dispose()


def browser_of(house: House, username: str = "") -> TestClient:
    """A client with its own cookies, signed in if a user is named."""
    client = TestClient(create_app(house), base_url=house.settings.address, follow_redirects=False)
    if username:
        with house.database.begin() as tx:
            client.cookies.set("sayso_session", people.open_session(tx, username))
    return client


@contextmanager
def served(furnished: Path, folder: Path, clock: Clock) -> Iterator[House]:
    """The installation behind a real web server, for real browsers."""
    with opened(furnished, folder, clock, free_port()) as house:
        settings = house.settings
        config = uvicorn.Config(
            create_app(house), settings.host, settings.port, log_level="warning", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield house
        finally:
            server.should_exit = True
            thread.join(5)
