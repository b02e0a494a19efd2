"""Logs: as text or as JSON lines, with ids, without secrets."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from engine.settings import Settings
from server.cli.logs import set_up

LOG = logging.getLogger("sayso.test")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("sayso")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    root.handlers.clear()  # pytest's stay open
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def stream() -> StringIO:
    return StringIO()


def logged(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_what_it_is_about(
    stream: StringIO, tmp_path: Path
) -> None:
    set_up(Settings(log="json", data_dir=tmp_path), stream)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        LOG.exception("run R-%s failed", 7, extra={"run": 7, "workflow": 2, "record": "deals/1"})
    (event,) = logged(stream)
    assert event.pop("at").endswith("+00:00")
    assert event.pop("error").endswith("ValueError: two\nlines")
    about = {"run": 7, "workflow": 2, "record": "deals/1"}
    told = {"level": "error", "logger": "sayso.test", "message": "run R-7 failed"}
    assert event == {**told, **about}


def test_text_tells_the_same_to_people(stream: StringIO, tmp_path: Path) -> None:
    set_up(Settings(data_dir=tmp_path), stream)
    LOG.warning("the queue cannot be read")
    assert stream.getvalue().endswith("WARNING sayso.test: the queue cannot be read\n")


@pytest.mark.parametrize("debug", [True, False])
def test_the_debug_switch_shows_our_own_details_alone(
    debug: bool, stream: StringIO, tmp_path: Path
) -> None:
    set_up(Settings(log="json", debug=debug, data_dir=tmp_path), stream)
    LOG.debug("ours")
    logging.getLogger("httpx").info("GET https://example.com/?key=theirs")
    assert [event["message"] for event in logged(stream)] == (["ours"] if debug else [])


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_logged(
    form: Any, stream: StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SECRET_ERP", "the-erp-key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-the-model-key")
    smtp = "smtp://us:p%40ssw0rd@mail.test"
    set_up(Settings(log=form, smtp_url=smtp, secret_key="the-own-key", data_dir=tmp_path), stream)
    given = ("the-erp-key", "sk-the-model-key", "p@ssw0rd", smtp, "the-own-key", "atp_abc-DEF")
    try:
        raise OSError(f"no answer from {smtp}")
    except OSError:
        LOG.exception("seen: %s", " ".join(given))
    told = stream.getvalue()
    assert "seen: *** *** *** smtp://us:***@mail.test *** ***" in told
    assert not [value for value in given if value in told]
