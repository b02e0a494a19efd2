"""Draw a page: the templates and the few words they may use besides what the view gives them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.pages.frame.assets import asset, icon
from server.pages.frame.mail_html import mail_height
from server.pages.frame.views import Frame

TEMPLATES = Path(__file__).parents[2] / "templates"


def render(template: str, frame: Frame, view: Mapping[str, Any]) -> str:
    """The page as HTML. A value that the view lacks is an error, not a gap in the page."""
    return PAGES.get_template(template).render(frame=frame, view=view)


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 record", "1,284 records"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def mail_document(html: str) -> str:
    """A mail's body as a document for a sandboxed frame, in our own plain type."""
    style = f'<link rel="stylesheet" href="{asset("mail.css")}">'
    return f'<!doctype html><html lang="en"><title>Message</title>{style}<body>{html}'


def _environment() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals.update(
        asset=asset, icon=icon, mail_document=mail_document, mail_height=mail_height
    )
    pages.filters["counted"] = counted
    return pages


PAGES = _environment()
