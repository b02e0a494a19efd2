"""A tool in one file: a file laid into server/operations/ is found at every door, by itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from fastapi.testclient import TestClient

from server import operations
from server.app import create_app
from server.cli.reference_page import reference
from server.mcp.server import Server
from server.operations import catalogue
from server.operations.registry import OPERATIONS
from tests.stages.office.reception import Reception

FILE = '''
"""The weather."""

from typing_extensions import NotRequired, TypedDict

from server.access.desk import Desk
from server.operations.registry import Number, operation


class Weather(TypedDict):
    """How the weather is on a day, in words if there are any."""

    day: int
    words: NotRequired[str]


@operation("GET /weather/{day}", scope="records:read", stage="records")
def get_weather(desk: Desk, day: Number) -> Weather:
    """Tell how the weather is on a day."""
    return {"day": day, "words": f"{desk.who.name} says: fine"}
'''


@pytest.fixture
def weather(tmp_path: Path) -> Iterator[None]:
    """A package of operations with another file in it."""
    folder = tmp_path / "more"
    folder.mkdir()
    folder.joinpath("weather.py").write_text(FILE, encoding="utf-8")
    operations.__path__.append(str(folder))
    yield
    operations.__path__.remove(str(folder))
    OPERATIONS.pop("get_weather", None)
    sys.modules.pop("server.operations.weather", None)


@pytest.mark.usefixtures("weather")
@pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)
def test_a_tool_in_one_file_is_found_at_every_door(reception: Reception) -> None:
    app = create_app(reception.installation)
    token = {"Authorization": f"Bearer {reception.token('vera')}"}
    answered = TestClient(app, "http://127.0.0.1", headers=token).get("/api/weather/3")
    assert answered.json() == {"day": 3, "words": "vera says: fine"}

    told = app.openapi()
    route = told["paths"]["/api/weather/{day}"]["get"]
    assert route["operationId"] == "get_weather"
    assert [one["name"] for one in route["parameters"]] == ["day"]
    shape = route["responses"]["200"]["content"]["application/json"]["schema"]
    assert shape == {"$ref": "#/components/schemas/Weather"}
    assert told["components"]["schemas"]["Weather"]["required"] == ["day"]

    names = list(catalogue.tools())
    assert names[names.index("write_record") + 1] == "get_weather"
    offered = {tool.name: tool for tool in anyio.run(Server(reception.installation).list_tools)}
    tool = offered["get_weather"]
    assert tool.description == "Tell how the weather is on a day."
    assert tool.annotations is not None
    assert tool.annotations.read_only_hint is True
    assert tool.input_schema["required"] == ["day"]
    assert tool.output_schema == {"type": "object", "required": ["day"]}

    assert "`GET /weather/{day}`" in reference()
