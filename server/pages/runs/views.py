"""What the pages of runs show, as plain data (see `frame/views.py`)."""

from typing import Literal, TypedDict

from server.pages.frame.views import (
    Action,
    Block,
    Change,
    Effect,
    Fact,
    Filters,
    FormField,
    Link,
    Paging,
    RunRow,
    Tab,
    When,
)


class RunsView(TypedDict):
    """The table refreshes from `live`; `bulk` acts on the ticked runs (`run`, repeated).

    `about` is the alert whose runs are shown, "" for all runs.
    """

    filters: Filters
    rows: list[RunRow]
    paging: Paging
    about: str
    live: str
    bulk: list[Action]
    actions: list[Action]


class Event(TypedDict):
    """A line of a run's story, about the block `step`.

    `outcome` is that of a step, what was done to the run, or "waiting", "queued", "running".
    """

    step: str
    outcome: str
    title: str
    why: str
    when: When
    took: str
    effects: list[Effect]


class RunView(TypedDict):
    id: str
    record: Link
    record_name: str
    workflow: Link
    version: int
    state: str
    skipped: str
    started: When
    summary: str
    problem: str
    actions: list[Action]
    tab: Literal["story", "data", "raw"]
    tabs: list[Tab]
    blocks: list[Block]
    events: list[Event]
    changes: list[Change]
    facts: list[Fact]
    raw: str
    live: str


class StepTime(TypedDict):
    """A step of a run, and the time at which it goes on: before and after."""

    run: Link
    record: Link
    workflow: str
    does: str
    old: str
    new: str


class TimesView(TypedDict):
    """The times that would move; `fields` are posted again to `action` to move them."""

    title: str
    back: Link
    text: str
    rows: list[StepTime]
    more: str
    action: str
    fields: list[FormField]
    submit: str
