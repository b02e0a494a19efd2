"""What each page shows, as plain data: the only thing a template may ask for.

Texts arrive as words for people and numbers as numbers. An empty text or list means "nothing to
show", and every key is there unless it is marked `NotRequired`. No key is named like a method of
`dict` (`items`, `values`, ...), because a template would find the method first.
"""

from typing import Any, Literal, NotRequired, TypedDict

Tone = Literal["", "ok", "warn", "bad", "info"]
Theme = Literal["system", "light", "dark"]


# --- what pages are made of ---------------------------------------------------------------------


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
    """A day in a chart. `tick` is written under the bar, "" for none."""

    label: str
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
    """A message as sent, or as it would be. `html` was cleaned by nh3; it is shown in a sandbox."""

    sender: str
    to: list[str]
    cc: list[str]
    subject: str
    html: str
    text: str
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


# --- the frame around every page ----------------------------------------------------------------


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


# --- rows of lists ------------------------------------------------------------------------------


class RunRow(TypedDict):
    """`problem` is the error, `waits` when it goes on, `record_name` whom the record is about."""

    id: str
    href: str
    state: str
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


# --- one per page -------------------------------------------------------------------------------


class LoginView(TypedDict):
    """Posts `username`, `password` and `next` to /login."""

    username: str
    next: str
    error: str
    hint: str


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


class ReviewsView(TypedDict):
    """The inbox: what waits, and what was decided lately."""

    waiting: list[ReviewRow]
    decided: list[ReviewRow]


class Person(TypedDict):
    """A record in the audience; `why` is empty for those who are in."""

    record: Link
    name: str
    why: str


class Crowd(TypedDict):
    """Some of the audience: how many in all, and the first of them."""

    count: int
    people: list[Person]


class Audience(TypedDict):
    """Whom the workflow would take now. `note` says what counts, such as "grouped by account"."""

    text: str
    as_of: When
    note: str
    inside: Crowd
    outside: Crowd
    suppressed: Crowd


class DryRun(TypedDict):
    """What would happen to one record: it goes through, would fail, or does not match."""

    record: Link
    name: str
    outcome: Literal["ok", "fail", "no"]
    why: str
    path: list[Chip]
    effects: list[Effect]


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


class Decision(TypedDict):
    """The form, or why there is none.

    It posts `hash`, `comment`, `baseline`, `running`, `seen` (repeated), `count` and `password` to
    /reviews/{id}/approve or /reject. `baseline` asks about records that match already, `running`
    about records inside the old version, `seen` are risks to tick. `count` is the number to type,
    "" for none.
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


class Wordings(TypedDict):
    """A template of the library: each part of it in each language."""

    name: str
    parts: list[Fact]


class ReviewView(TypedDict):
    """`base` names the version compared with ("" if first); `ask` quotes the author's reason."""

    id: str
    workflow: Link
    version: int
    state: str
    author: str
    sent: When
    live: Link | None
    base: str
    ask: str
    asked_by: str
    words: list[str]
    facts: list[Fact]
    texts: list[Wordings]
    changes: list[Change]
    blocks: list[Block]
    audience: Audience
    dry_runs: list[DryRun]
    dry_note: str
    replay: Replay | None
    checks: list[Check]
    rights: list[Fact]
    inside: str
    decision: Decision
    story: list[Remark]
    document: str


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


class RunsView(TypedDict):
    """The table refreshes from `live`; `bulk` acts on the ticked runs (`run`, repeated)."""

    filters: Filters
    rows: list[RunRow]
    paging: Paging
    live: str
    bulk: list[Action]
    actions: list[Action]


class Event(TypedDict):
    """A line of a run's story, about the block `step`. `outcome`: of a step, or "waiting"."""

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
    """Addresses: `new` makes a record, `export` downloads what is shown, `load` imports a file."""

    label: str
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
    """One change of a record: who, through what, when, and each field before and after."""

    who: str
    by: Link | None
    when: When
    did: str
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


class FormView(TypedDict):
    """A form of its own page, such as that of a record."""

    title: str
    back: Link
    action: str
    submit: str
    fields: list[FormField]
    error: str


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


class PlanRow(TypedDict):
    """A scheduled workflow. `state` is "on", "off" or "completed"; `change` opens a form."""

    name: str
    href: str
    module: str
    frequency: str
    state: str
    last: When
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


class Setting(TypedDict):
    """One setting: is it set, its value if no secret, and what its absence switches off."""

    name: str
    text: str
    given: bool
    value: str
    off: str


class SystemView(TypedDict):
    """`eyes` turns four eyes on or off, `eyes_text` says how it is now."""

    health: list[Check]
    off: list[str]
    settings: list[Setting]
    facts: list[Fact]
    eyes_text: str
    eyes: Action


class ErrorView(TypedDict):
    code: int
    title: str
    text: str
    remedy: str
    links: list[Link]


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


# --- what goes out -------------------------------------------------------------------------------


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


# --- the library of templates -------------------------------------------------------------------


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
    groups: list[dict[str, Any]]
