"""Browser windows on a furnished installation."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from engine.installation import Installation
from tests.fakes import Clock
from tests.stages.demo.showroom import enter, furnish, served, stock

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with something on every page."""
    folder = tmp_path_factory.mktemp("showroom") / "stocked"
    furnish(folder, Clock(NOW))
    stock(folder, Clock(NOW))
    return folder


@pytest.fixture(scope="session")
def installation(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation behind a web server, for tests that only look."""
    with served(
        stocked, tmp_path_factory.mktemp("looked-at") / "house", Clock(NOW)
    ) as installation:
        yield installation


@pytest.fixture
def own(stocked: Path, tmp_path: Path) -> Iterator[Installation]:
    """The same for this test alone, which may do what it likes to it."""
    with served(stocked, tmp_path / "house", Clock(NOW)) as installation:
        yield installation


@pytest.fixture
def tab(own: Installation, browser: Browser) -> Iterator[Page]:
    """A tab of somebody who may do everything, in an installation of their own."""
    with browser.new_context(base_url=own.settings.address) as context:
        enter(own, context)
        yield context.new_page()
