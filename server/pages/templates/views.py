"""What the pages of templates show, as plain data (see `frame/views.py`)."""

from typing import TypedDict

from server.operations.variables import VariableGroup
from server.pages.frame.views import Choice, Effect, Fact, Filters, Link, When


class TemplateRow(TypedDict):
    """A template in all its languages; `length` is that of a text message."""

    name: str
    href: str
    description: str
    kind: str
    languages: str
    length: str
    used_by: list[Link]
    changed: When
    changed_by: str


class TemplatesView(TypedDict):
    """`new` opens the form of a template, `load` takes a file in: "" for those who may not."""

    filters: Filters
    rows: list[TemplateRow]
    new: str
    load: str
    error: str


class WordingCard(TypedDict):
    """What a template says in one language."""

    title: str
    length: str
    edit: str
    parts: list[Fact]


class TemplateUse(TypedDict):
    """A workflow with a template in it, whether it says what it says now, and what waits."""

    workflow: Link
    review: Link | None
    said: str


class Preview(TypedDict):
    """A template filled in for a record. `records` is empty where there are too many to choose
    from; of `effect` and `html` (a PDF, named `title`) one says more, or `note` why not."""

    action: str
    modules: list[Choice]
    records: list[Choice]
    number: str
    languages: list[Choice]
    title: str
    note: str
    warned: str
    effect: Effect | None
    html: str


class TemplateView(TypedDict):
    """`behind` are workflows that wait for approval, or for their new version to be made."""

    name: str
    kind: str
    description: str
    changed: When
    changed_by: str
    download: str
    behind: list[TemplateUse]
    preview: Preview
    wordings: list[WordingCard]
    used_by: list[TemplateUse]
    live: str


class VariablesView(TypedDict):
    """What texts about the records of a module may insert, as `list_variables` tells it."""

    module: str
    modules: list[Choice]
    groups: list[VariableGroup]
