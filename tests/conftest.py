"""What every test may ask for: a clean environment, a clock, databases, servers and a browser."""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.databases import Pair, Pairs, PostgresPairs, Prepare, SqlitePairs, TemplateDatabase
from tests.fakes import Clock
from tests.servers import (
    ImapServer,
    MailServer,
    WebServer,
    chromium,
    imap_server,
    mail_server,
    postgres,
    redis,
    require_printer,
    web_server,
)

pytest.register_assert_rewrite("tests.stages.demo.story")

# A slow machine is not a bug: hypothesis would otherwise fail an example that takes 200 ms.
settings.register_profile("sayso", deadline=None)
settings.load_profile("sayso")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting or key of the person who runs the tests reaches the code under test."""
    for name in os.environ:
        ours = name.startswith(("SAYSO_", "ANTHROPIC_"))
        if ours and not name.startswith(("SAYSO_TEST_", "SAYSO_REQUIRE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at the moment of the demo data until the test moves it."""
    return Clock(datetime(2026, 3, 10, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The SQLAlchemy URL of a PostgreSQL server, started when it is first asked for."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis server, started when it is first asked for."""
    with redis() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_pairs(tmp_path_factory: pytest.TempPathFactory) -> SqlitePairs:
    return SqlitePairs(tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="session")
def postgres_pairs(postgres_server: str, redis_server: str) -> Iterator[PostgresPairs]:
    with closing(PostgresPairs(postgres_server, redis_server)) as pairs:
        yield pairs


@pytest.fixture(params=["sqlite", "postgres"])
def pairs(request: pytest.FixtureRequest) -> Pairs:
    """The maker of pairs; whatever asks for it runs on SQLite and on PostgreSQL with Redis.

    A test of one kind says `@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)`.
    """
    makers: Pairs = request.getfixturevalue(f"{request.param}_pairs")
    return makers


@pytest.fixture
def pair(pairs: Pairs, tmp_path: Path) -> Iterator[Pair]:
    """An empty database and an empty queue for this test alone, on each kind in turn."""
    with pairs.fresh(tmp_path) as pair:
        yield pair


@pytest.fixture
def template_database(pairs: Pairs, tmp_path: Path) -> Iterator[TemplateDatabase]:
    """Call it with a name and a function that prepares a database: a Pair with a copy of it."""
    with ExitStack() as until_the_test_ends:

        def clone(name: str, prepare: Prepare) -> Pair:
            return until_the_test_ends.enter_context(pairs.cloned(name, prepare, tmp_path))

        yield clone


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    """A mail server that keeps what it receives, and refuses what the test tells it to."""
    with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def imap_port() -> Iterator[int]:
    """The port of an IMAP server, started when it is first asked for."""
    with imap_server() as port:
        yield port


@pytest.fixture
def imap(imap_port: int, request: pytest.FixtureRequest) -> ImapServer:
    """An empty folder of an IMAP server, for this test alone, which it delivers mail into."""
    return ImapServer(imap_port, f"Mail-{abs(hash(request.node.nodeid))}").open()


@pytest.fixture
def receiver() -> Iterator[WebServer]:
    """A web server that records every request and says 200."""
    with web_server() as server:
        yield server


@pytest.fixture
def printer() -> None:
    """Tests that make PDFs are skipped, aloud, where that cannot be done."""
    require_printer()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests (in-memory MCP clients) run on asyncio, the loop the product runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Run the Chromium of the system, and let it talk to nobody but us."""
    browser = chromium()
    if browser is None:
        pytest.fail("There is no Chromium: `apt-get install chromium`, or set SAYSO_TEST_CHROMIUM.")
    flags = [
        "--no-sandbox",
        "--no-first-run",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    return {**browser_type_launch_args, "executable_path": str(browser), "args": flags}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a browser, and skip it aloud where there is none.

    Browser tests go last: Playwright keeps an event loop running in this thread once it has
    started, and no async test could run after it.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    items.sort(key=_in_browser)
    if chromium() is None and not _nothing_may_be_skipped():
        reason = "There is no Chromium here. `.ci/run` installs one and runs these tests."
        for item in filter(_in_browser, items):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look at it time and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and _nothing_may_be_skipped():
        reporter.write_line("\nSAYSO_REQUIRE_BROWSER is set, and tests were skipped.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _in_browser(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def _nothing_may_be_skipped() -> bool:
    return bool(os.environ.get("SAYSO_REQUIRE_BROWSER"))
