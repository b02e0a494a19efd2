"""The look keeps its promises: readable colours, icons that exist, nothing inline in the pages."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.workflows.catalogue import icons
from server.pages.frame import assets
from server.pages.frame.render import TEMPLATES

CSS = (assets.STATIC / "app.css").read_text()
GROUNDS = ("bg", "surface", "sunken", "hover")
TINTS = ("ok", "warn", "bad", "info", "accent")
THEMES = ("light", "dark")

TOKENS = {
    name: dict(zip(THEMES, colours, strict=True))
    for name, *colours in re.findall(
        r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS
    )
}

TEXT = [
    *((ink, ground) for ink in ("text", "muted", "accent") for ground in GROUNDS),
    *((tint, ground) for tint in TINTS for ground in ("surface", "bg", f"{tint}-soft")),
    *(("text", f"{tint}-soft") for tint in TINTS),
    ("ok-ink", "ok"),
    ("accent-ink", "accent"),
]
BORDERS = [
    (border, ground)
    for border in ("line-strong", "accent", "ok", "warn", "bad", "info")
    for ground in ("bg", "surface", "sunken")
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read_on_its_ground(ink: str, ground: str, theme: str) -> None:
    assert contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("border", "ground"), BORDERS)
def test_the_edge_of_a_control_can_be_seen(border: str, ground: str, theme: str) -> None:
    assert contrast(TOKENS[border][theme], TOKENS[ground][theme]) >= 3


def test_every_icon_that_a_page_shows_is_in_the_sprite() -> None:
    assert (icons_in_templates() | icons()) - set(assets.SPRITE) == set()


def test_an_icon_that_lucide_does_not_know_is_named_in_the_error() -> None:
    with pytest.raises(LookupError, match="no-such-icon"):
        assets.sprite(("house", "no-such-icon"))


def test_a_template_that_asks_for_an_unlisted_icon_is_told_where_to_list_it() -> None:
    with pytest.raises(LookupError, match=r"Add it to ICONS in server\.pages\.frame\.assets"):
        assets.icon("no-such-icon")


def test_pages_carry_no_inline_style_or_script() -> None:
    inline = re.compile(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:")
    assert [path.name for path in templates() if inline.search(path.read_text())] == []


def test_style_and_script_are_light() -> None:
    scripts = [assets.ASSETS[name].packed for name in assets.ASSETS if name.endswith(".js")]
    assert len(gzip.compress(CSS.encode())) < 10_000
    assert sum(map(len, scripts)) < 15_000


def templates() -> Iterator[Path]:
    return TEMPLATES.rglob("*.html")


def icons_in_templates() -> set[str]:
    """Names that templates give to `icon(...)`, in an "icon" key, or as `picture=`."""
    source = "\n".join(path.read_text() for path in templates())
    calls = "".join(re.findall(r"icon\([^()]*\)", source))
    named = r'"icon": "([a-z0-9-]+)"|picture="([a-z0-9-]+)"'
    pairs = re.findall(named, source) + re.findall(r'(?<!== )"([a-z0-9-]+)"()', calls)
    return {one or other for one, other in pairs}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
