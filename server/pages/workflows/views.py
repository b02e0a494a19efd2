"""What the pages of workflows show, as plain data (see `frame/views.py`)."""

from typing import Literal, TypedDict

from server.pages.frame.views import (
    Action,
    Block,
    Change,
    Chart,
    Check,
    Choice,
    Fact,
    Filters,
    Link,
    Paging,
    RunRow,
    Stat,
    Tab,
    Way,
    When,
)


class WorkflowRow(TypedDict):
    id: str
    href: str
    name: str
    module: str
    category: str
    state: str
    version: int
    trigger: str
    inside: int
    runs: int
    failed: int
    chart: Chart
    changed: When
    changed_by: str


class VersionRow(TypedDict):
    """`href` opens the review it came from; `compare` is the difference to the version before."""

    version: int
    href: str
    state: str
    author: str
    decided_by: str
    when: When
    note: str
    hash: str
    compare: str
    actions: list[Action]


class InsideRow(TypedDict):
    """A record on its way through a workflow."""

    run: Link
    record: Link
    record_name: str
    step: str
    state: str
    since: When
    next: When
    actions: list[Action]


class WorkflowsView(TypedDict):
    filters: Filters
    rows: list[WorkflowRow]
    paging: Paging


class StepPanel(TypedDict):
    """The records that stand at the chosen block."""

    id: str
    icon: str
    title: str
    rows: list[InsideRow]
    actions: list[Action]


class WorkflowView(TypedDict):
    """One workflow. Only what the open `tab` shows needs to be filled; the rest may be empty.

    `compare` asks for two of its versions, `waiting` is the one that waits for review.
    """

    name: str
    description: str
    module: Link
    state: str
    version: int
    meta: list[str]
    waiting: Link | None
    ways: list[Way]
    actions: list[Action]
    compare: "Comparing | None"
    tab: Literal["flow", "inside", "runs", "versions", "document"]
    tabs: list[Tab]
    words: list[str]
    keeps_back: list[str]
    facts: list[Fact]
    stats: list[Stat]
    blocks: list[Block]
    step: StepPanel | None
    inside: list[InsideRow]
    inside_actions: list[Action]
    runs: list[RunRow]
    versions: list[VersionRow]
    document: str
    paging: Paging
    live: str


class Comparing(TypedDict):
    """Which two versions to compare: posts `old` and `new` to `action` by GET."""

    action: str
    old: list[Choice]
    new: list[Choice]


class CompareView(TypedDict):
    """What is different between two versions of a workflow."""

    workflow: Link
    old: int
    new: int
    compare: Comparing
    changes: list[Change]
    blocks: list[Block]


class PlanRow(TypedDict):
    """A scheduled workflow. `state` is "on", "off", "completed" or "missed"; `missed` is what was
    missed since the last run; `change` opens a form."""

    name: str
    href: str
    module: str
    frequency: str
    state: str
    last: When
    missed: When
    next: When
    change: str
    switch: Action | None
    pause: str


class MoveRow(TypedDict):
    """Times that were moved together."""

    text: str
    count: int
    when: When
    by: str
    undone: str
    undo: Action | None


class PlannerView(TypedDict):
    """What is scheduled, whether the scheduler is alive, and the way to move many times at once."""

    health: Check
    limit: str
    calendar: str
    rows: list[PlanRow]
    move: str
    moves: list[MoveRow]
    live: str
