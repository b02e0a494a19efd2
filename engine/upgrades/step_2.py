"""To schema 2: what is kept so that what was shown, and each try, can be read again later."""

from collections.abc import Callable

from engine.upgrades.changing import Changing
from engine.upgrades.members_2 import keep_members
from engine.upgrades.story_2 import keep_story

# One function for each thing that changed, taken in this order. Each is in a file of its own that
# ends in `_2` if it is more than a few lines.
PARTS: tuple[Callable[[Changing], None], ...] = (keep_members, keep_story)


def take(changing: Changing) -> None:
    """All parts; each adds what it needs to the tables and to what is kept in them."""
    for part in PARTS:
        part(changing)
