"""The version and the changelog agree, as RELEASING.md asks for."""

import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

from server.cli.commands import main
from server.version import VERSION

HOUSE = Path(__file__).parent.parent
SECTION = re.compile(r"^## (\d+)\.(\d+)\.(\d+) - \d{4}-\d\d-\d\d$")


def released() -> list[tuple[int, ...]]:
    """The releases of the changelog, the newest first."""
    lines = HOUSE.joinpath("CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    return [tuple(map(int, found.groups())) for line in lines if (found := SECTION.match(line))]


def test_the_version_is_that_of_the_newest_section_or_on_the_way_to_the_next() -> None:
    number, _, rest = VERSION.partition(".dev")
    version = tuple(map(int, number.split(".")))
    newest, *older = released()
    assert version > newest if rest else version == newest
    assert [newest, *older] == sorted(released(), reverse=True)


def test_what_is_not_released_yet_stands_first() -> None:
    sections = re.findall(r"^## .*$", HOUSE.joinpath("CHANGELOG.md").read_text("utf-8"), re.M)
    assert sections[0] == "## Unreleased"


def test_the_version_is_said_in_one_place() -> None:
    project = tomllib.loads(HOUSE.joinpath("pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert CliRunner().invoke(main, ["--version"]).output == f"sayso, version {VERSION}\n"


def test_P1_no_dependency_asks_for_the_release_of_a_kernel() -> None:
    """Installers compare it as a version, which on most Linux systems it is not."""
    project = HOUSE.joinpath("pyproject.toml").read_text(encoding="utf-8")
    assert "platform_release" not in project
