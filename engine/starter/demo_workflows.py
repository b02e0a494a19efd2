"""The demo as it ships: its records, its workflows, and the days they have been at work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select

from engine.outside.world import World
from engine.people import audit
from engine.records.database import Database
from engine.records.tables import WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.review.decisions import approve
from engine.runs.audience import audience
from engine.runs.switching import switch_off
from engine.runs.worker import Worker
from engine.starter import starter
from engine.starter.demo_records import COMPANY, LOADER, Sample, add, samples
from engine.workflows.library import By, save_draft, submit, versions
from engine.workflows.workflow import Workflow

DAYS = 12
# What is held back is looked at every hour; the past need not be walked in smaller steps than this.
STRIDE = timedelta(minutes=10)
Happening = tuple[datetime, Callable[[Transaction], object]]
Progress = Callable[[int, int], None]


class Past:
    """A clock that goes from one happening to the next, until it is now."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.at = self.day(DAYS, "08:00")

    def __call__(self) -> datetime:
        return self.at

    def day(self, ago: int, clock: str) -> datetime:
        """That local time so many days ago."""
        today = COMPANY.calendar.today(self.now)
        return COMPANY.calendar.at(today - timedelta(days=ago), time.fromisoformat(clock))


def open_demo(
    database: Database, world: World, progress: Progress = lambda done, total: None
) -> None:
    """Fill an empty installation with the demo, and with a history that really happened.

    A worker of its own lives through the past days, on a clock of its own. It reaches nothing
    outside: its mail is kept in the mailbox.
    """
    past = Past(world.now())
    url = database.engine.url.render_as_string(hide_password=False)
    then = Database(url, past)
    try:
        _live_through(past, Worker(then, World(past, key=world.key)), progress)
    finally:
        then.close()


def _live_through(past: Past, worker: Worker, progress: Progress) -> None:
    showcase = [Showcase(place, **entry) for place, entry in enumerate(starter("workflows"))]
    with worker.database.begin() as tx:
        worker.database.save_company(tx, COMPANY)
        _load_templates(tx)
        arrivals = list(_load(tx, past, {each.heard for each in showcase}))
    decisions = [happening for each in showcase for happening in each.happenings(past, worker)]
    in_turn = sorted([*arrivals, *decisions], key=lambda happening: happening[0])
    for done, (moment, happens) in enumerate(in_turn):
        _work_until(worker, past, min(moment, past.now))
        with worker.database.begin() as tx:
            happens(tx)
        progress(done + 1, len(in_turn))
    _work_until(worker, past, past.now)


def _load_templates(tx: Transaction) -> None:
    """Fill the library: each template with its wording in each of its languages."""
    records = Records(tx, Author(LOADER, "import"), starts=False)
    for template in starter("templates"):
        for wording in template.pop("wordings"):
            records.create("templates", {**template, **wording})


def _load(tx: Transaction, past: Past, heard: set[str | None]) -> Iterator[Happening]:
    """Add all records, but for those that came after the workflows that listen for them."""
    late: dict[str, datetime] = {}
    for sample in samples(tx, COMPANY.calendar.today(past.now)):
        came = sample.created if sample.module in heard else None
        moment = came or late.get(sample.mentions(late) or "")
        if moment and moment > past.at:
            late |= dict.fromkeys(sample.names, moment)
            yield moment, _arrival(sample)
        else:
            add(tx, sample)


def _arrival(sample: Sample) -> Callable[[Transaction], None]:
    return lambda tx: add(tx, sample, starts=True)


def _work_until(worker: Worker, past: Past, moment: datetime) -> None:
    while worker.work() or True:
        due = worker.next_due()
        if due is None or due >= moment:
            break
        past.at = max(due, past.at + STRIDE)
    past.at = max(past.at, moment)


@dataclass(frozen=True)
class Showcase:
    """A workflow of the demo: who wrote it, with which words, and how far it got."""

    place: int
    state: str
    author: str
    note: str
    document: dict[str, Any]

    @property
    def heard(self) -> str | None:
        """The module whose changes start it, if it is changes that do."""
        listens = Workflow.model_validate(self.document).trigger.listens()
        return str(self.document["module"]) if listens and self.state == "active" else None

    def happenings(self, past: Past, worker: Worker) -> Iterator[Happening]:
        """What people did about it, and when."""
        match self.state:
            case "draft":
                yield past.day(1, "11:15"), self._draft
            case "in_review":
                yield past.day(1, "16:40"), lambda tx: self._submit(tx, agent=True)
            case "active" | "paused":
                one_by_one = timedelta(minutes=17) * self.place
                yield past.day(DAYS, "14:20") + one_by_one, self._submit
                yield past.day(DAYS, "16:05") + one_by_one, lambda tx: self._approve(tx, worker)
        if self.state == "paused":
            yield past.day(3, "17:30"), self._switch_off

    def _draft(self, tx: Transaction, *, agent: bool = False) -> Any:
        row = save_draft(tx, self.document, By(self.author, agent))
        self._note(tx, self.author, "draft workflow", row.id)
        return row

    def _submit(self, tx: Transaction, *, agent: bool = False) -> None:
        row, by = self._draft(tx, agent=agent), By(self.author, agent)
        parsed = Workflow.model_validate(self.document)
        count = audience(tx, parsed).count
        submit(tx, row.id, row.revision, self.note, by, lambda url: None, count)
        self._note(tx, self.author, "submit workflow", row.id)

    def _approve(self, tx: Transaction, worker: Worker) -> None:
        id = self._id(tx)
        (version,) = versions(tx, id)
        approve(tx, worker.library, version.id, version.hash, By(LOADER), "")
        self._note(tx, LOADER, "approve workflow", id)

    def _switch_off(self, tx: Transaction) -> None:
        switch_off(tx, self._id(tx), by=LOADER)
        self._note(tx, LOADER, "switch off", self._id(tx), self.note)

    def _id(self, tx: Transaction) -> int:
        name = WORKFLOWS.c.name == self.document["name"]
        return int(tx.db.execute(select(WORKFLOWS.c.id).where(name)).scalar_one())

    def _note(self, tx: Transaction, actor: str, verb: str, id: int, comment: str = "") -> None:
        detail: dict[str, JsonValue] | None = {"comment": comment} if comment else None
        audit.record(tx, actor, verb, f"workflow/{id}", detail)
