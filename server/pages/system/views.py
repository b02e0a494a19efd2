"""What the pages of the system show, as plain data (see `frame/views.py`)."""

from typing import TypedDict

from server.pages.frame.views import Action, Check, Fact


class Setting(TypedDict):
    """One setting: is it set, its value if no secret, and what its absence switches off."""

    name: str
    text: str
    given: bool
    value: str
    off: str


class SystemView(TypedDict):
    """`eyes` turns four eyes on or off, `eyes_text` says how it is now."""

    health: list[Check]
    off: list[str]
    settings: list[Setting]
    facts: list[Fact]
    eyes_text: str
    eyes: Action
