"""The words we say to models: one Markdown file a prompt."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template


def rendered(name: str, **words: Any) -> str:
    """A prompt with these words put in. They stay words: nothing in them is read as a template."""
    return _template(name).render(words)


@cache
def _template(name: str) -> Template:
    text = files("prompts").joinpath(f"{name}.md").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)
