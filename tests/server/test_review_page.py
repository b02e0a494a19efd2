"""The page on which a person decides: texts where they are told, and what would come of them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.installation import Installation
from tests.fakes import Clock
from tests.server.proposing import mail, on_invoices, proposed, read
from tests.stages.demo.showroom import browser_of, furnish, opened


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showroom")
    furnish(folder, Clock(datetime(2026, 3, 10, 8, 0, tzinfo=UTC)))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(furnished, tmp_path / "house", clock) as installation:
        yield installation


def source(installation: Installation, document: dict[str, Any]) -> str:
    """The page of its review, as HTML."""
    review = proposed(installation, document)
    return browser_of(installation, "admin").get(f"/reviews/{review}").text


def page(installation: Installation, document: dict[str, Any]) -> str:
    """The page of its review, as it is read."""
    return read(browser_of(installation, "admin"), proposed(installation, document))


def test_a_mail_without_html_is_shown_as_text(installation: Installation) -> None:
    shown = source(installation, on_invoices(mail(body="Dear A & B,\n\nplease pay.")))
    assert "<pre>Dear A &amp; B,\n\nplease pay.</pre>" in shown
    assert "<iframe" not in shown


def test_a_mail_with_html_is_framed_at_its_height_and_its_words_stand_below(
    installation: Installation,
) -> None:
    lines = "".join(f"<p>Line {number} &amp; more</p>" for number in range(9))
    short = source(installation, on_invoices(mail(body="", html="<p>Please pay.</p>")))
    tall = source(installation, on_invoices(mail(body="", html=lines)))
    frames = [re.findall('<iframe sandbox [^>]*height="([0-9]+)"', each) for each in (short, tall)]
    assert int(frames[0][0]) < int(frames[1][0])
    assert "loading=" not in tall
    assert "<pre>Line 0 &amp; more\nLine 1 &amp; more\n" in tall
