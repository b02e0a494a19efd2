"""What strangers wrote is read apart: it fetches nothing, opens nothing, and ends."""

import os
from pathlib import Path

import pytest

from engine.outside.subprocesses import TooMuch, run_isolated
from tests.servers import pdf_of, web_server

BOMBS = {
    "memory": ("<div style='height: 1e9cm'>x</div>", "more memory than it is given"),
    "time": ("<div>" * 200_000, "it needed more than 8 seconds"),
    "pages": ("<p>x</p>" * 9_000, "it has more than 200 pages"),
}


def words(html: str) -> str:
    return run_isolated("read_pdf", pdf_of(html)).decode()


def test_a_page_is_printed_with_our_own_fonts() -> None:
    assert words("<h1>Facture é ü € ß</h1><p><b>Привет</b></p>").split() == [
        *("Facture", "é", "ü", "€", "ß", "Привет"),
    ]


def test_nothing_is_fetched_and_no_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    with web_server() as receiver:
        urls = (f"{receiver.url}/x", secret.as_uri(), str(secret), "http://169.254.169.254/")
        tags = [
            f"<img src='{url}'><link rel=stylesheet href='{url}'><iframe src='{url}'></iframe>"
            f"<link rel=attachment href='{url}'><object data='{url}'></object><embed src='{url}'>"
            f"<style>@import url({url}); @font-face {{ font-family: F; src: url({url}) }}</style>"
            f"<svg><image href='{url}'/></svg><p style='font-family: F'>x</p>"
            for url in urls
        ]
        printed = pdf_of("".join(tags))
    assert receiver.requests == []
    assert b"the secret" not in printed
    assert "the secret" not in run_isolated("read_pdf", printed).decode()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_by_itself(name: str) -> None:
    html, why = BOMBS[name]
    with pytest.raises(TooMuch, match=why):
        pdf_of(html)


def test_what_is_no_pdf_is_told() -> None:
    with pytest.raises(TooMuch, match="no PDF that can be read"):
        run_isolated("read_pdf", b"MZ\x90\x00")


def test_the_environment_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", os.devnull)
    assert words("<p>Hello</p>") == "Hello"
