"""What every test here may ask for; each answer is held to the type that its operation promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.answers import insist_on_types
from tests.databases import TemplateDatabase
from tests.fakes import Clock
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
