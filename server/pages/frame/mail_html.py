"""The HTML of a mail, made harmless, and what it says without its tags."""

import re
from html import unescape

import nh3

# No picture, so that reading a mail calls nobody; no form, no script, no style of its own.
TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}
ENDS_LINE = re.compile(r"</(?:p|div|li|tr|h[1-6]|blockquote|pre)>|<br\s*/?>", re.IGNORECASE)
LETTERS, LINE, MARGINS, TALLEST = 60, 34, 32, 560  # of a line, and heights in pixels


def safe_html(html: str) -> str:
    """HTML that shows text and nothing else: no script, and no picture that calls a server."""
    return nh3.clean(html, tags=TAGS, url_schemes={"http", "https", "mailto"})


def words_of(html: str) -> str:
    """What HTML says, line by line, without its tags."""
    broken = ENDS_LINE.sub("\n", html)
    lines = unescape(nh3.clean(broken, tags=set())).splitlines()
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def mail_height(html: str) -> int:
    """About how high a frame shows a mail whole, in pixels: a sandbox cannot be measured."""
    lines = sum(1 + len(line) // LETTERS for line in words_of(html).splitlines())
    return min(TALLEST, MARGINS + LINE * lines)
