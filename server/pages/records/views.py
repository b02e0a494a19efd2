"""What the pages of records show, as plain data (see `frame/views.py`)."""

from typing import Literal, TypedDict

from server.pages.frame.views import (
    Action,
    Attachment,
    Check,
    Chip,
    FieldChange,
    Filters,
    FormField,
    Link,
    Paging,
    RunRow,
    Stat,
    Tone,
    Way,
    When,
)


class ModuleRow(TypedDict):
    name: str
    href: str
    label: str
    count: str
    text: str


class ModuleGroup(TypedDict):
    label: str
    modules: list[ModuleRow]


class ModulesView(TypedDict):
    groups: list[ModuleGroup]
    total: str


class Column(TypedDict):
    """`sort` is the address that sorts by this column, `sorted` how it is sorted now."""

    label: str
    number: bool
    sort: str
    sorted: Literal["", "ascending", "descending"]


class Cell(TypedDict):
    text: str
    href: str
    tone: Tone
    tag: bool


class RecordRow(TypedDict):
    """The first column is the record's own number; `cells` are the rest."""

    id: str
    number: str
    href: str
    cells: list[Cell]


class RecordsView(TypedDict):
    """Addresses: `new` makes a record, `export` downloads what is shown, `load` imports a file.

    `only` says which records are listed, where the address asks for some alone.
    """

    label: str
    only: str
    singular: str
    filters: Filters
    first: Column
    columns: list[Column]
    rows: list[RecordRow]
    paging: Paging
    new: str
    export: str
    load: str


class FieldValue(TypedDict):
    """A field as it is. `long` gives it the whole width, `computed` marks what nobody can edit."""

    label: str
    text: str
    href: str
    long: bool
    computed: bool


class FieldGroup(TypedDict):
    label: str
    fields: list[FieldValue]


class Related(TypedDict):
    """Records of another module that point here; `more` leads to all of them."""

    label: str
    count: int
    rows: list[RecordRow]
    more: str


class Save(TypedDict):
    """One change of a record: who, through what, when, and each field before and after.

    Or that something about it was made: `made` leads there, `about` is what it is called.
    """

    who: str
    by: Link | None
    when: When
    did: str
    made: Link | None
    about: str
    fields: list[FieldChange]


class FilesCard(TypedDict):
    """The files of a record; `attach` takes another, "" where the person may not."""

    files: list[Attachment]
    attach: str
    field: FormField


class RecordView(TypedDict):
    """`edit` opens its form, "" where the person may not; `files` is None where none are kept."""

    number: str
    name: str
    module: Link
    meta: list[str]
    tag: Chip | None
    edit: str
    ways: list[Way]
    actions: list[Action]
    groups: list[FieldGroup]
    related: list[Related]
    files: FilesCard | None
    runs: list[RunRow]
    history: list[Save]


class WhyRow(TypedDict):
    """Whether one workflow would start for one record; `full` leads to each condition."""

    workflow: Link
    record: Link
    would: bool
    why: str
    full: str


class WhyView(TypedDict):
    """Why workflows run for a record or not: all as `rows`, or one as `checks` and its `path`.

    `fields` are asked by GET, for another day; `all` leads from one workflow to all of them.
    """

    number: str
    name: str
    back: Link
    all: Link | None
    workflow: Link | None
    would: bool
    text: str
    rows: list[WhyRow]
    checks: list[Check]
    path: list[str]
    fields: list[FormField]


class ImportRow(TypedDict):
    line: int
    text: str


class ImportView(TypedDict):
    """`stage` is the form, the work, or what came of it. `live` refreshes the progress."""

    module: Link
    stage: Literal["choose", "working", "done"]
    fields: list[FormField]
    error: str
    file: str
    text: str
    done: int
    total: int
    stats: list[Stat]
    problems: list[ImportRow]
    live: str
    back: Link
