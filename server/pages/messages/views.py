"""What the pages about messages show, as plain data (see `frame/views.py`)."""

from typing import Literal, TypedDict

from server.pages.frame.views import (
    Action,
    Choice,
    Fact,
    Filters,
    FormField,
    Link,
    Mail,
    Paging,
    Tab,
    When,
)


class MailRow(TypedDict):
    id: str
    href: str
    state: str
    direction: Literal["in", "out"]
    who: str
    subject: str
    snippet: str
    when: When
    source: Link


class SenderRow(TypedDict):
    """In whose name mail can be sent; `remove` is missing while workflows (`users`) do so."""

    name: str
    address: str
    reply_to: str
    connection: str
    users: list[str]
    remove: Action | None


class SendersView(TypedDict):
    """`own` asks for the company's own sender (`unset`: there is none), `new` for another."""

    unset: bool
    rows: list[SenderRow]
    own: list[FormField]
    new: list[FormField]


class MailboxView(TypedDict):
    """`note` says what happens to mail here, such as "Captured: nothing leaves this machine"."""

    note: str
    tabs: list[Tab]
    filters: Filters
    rows: list[MailRow]
    paging: Paging
    live: str


class MailView(TypedDict):
    state: str
    direction: Literal["in", "out"]
    when: When
    mail: Mail
    why: str
    facts: list[Fact]
    actions: list[Action]


class OutboxRow(TypedDict):
    """A message that has not gone out. `when` is when it goes, or is looked at again."""

    id: str
    state: str
    to: str
    subject: str
    why: str
    workflow: str
    run: Link
    since: When
    when: When
    actions: list[Action]


class OutboxView(TypedDict):
    """`held` are workflows with too many messages, each with a button that lets them go. `write`
    leads to a message of one's own, "" for those who may not."""

    write: str
    tabs: list[Tab]
    filters: Filters
    held: list[Action]
    rows: list[OutboxRow]
    live: str


class BlockedRow(TypedDict):
    """An address that is not written to; `lift` is where the form with the reason goes."""

    id: str
    address: str
    channel: str
    why: str
    by: str
    at: When
    lift: str


class BlockedView(TypedDict):
    """`add` is where the form goes, "" for those who may not; it posts `address`, `reason`."""

    tabs: list[Tab]
    filters: Filters
    add: str
    rows: list[BlockedRow]


class StopRow(TypedDict):
    """Something that is stopped, or could be."""

    name: str
    text: str
    stopped: bool
    note: str
    action: Action


class LimitRow(TypedDict):
    """A number, or an hour, that an admin can set."""

    name: str
    label: str
    value: str
    kind: Literal["number", "time"]


class LimitGroup(TypedDict):
    channel: str
    label: str
    rows: list[LimitRow]


class SendingView(TypedDict):
    stops: list[StopRow]
    limits: list[LimitGroup]
    error: str


class UnsubscribeView(TypedDict):
    """`address` is "" if the link is not ours."""

    company: str
    address: str
    done: bool


class Left(TypedDict):
    """A customer who does not get a message now, and why."""

    name: str
    why: str


class OneOffView(TypedDict):
    """The form posts `who`, `customers`, `subject`, `body`, `attach`, `paused` and what to `do` to
    /write. `count` is None before anybody asked who gets it."""

    who: list[Choice]
    given: dict[str, str]
    count: int | None
    customers: list[str]
    out: list[Left]
    error: str
