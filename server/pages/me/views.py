"""What the pages of the person at the desk show, as plain data (see `frame/views.py`)."""

from typing import Literal, TypedDict

from server.pages.frame.views import (
    Action,
    Chart,
    Check,
    Choice,
    Filters,
    FormField,
    Link,
    Paging,
    ReviewRow,
    RunRow,
    Stat,
    When,
)


class LoginView(TypedDict):
    """Posts `username`, `password` and `next` to /login."""

    username: str
    next: str
    error: str
    hint: str


class WelcomeView(TypedDict):
    """Posts `secret`, `username`, `name`, `email` and `password` to /welcome."""

    secret: str
    username: str
    name: str
    email: str
    shortest: int
    error: str


class Task(TypedDict):
    """A thing to do at first start."""

    done: bool
    text: str
    help: str
    href: str


class Trouble(TypedDict):
    """Something that needs a person."""

    tone: Literal["warn", "bad"]
    text: str
    detail: str
    href: str
    when: When


class AlertRow(Trouble):
    """The same in full. `settle` takes a reason, "" where the person may not; `settled` tells who
    has seen to it, when and why.
    """

    id: str
    first: When
    count: str
    settle: str
    settled: str


class AlertsView(TypedDict):
    """What needs a person, or needed one."""

    filters: Filters
    rows: list[AlertRow]
    error: str


class HomeView(TypedDict):
    greeting: str
    summary: str
    reviews: list[ReviewRow]
    troubles: list[Trouble]
    stats: list[Stat]
    chart: Chart
    runs: list[RunRow]
    health: list[Check]
    tasks: list[Task]


class NoticeRow(TypedDict):
    """One thing the user was told; `fresh` until it was read."""

    text: str
    record: Link | None
    about: str
    at: When
    fresh: bool


class NoticesView(TypedDict):
    """The bell, and a form that posts notify_bell, notify_email, notify_digest and digest_at."""

    rows: list[NoticeRow]
    paging: Paging
    read: Action | None
    action: str
    fields: list[FormField]
    error: str


class TokenRow(TypedDict):
    name: str
    owner: str
    hint: str
    scopes: list[str]
    made: When
    used: When
    expires: When
    state: Literal["active", "expired", "revoked"]
    revoke: Action | None


class ClientHelp(TypedDict):
    """How to connect one AI client: what to do with `code`."""

    name: str
    text: str
    code: str


class ClientsView(TypedDict):
    """The settings of each client; `place` stands in them where the token goes."""

    clients: list[ClientHelp]
    place: str


class NewToken(TypedDict):
    """A token just made: the only time it is shown."""

    name: str
    token: str
    clients: list[ClientHelp]


class TokensView(TypedDict):
    """The form posts `name`, `scope` (repeated) and `days` to /tokens."""

    made: NewToken | None
    rows: list[TokenRow]
    name: str
    scopes: list[Choice]
    days: list[Choice]
    error: str
