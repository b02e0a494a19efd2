"""What the pages of reviews show, as plain data (see `frame/views.py`)."""

from typing import TypedDict

from server.pages.frame.views import (
    Block,
    Change,
    Chart,
    Check,
    Chip,
    Choice,
    Effect,
    Fact,
    Link,
    ReviewRow,
    Stat,
    Tone,
    When,
)


class ReviewsView(TypedDict):
    """The inbox: what waits, and what was decided lately."""

    waiting: list[ReviewRow]
    decided: list[ReviewRow]


class Person(TypedDict):
    """A record in the audience; `why` is empty for those who are in."""

    record: Link
    name: str
    why: str


class AudienceGroup(TypedDict):
    """Some of the audience: how many in all, and the first of them."""

    count: int
    people: list[Person]


class Audience(TypedDict):
    """Whom the workflow would take now; `href` lists just them, `note` says what counts, such as
    "grouped by account"."""

    text: str
    href: str
    as_of: When
    note: str
    inside: AudienceGroup
    outside: AudienceGroup
    suppressed: AudienceGroup


class Badge(TypedDict):
    """What came of something in a few words: "1 mail", "Not sent: chasing is paused"."""

    tone: Tone
    icon: str
    word: str


class DryRun(TypedDict):
    """What would happen to one record. It stands `open` if it shows a way or a text that those
    above it do not."""

    record: Link
    name: str
    outcome: Badge
    open: bool
    why: str
    path: list[Chip]
    effects: list[Effect]


class Trying(TypedDict):
    """The form that supposes a change of a record or, without one, a new record: what was asked
    and, in `runs`, what would come of it, or the `error` in it. `fields` names what can be set.
    """

    singular: str
    record: str
    given: str
    fields: str
    error: str
    runs: list[DryRun]


class Replay(TypedDict):
    """The past days, as this version would have lived them. `guesses` says where it cannot know."""

    days: int
    stats: list[Stat]
    chart: Chart
    guesses: list[str]


class Remark(TypedDict):
    """A line in the story of a review: "Mara Weiss rejected it", with her comment."""

    who: str
    did: str
    when: When
    text: str


class NextStep(TypedDict):
    """What a workflow that is live waits for, and where to look."""

    text: str
    links: list[Link]


class Decision(TypedDict):
    """The form, or why there is none.

    It posts `hash`, `comment`, `baseline`, `running`, `seen` (repeated), `count` and `password` to
    /reviews/{id}/approve or /reject. `baseline` asks about records that match already, `running`
    about records inside the old version, `seen` are risks to tick. `count` is the number to type,
    "" for none. `at_stake` says in numbers what is decided on. `next` is there once
    this version is live.
    """

    allowed: bool
    why_not: str
    hash: str
    comment: str
    baseline: list[Choice]
    running: list[Choice]
    seen: list[Choice]
    count: str
    password: bool
    error: str
    at_stake: str
    next: NextStep | None


class Quoted(TypedDict):
    """Words that are not the engine's: what they are about, and whose they are."""

    text: str
    by: str


class Advice(Check):
    """A check that leads to the other workflow that it is about, if to any."""

    link: Link | None


class Permission(TypedDict):
    """One thing that it may do; `new` against the version that is live, `risk` in a few words."""

    text: str
    new: bool
    risk: str


class Allowed(TypedDict):
    """What it may do of one kind: "May mail", with whom."""

    label: str
    all: list[Permission]


class Words(TypedDict):
    """Some words of a text: as written, `filled` in, `reckoned`, or `when` the others are said."""

    text: str
    kind: str


class TextLine(TypedDict):
    """One line of a text, under so many conditions whose own lines stand above it."""

    depth: int
    words: list[Words]


class TextInFull(TypedDict):
    """A text of a step, or of a template that it names, word by word."""

    name: str
    lines: list[TextLine]


class Sentence(TypedDict):
    """What the engine says of one step, so far in, with all texts of that step."""

    text: str
    depth: int
    texts: list[TextInFull]


class ReviewView(TypedDict):
    """`base` names the version compared with ("" if first); `quoted` is what its author says.

    `seen` tells when it was as it is shown and who saw it, "" where it is as it is now.
    """

    id: str
    workflow: Link
    version: int
    state: str
    author: str
    sent: When
    live: Link | None
    base: str
    quoted: list[Quoted]
    told: list[Sentence]
    keeps_back: list[str]
    facts: list[Fact]
    changes: list[Change]
    blocks: list[Block]
    audience: Audience
    dry_runs: list[DryRun]
    dry_summary: str
    trying: Trying | None
    replay: Replay | None
    checks: list[Advice]
    more_checks: list[Advice]
    rights: list[Allowed]
    inside: str
    decision: Decision
    story: list[Remark]
    seen: str
    document: str
