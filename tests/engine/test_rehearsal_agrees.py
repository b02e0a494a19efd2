"""What a rehearsal says is what the run then does: same path, same effects, same refusals.

Random documents are rehearsed on random records, then approved and really run.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from engine.blocks.step import Step
from engine.conditions import Binder
from engine.problems import Invalid
from engine.records.states import ENDED, Phase
from engine.records.tables import ENTRIES, RUNS
from engine.records.writer import Author, Records
from engine.review.decisions import archive
from engine.runs.rehearsal import Rehearsed, rehearse
from engine.runs.rehearsed_stage import PASSES
from engine.workflows.library import examine
from tests.databases import Pairs, SqlitePairs, TemplateDatabase
from tests.fakes import Clock
from tests.servers import MailServer
from tests.stages.demo.story import Story, living

pytestmark = pytest.mark.slow

DOCUMENTS = {"sqlite": 200, "postgres": 60}
PATIENCE = 200  # so often a run is woken at most
HEARD = Author("alice")
Document = dict[str, Any]

# --- random documents ---

USERS = ("alice", "bob", "mgr", "lead")
STATUSES = ("Draft", "Sent", "Overdue", "Paid", "Partially paid")
TEXTS = (
    *("Hello", "{{ record.number }} of {{ record.account.name }}", "{{ record.balance|money }}"),
    *(
        "{{ old.status }} to {{ record.status }}",
        "{{ steps.one.outcome }}",
        "{{ record.due_date }}",
    ),
    *("{{ record.account.balance }}", "{% if record.dispute %}yes{% else %}no{% endif %}"),
    *("{{ today }}", "{{ record.account.last_contact_out }}", "{{ record.promise_to_pay_date }}"),
)
WORDS = (
    *("account", "owner", "primary_contact", "contacts", "contacts:CFO,AP", "invoice_contacts"),
    *("account.owner", "mgr", "group:Sales", "x@y.test", "account.group.owner"),
    *("{{ record.owner }}", "{{ record.account.email }}", "records.owner"),
)
VALUES = (
    *(("status", "Paid"), ("status", "{{ record.subject }}"), ("balance", "0"), ("dispute", True)),
    *(("balance", "{{ record.balance - 10 }}"), ("balance", "{{ record.number }}")),
    *(("owner", "bob"), ("owner", "{{ record.subject }}"), ("subject", "{{ record.number }}!")),
    *(("due_date", "{{ record.due_date|add_days(3) }}"), ("account", "{{ record.subject }}")),
    *(("promise_to_pay_date", "{{ today }}"), ("chasing_paused", True), ("tags", ["late"])),
)
COMPARISONS = (
    *(("status", "equals", word) for word in STATUSES),
    *(("balance", "greater_than", 0), ("balance", "less_than", 500), ("dispute", "equals", True)),
    *(
        ("due_date", "less_than", "today"),
        ("subject", "is_empty", None),
        ("owner", "equals", "bob"),
    ),
    *(("account.balance", "greater_than", 1000), ("account.tier", "equals", "Gold")),
    *(("account.last_contact_out", "is_empty", None), ("tags", "contains", "late")),
    *(("promise_to_pay_date", "is_not_empty", None),),
)
RESULTS = (
    *(("steps.one.outcome", "equals", word) for word in ("done", "failed", "skipped")),
    ("steps.one.message_id", "is_not_empty", None),
    ("steps.one.status", "equals", 200),
)
CHANGES = (
    *(("status", "changed_to", word) for word in STATUSES),
    *(
        ("status", "becomes", "Overdue"),
        ("status", "changed_from", "Sent"),
        ("balance", "changed", None),
    ),
    *(("balance", "less_than", {"old": "balance"}),),
)

texts, words = st.sampled_from(TEXTS), st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)
values = st.lists(st.sampled_from(VALUES), min_size=1, max_size=2).map(dict)


def compare(*among: tuple[tuple[str, str, Any], ...]) -> st.SearchStrategy[Document]:
    every = [each for group in among for each in group]
    one = st.sampled_from(every).map(
        lambda each: dict(zip(("field", "op", "value"), each, strict=True))
    )
    several = st.lists(one, min_size=1, max_size=2)
    return one | several.map(lambda parts: {"any": parts}) | one.map(lambda part: {"not": part})


def step(kind: str, **given: Any) -> st.SearchStrategy[Document]:
    shared = {"type": st.just(kind), "on_error": st.sampled_from(["stop", "continue"])}
    return st.fixed_dictionaries({**shared, **given})


TICKET = {"title": texts, "account": st.sampled_from(["{{ record.account }}", "ACME", "nobody"])}
MAIL = {
    "to": words,
    "cc": st.sampled_from([[], [], ["owner"], ["contacts"]]),
    "subject": texts,
    "body": texts,
    "at": st.sampled_from(["", "", "", "08:00", "17:30"]),
}
GIVEN_TO = st.sampled_from(["owner", "bob", "{{ record.subject }}"])
TURNS = st.sampled_from(["bob", "round_robin:Sales", "account.owner", "on_duty:Sales"])
LATE, HOOK = st.just(["late"]), st.just("http://hook/in")
INVOICES = {"related": st.just("invoices"), "via": st.just("account")}
ACTIONS = st.one_of(
    step("update_fields", values=values),
    step("update_related", **INVOICES, values=values),
    step("add_note", text=texts),
    step("create_task", title=texts, assign_to=GIVEN_TO),
    step("create_record", module=st.just("tickets"), values=st.fixed_dictionaries(TICKET)),
    step("add_tags", tags=LATE),
    step("remove_tags", tags=LATE),
    step("assign", to=TURNS),
    step("pause_chasing", paused=st.booleans()),
    step("notify", to=words, text=texts),
    step("send_email", **MAIL),
    step("send_email", **MAIL),
    step("send_sms", to=words, body=texts),
    step("webhook", url=HOOK, body=texts),
)
CONTROL = st.one_of(
    step("wait", days=st.integers(1, 3)),
    step("wait", hours=st.integers(1, 30)),
    step("wait", days=st.just(1), at=st.just("10:00"), weekday=st.sampled_from(["", "mon"])),
    step(
        "wait", until=st.sampled_from(["due_date", "promise_to_pay_date"]), days=st.integers(-2, 2)
    ),
    step("stop", reason=st.just("enough")),
).map(lambda given: {name: value for name, value in given.items() if name != "on_error"})
STEPS = st.recursive(
    st.lists(ACTIONS | ACTIONS | CONTROL, min_size=1, max_size=3),
    lambda inner: st.lists(
        ACTIONS
        | st.fixed_dictionaries(
            {
                "type": st.just("if"),
                "conditions": compare(COMPARISONS, RESULTS),
                "then": inner,
                "else": inner | st.just([]),
            }
        ),
        min_size=1,
        max_size=3,
    ),
    max_leaves=4,
)
TRIGGERS = st.sampled_from(
    [
        {"type": "manual"},
        {"type": "record_modified"},
        {"type": "record_modified", "fields": ["status"]},
        {"type": "record_saved"},
        {"type": "record_created"},
        {"type": "stage_changed", "field": "status"},
        {"type": "schedule", "every": "day", "at": "11:00"},
    ]
)


@dataclass(frozen=True)
class Case:
    """A document, the record it is tried on, and what happens to that record."""

    document: Document
    record: str
    happens: Document
    first: tuple[str, Document]


def numbered(steps: list[Document], names: Any) -> list[Document]:
    """The same steps, each with an id; the first is `one`."""
    return [
        {"id": next(names), **each}
        | {arm: numbered(each[arm], names) for arm in ("then", "else") if arm in each}
        for each in steps
    ]


def document(
    trigger: Document, plain: Document, of_change: Document, group: str, steps: list[Document]
) -> Document:
    """A document; only one that starts by a change asks about it, only a schedule groups."""
    names = iter(["one", *(f"s{place}" for place in range(2, 200))])
    waits = trigger["type"] in ("record_modified", "record_saved", "stage_changed")
    made = {
        "name": "Agrees",
        "module": "invoices",
        "trigger": trigger,
        "conditions": of_change if waits else plain,
        "steps": numbered(steps, names),
    }
    if trigger["type"] == "schedule":
        acme = {"field": "account", "op": "equals", "value": "ACME"}
        return {**made, "conditions": {"all": [acme, plain]}, "group_by": group}
    return made


ALWAYS = st.just({"all": list[Document]()})
PLAIN = ALWAYS | ALWAYS | compare(COMPARISONS)
OF_CHANGE = ALWAYS | compare(COMPARISONS) | compare(CHANGES) | compare(CHANGES)
FIRST = st.sampled_from(
    [
        ("INV-1", {}),
        ("INV-1", {"chasing_paused": True}),
        ("ACC-1", {"email": "a@x.test, b@y.test"}),
        ("INV-1", {"subject": "Paid"}),
        ("INV-1", {"subject": "alice", "dispute": True}),
        ("INV-1", {"locked": True}),
        ("INV-1", {"owner": None}),
        ("INV-2", {"chasing_paused": True}),
        ("ACC-1", {"email": None}),
        ("ACC-1", {"email_opt_out": True}),
        ("ACC-1", {"chasing_paused": True}),
        ("C1", {"email": None}),
        ("C1", {"position": "AP", "mobile": None}),
    ]
)
HAPPENS: tuple[Document, ...] = (
    *({"status": word} for word in STATUSES),
    *({"balance": 10}, {"balance": 5000}, {"dispute": True, "status": "Overdue"}, {"subject": "x"}),
    {"due_date": "2026-06-01"},
)
CASES = st.builds(
    Case,
    st.builds(document, TRIGGERS, PLAIN, OF_CHANGE, st.sampled_from(["account", "all"]), STEPS),
    st.sampled_from(["INV-1", "INV-1", "INV-2", "INV-3", "INV-7", "INV-6", "INV-8"]),
    st.sampled_from(HAPPENS),
    FIRST,
)

# --- said, and done ---


@dataclass(frozen=True)
class Came:
    """What came of a record: each step that was taken, in words, what it did, and how it ended."""

    path: tuple[str, ...] = ()
    effects: tuple[tuple[str, str, str, str], ...] = ()
    ends: str = "nothing started"


def plain(effect: Document, id: int) -> str:
    """An effect without what only one of the two worlds has: the run, the id of a new record."""
    kept = {name: value for name, value in effect.items() if name != "run"}
    told = json.dumps(kept, sort_keys=True)
    told = told.replace(f"invoices/{id}", "invoices/ID").replace(f"[[{id}, ", "[[ID, ")
    return re.sub(rf'(\\*"id\\*": ){id}\b', r"\1ID", told)


def said(found: Rehearsed, skipped: set[str]) -> Came:
    """What a rehearsal says; of a step that did nothing, why, and not what that leaves."""
    effects: dict[str, tuple[str, str, str, str]] = {}
    for told in found.effects:
        if told.step in skipped:
            effects[told.step] = (told.step, told.outcome, told.does, "")
        else:
            why = "" if told.outcome == "done" else told.why
            full = plain(told.effect, found.id)
            effects.setdefault(told.step, (told.step, told.outcome, why, full))
    ends = found.ends if not found.ends.startswith("waiting") else "waiting"
    return Came(tuple(map(unheld, found.path)), tuple(effects.values()), ends)


def unheld(step: str) -> str:
    """A step of a path without for how long it waited."""
    return re.sub(r" \((held|goes on|would wait)\b.*\)$", "", step, flags=re.DOTALL)


class World:
    """An installation in which one document after the other is rehearsed and then run."""

    def __init__(self, story: Story) -> None:
        self.story, self.installation = story, story.installation
        self.database, self.clock = story.installation.database, story.clock
        self.seen: Counter[str] = Counter()

    def save(self, number: str, values: Document) -> None:
        with self.database.begin() as tx:
            for module in ("invoices", "accounts", "contacts"):
                if id := tx.find(tx.schema.module(module), number):
                    records = Records(tx, HEARD)
                    records.update(module, id, {"locked": False})
                    try:
                        records.update(module, id, values)
                    except Invalid:  # an earlier release may have let it in
                        table = tx.schema.homes[module]
                        tx.db.execute(update(table).where(table.c.id == id).values(**values))
        self.installation.worker.work()

    def tries(self, case: Case) -> None:
        """Rehearse and run one case, and compare. What is no sound document is passed over."""
        document = json.loads(
            json.dumps(case.document).replace("http://hook", self.story.receiver.url)
        )
        with self.database.read() as tx:
            problems = examine(tx, document, self.installation.unsafe).problems
        if problems:
            self.seen["refused"] += 1
            return
        self.clock.advance(days=1)
        self.save(*case.first)
        self.story.approve(document)
        try:
            rehearsed, begin = self._rehearsed(case, document["trigger"]["type"])
            begin()
            self._drive()
            real, skipped = self._came()
        finally:
            with self.database.begin() as tx:
                archive(tx, self.story.workflow, "admin")
        matched = next((each for each in rehearsed if each.matches), None)
        assert (said(matched, skipped) if matched else Came()) == real
        self.seen[real.ends.partition(":")[0]] += 1
        self.seen["effects"] += len(real.effects)

    def _rehearsed(self, case: Case, kind: str) -> tuple[list[Rehearsed], Callable[[], None]]:
        """What is said of the record, and what makes it happen."""
        if kind == "schedule":
            due = self.installation.worker.next_due()
            assert due
            self.clock.set(due)
            return self._ask(*self._first()), self._work
        if kind == "manual":
            return self._ask(case.record), lambda: self.story.tell({"run": [case.record]})
        if kind == "record_created":
            made = {"account": "ACME", "status": "Sent", "due_date": "2026-03-01", **case.happens}
            return self._ask(sample=made), lambda: self._write("create", made)
        return (
            self._ask(case.record, change=case.happens),
            lambda: self._write(case.record, case.happens),
        )

    def _first(self) -> list[str]:
        """One of those that the schedule means, if there are any."""
        return self.story.audience(self.clock.now())[:1]

    def _ask(self, *numbers: str, **given: Any) -> list[Rehearsed]:
        with self.database.read() as tx:
            live = self.installation.library.live(tx)[self.story.workflow]
            ids = [tx.find(tx.schema.module("invoices"), number) or 0 for number in numbers]
            given |= {"number": live.workflow, "world": self.installation.world, "by": "alice"}
            try:
                return rehearse(tx, live.parsed, ids, **given)
            except Invalid:
                return []

    def _write(self, number: str, values: Document) -> None:
        try:
            with self.database.begin() as tx:
                records = Records(tx, HEARD)
                if number == "create":
                    records.create("invoices", values)
                else:
                    id = tx.find(tx.schema.module("invoices"), number) or 0
                    records.update("invoices", id, values)
        except Invalid:
            pass
        self._work()

    def _work(self) -> None:
        self.installation.worker.work()

    def _drive(self) -> None:
        """Let the run go on until it is over, or only a person could let it."""
        for _ in range(PATIENCE):
            with self.database.read() as tx:
                run = tx.db.execute(select(RUNS).where(self._mine)).first()
                held = ENTRIES.c.phase == Phase.HELD
                cause = run and tx.db.scalar(
                    select(ENTRIES.c.cause).where(ENTRIES.c.run == run.id, held)
                )
            if run is None or run.state in ENDED or (cause and cause not in PASSES):
                return
            due = self.installation.worker.next_due()
            assert due
            self.clock.set(max(due, self.clock.now()))
            self._work()
        raise AssertionError("the run does not end")

    @property
    def _mine(self) -> Any:
        return RUNS.c.workflow == self.story.workflow

    def _came(self) -> tuple[Came, set[str]]:
        with self.database.read() as tx:
            run = tx.db.execute(select(RUNS).where(self._mine)).first()
            if run is None:
                return Came(), set()
            query = select(ENTRIES).where(ENTRIES.c.run == run.id).order_by(ENTRIES.c.position)
            entries = tx.db.execute(query).all()
            live = self.installation.library.version(tx, run.workflow, run.version)
            event = bool(live.parsed.trigger.listens())
            binder = tx.binder(tx.schema.module(run.module), event=event)
            path = tuple(crossed(live.parsed.route[each.step][0], each, binder) for each in entries)
        effects = tuple(done(each, run.record) for each in entries if "branch" not in each.move)
        ends = "waiting" if run.state == "waiting" else f"{run.state}: {run.reason}"
        skipped = {each.step for each in entries if each.move["move"] == "skip"}
        return Came(path, tuple(each for each in effects if each), ends), skipped


def crossed(step: Step, entry: Any, binder: Binder) -> str:
    """A step that was taken, as a path tells it."""
    heading = step.heading(binder)
    if entry.move["move"] == "enter":
        return f"{heading.rstrip('?')}? {entry.said}"
    fine = entry.outcome in ("done", "", "held")
    return heading if fine else f"{heading} ({entry.outcome}: {entry.said})"


def done(entry: Any, record: int) -> tuple[str, str, str, str] | None:
    """What a step did, or why it did nothing; None of one that only leads on."""
    if entry.move["move"] not in ("do", "skip"):
        return None
    why = "" if entry.outcome == "done" else entry.said
    effect = entry.move.get("effect")
    return entry.step, entry.outcome, why, plain(effect, record) if effect else ""


def check(template: TemplateDatabase, clock: Clock, mailbox: MailServer, most: int) -> Counter[str]:
    """Try so many cases, and count what came of them."""
    with living({"sms": {}}, template, clock) as story:
        story.installation.world.smtp_url = mailbox.url
        world = World(story)

        @settings(
            max_examples=most,
            deadline=None,
            database=None,
            derandomize=most < 500,
            suppress_health_check=list(HealthCheck),
        )
        @given(CASES)
        def agrees(case: Case) -> None:
            world.tries(case)

        agrees()
    return world.seen


def test_what_is_rehearsed_is_what_happens(
    template_database: TemplateDatabase, clock: Clock, mailbox: MailServer, pairs: Pairs
) -> None:
    kind = "sqlite" if isinstance(pairs, SqlitePairs) else "postgres"
    most = int(os.environ.get("SAYSO_TEST_DOCUMENTS", DOCUMENTS[kind]))
    counts = check(template_database, clock, mailbox, most)
    print(dict(counts))
    assert counts["effects"] > most / 5  # most of what is made up is sound, and starts
