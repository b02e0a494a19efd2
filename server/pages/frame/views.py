"""What pages of several areas show, and what surrounds each of them, as plain data.

Texts arrive as words for people and numbers as numbers. An empty text or list means "nothing to
show", and every key is there unless it is marked `NotRequired`. No key is named like a method of
`dict` (`items`, `values`, ...), because a template would find the method first.
"""

from typing import Literal, NotRequired, TypedDict

Tone = Literal["", "ok", "warn", "bad", "info"]


Theme = Literal["system", "light", "dark"]


class Link(TypedDict):
    """Words that lead somewhere; with an empty `href` they are only words."""

    text: str
    href: str


class When(TypedDict):
    """A moment: ISO 8601, and absolute and relative words for people. Empty `iso`: no moment."""

    iso: str
    text: str
    ago: str


class Action(TypedDict):
    """A button that posts `fields`. `confirm` is the question asked before, "" for none."""

    label: str
    icon: str
    href: str
    tone: Literal["", "main", "danger", "quiet"]
    confirm: str
    fields: NotRequired[dict[str, str]]


class Way(TypedDict):
    """A button that only leads to another page."""

    label: str
    icon: str
    href: str


class Fact(TypedDict):
    """One line of a list of names and values."""

    label: str
    text: str
    href: str


class Stat(TypedDict):
    """One number of a row of numbers; `was` is the number to compare with, in words."""

    label: str
    text: str
    was: str
    tone: Tone


class Bar(TypedDict):
    """A day in a chart. `tick` is written under the bar, `href` lists its runs; "" for none."""

    label: str
    href: str
    tick: str
    count: int
    bad: int


class Chart(TypedDict):
    """A bar a day; `text` says the same in words."""

    text: str
    bars: list[Bar]


class Check(TypedDict):
    """Something that was looked at: what was found, more about it, and what to do."""

    tone: Literal["ok", "warn", "bad", "info"]
    text: str
    detail: str
    remedy: str


class Choice(TypedDict):
    """One of several answers."""

    value: str
    label: str
    help: str
    chosen: bool


class FieldChange(TypedDict):
    """A value before and after; None where there was, or will be, nothing to say."""

    label: str
    before: str | None
    after: str | None


class Change(TypedDict):
    """A difference between two versions, or what one save did."""

    sign: Literal["added", "changed", "removed"]
    title: str
    note: str
    fields: list[FieldChange]


class Branch(TypedDict):
    """One way out of a block. `off` greys a way that was not taken."""

    label: str
    tone: Literal["", "ok", "bad", "off"]
    blocks: "list[Block]"


class Block(TypedDict):
    """A box of the diagram. All after `title` may be left out."""

    id: str
    type: str
    kind: Literal["start", "if", "wait", "outside", "action", "end"]
    icon: str
    title: str
    detail: NotRequired[str]
    label: NotRequired[str]
    branches: NotRequired[list[Branch]]
    change: NotRequired[Literal["", "added", "changed", "removed"]]
    was: NotRequired[str]
    risk: NotRequired[str]
    state: NotRequired[Literal["", "here", "off", "err"]]
    count: NotRequired[int]
    ran: NotRequired[str]
    tone: NotRequired[Tone]
    href: NotRequired[str]


class Attachment(TypedDict):
    name: str
    size: str
    href: str


class Mail(TypedDict):
    """A message as sent, or as it would be. `html` was cleaned by nh3; it is shown in a sandbox.

    `plain` is what it says to programs without HTML, where it has HTML.
    """

    sender: str
    to: list[str]
    cc: list[str]
    subject: str
    html: str
    text: str
    plain: str
    attachments: list[Attachment]


class Effect(TypedDict):
    """What a step does to the world. At most one of `fields`, `mail` and `code` says more."""

    icon: str
    title: str
    detail: str
    fields: list[FieldChange]
    mail: Mail | None
    code: str


class Chip(TypedDict):
    """One stop on the path of a record."""

    text: str
    tone: Tone


class Segment(TypedDict):
    """A row of filters of which one holds; `name` is the query parameter."""

    name: str
    label: str
    choices: list[Choice]


class Filters(TypedDict):
    """The line above a table. `target` is the id of the region it refreshes."""

    action: str
    target: str
    q: str
    hint: str
    segment: Segment | None
    selects: list[Segment]
    clear: str
    active: bool


class Paging(TypedDict):
    """Where we are in a long list; an empty address means there is no such page."""

    text: str
    back: str
    next: str


class Tab(TypedDict):
    name: str
    label: str
    href: str
    count: int | None


class FormField(TypedDict):
    """One question of a form. `kind` decides the control; `error` is shown beside it.

    `only` are the answers to the question `every` that it has a meaning for, where not for all.
    """

    name: str
    label: str
    kind: Literal[
        "text", "longtext", "number", "date", "datetime-local", "email", "url", "password",
        "search", "select", "checks", "radios", "switch", "file", "hidden",
    ]  # fmt: skip
    value: str
    choices: list[Choice]
    help: str
    error: str
    required: bool
    only: NotRequired[str]


class User(TypedDict):
    name: str
    handle: str
    roles: list[str]


class Banner(TypedDict):
    """A line above every page, such as "one person approves their own workflows here"."""

    tone: Literal["info", "warn", "bad"]
    text: str
    link: Link | None


class Notice(TypedDict):
    """The answer to what the person just did, shown once."""

    tone: Literal["ok", "warn", "bad", "info"]
    text: str


class Frame(TypedDict):
    """What surrounds a page; without a user, no navigation. `now` is the product's ISO clock."""

    title: str
    here: Literal[
        "", "home", "reviews", "workflows", "runs", "planner", "templates", "records", "mailbox",
        "notices", "tokens", "system",
    ]  # fmt: skip
    user: User | None
    reviews: int
    failed: int
    unread: int
    banners: list[Banner]
    notices: list[Notice]
    theme: Theme
    now: str
    timezone: str


class RunRow(TypedDict):
    """`problem` is the error or what holds it, `waits` when it goes on, `record_name` whom the
    record is about; `skipped` is like "1 skipped".
    """

    id: str
    href: str
    state: str
    skipped: str
    workflow: Link
    version: int
    record: Link
    record_name: str
    step: str
    problem: str
    waits: When
    started: When
    took: str
    actions: list[Action]


class ReviewRow(TypedDict):
    """A proposal. `author` reads like "Assistant for Mara Weiss"; `risks` are a few words each."""

    id: str
    href: str
    workflow: str
    version: int
    state: str
    author: str
    sent: When
    added: int
    changed: int
    removed: int
    risks: list[str]
    audience: str


class FormView(TypedDict):
    """A form of its own page, such as that of a record."""

    title: str
    back: Link
    action: str
    submit: str
    fields: list[FormField]
    error: str


class ErrorView(TypedDict):
    code: int
    title: str
    text: str
    remedy: str
    links: list[Link]
