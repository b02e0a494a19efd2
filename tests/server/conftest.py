"""What every test here may ask for; each answer is held to the type that its operation promises."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.installation import Installation
from tests.answers import insist_on_types
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo import showroom
from tests.stages.office.reception import Reception, furnish, opened


@pytest.fixture(autouse=True, scope="session")
def _honest_answers() -> None:
    insist_on_types()


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    """An office with its doors open, for this test alone, on each kind of database."""
    with opened(template_database("reception", furnish), clock, tmp_path) as reception:
        yield reception


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with the demo in it."""
    folder = tmp_path_factory.mktemp("showroom")
    showroom.furnish(folder, Clock(datetime(2026, 3, 10, 8, 0, tzinfo=UTC)))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    """The demo, for this test alone."""
    with showroom.opened(furnished, tmp_path / "house", clock) as installation:
        yield installation
