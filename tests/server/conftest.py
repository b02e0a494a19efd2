"""Every answer that a test here gets is held to the type that its operation promises."""

import pytest

from tests.answers import insist_on_types


@pytest.fixture(autouse=True, scope="session")
def _honest_answers() -> None:
    insist_on_types()
