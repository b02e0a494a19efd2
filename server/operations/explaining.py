"""Why workflows run for a record or a customer, or do not: now, on another day, or in the past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired

from sqlalchemy import select
from typing_extensions import TypedDict

from engine.problems import Invalid, refuse
from engine.records.customers import belonging
from engine.records.reader import Reader, RecordFacts, name_of
from engine.records.states import Result
from engine.records.transaction import Transaction
from engine.runs.addressees import account_of
from engine.runs.audience import NamedRecord
from engine.runs.judge import Judge, Verdict
from engine.runs.rehearsal import Rehearsed, rehearse
from engine.schema.modules import Module
from engine.schema.purposes import Purpose
from engine.workflows.fingerprint import fingerprint
from engine.workflows.library import Live, surroundings
from server.access.desk import Desk
from server.operations import answers, trials
from server.operations.queries import Stored, runs, workflows
from server.operations.queries.runs import Wanted
from server.operations.registry import Number, Ref, operation
from server.operations.schedules import next_due

MOST = 25  # records of a customer that one workflow is asked about
NOT_SENT = (Result.HELD, Result.SKIPPED, Result.FAILED, Result.RETRY, Result.UNKNOWN)


class RunOfWorkflow(TypedDict):
    """A run about the record that was asked about."""

    run: int
    version: int
    state: str
    standing: str
    step: str | None
    started_at: str
    ended_at: str | None
    reason: str


class Asked(TypedDict):
    """Whether one workflow would start for one record, and what keeps it back."""

    workflow: int
    name: str
    module: str
    record: NamedRecord
    would_run: bool
    why: str
    blocked_by: list[str]
    next_at: str | None


class Explanation(TypedDict):
    """Why workflows run for a record or not; of one workflow and one record in full.

    `blocked_by` keeps a run from starting; `not_sent` are its steps that would come to nothing,
    with why, and `path` tells where it would wait. `verdicts` are those of several workflows, or of
    the records of a customer.
    """

    record: NamedRecord
    would_run: bool
    why: str
    runs: list[RunOfWorkflow]
    next: str
    workflow: NotRequired[int]
    trigger: NotRequired[str]
    conditions: NotRequired[list[answers.ReasonPart]]
    recurrence: NotRequired[str]
    blocked_by: NotRequired[list[str]]
    not_sent: NotRequired[list[str]]
    path: NotRequired[list[str]]
    effects: NotRequired[list[trials.WouldDo]]
    next_at: NotRequired[str | None]
    verdicts: NotRequired[list[Asked]]


@operation("GET /explain", scope="runs:read", untrusted=True, stage="run")
def explain(
    desk: Desk, record: Ref, workflow: Number | None = None, as_of: str | None = None
) -> Explanation:
    """Why workflows (or one) would run or not for a record or customer: conditions with the real
    values, what else keeps it. `as_of`: a day or time."""
    with desk.read() as tx:
        at = answers.when(tx, as_of)
        row = answers.workflow_row(tx, workflow) if workflow is not None else None
        home = tx.schema.module(row.module) if row else None
        module, id = answers.record_named(tx, record, home)
        if row and module == home:
            return Question(desk, tx, module, id, at).in_full(row)
        if row and home and module.purpose != Purpose.CUSTOMER:
            module, id = _customer_of(tx, module, id, home)
        rows = [row] if row else workflows.listed(tx)
        return Question(desk, tx, module, id, at).of_all(rows)


def _customer_of(tx: Transaction, module: Module, id: int, home: Module) -> tuple[Module, int]:
    """The customer that a record belongs to, whose records of `home` are meant by it."""
    reader = Reader(tx)
    customer = account_of(RecordFacts(reader, module, reader.row(module, id) or {}))
    if customer is None:
        message = f"the workflow is about {home.label.lower()}, and this is none, nor a customer's."
        raise refuse("record", message, "Give one of its records, or a customer.")
    return tx.schema.of(Purpose.CUSTOMER), customer


def changed_since_approval(desk: Desk, live: Live) -> bool:
    """Whether what was approved is no longer what would run."""
    with desk.installation.database.read() as whole:
        return fingerprint(live.document, live.parsed, surroundings(whole)) != live.hash


@dataclass(frozen=True)
class Question:
    """A record, or a customer, and the moment that is asked about."""

    desk: Desk
    tx: Transaction
    module: Module
    id: int
    at: datetime | None

    # --- one workflow, one record ---

    def in_full(self, row: Stored) -> Explanation:
        """Condition by condition, and what it would do."""
        live, (verdict,) = self._verdicts(row, [self.id])
        parsed = live.parsed
        blocked = [*self._stands(row, live), *verdict.blocked]
        would = verdict.fits.holds and not blocked
        one = self._rehearsed(live) if verdict.fits.holds else None
        return {
            "workflow": row.id,
            "record": self._named(self.module, self.id),
            "would_run": would,
            "why": _why(verdict, blocked),
            "trigger": parsed.trigger.say(self.tx.binder(self.module)),
            "conditions": answers.reason(verdict.fits),
            "recurrence": parsed.recurs(),
            "blocked_by": blocked,
            "not_sent": _not_sent(one) if one else [],
            "path": list(one.path) if one else [],
            "effects": [trials.effect(effect) for effect in one.effects] if one else [],
            "runs": self._runs((row.id,)),
            "next_at": answers.iso(next_due(self.tx, row.id)),
            "next": _advised(live, would, verdict.fits.holds),
        }

    def _rehearsed(self, live: Live) -> Rehearsed | None:
        """What it would do; of a moment that is past nobody knows."""
        if self.at and self.at < self.tx.now:
            return None
        world = self.desk.installation.world
        number = live.workflow
        (one,) = rehearse(self.tx, live.parsed, [self.id], self.at, number=number, world=world)
        return one

    # --- several workflows, or several records ---

    def of_all(self, rows: Sequence[Stored]) -> Explanation:
        """Each workflow that this record, or a record of this customer, can start."""
        found = [asked for row in rows for asked in self._asked(row)]
        would = [asked for asked in found if asked["would_run"]]
        told = "; ".join(dict.fromkeys(f"“{each['name']}” would" for each in would))
        return {
            "record": self._named(self.module, self.id),
            "would_run": bool(would),
            "why": told or "no workflow would",
            "runs": self._runs(tuple(row.id for row in rows)),
            "verdicts": found,
            "next": "explain with `workflow` and one of these records tells each condition.",
        }

    def _asked(self, row: Stored) -> Iterator[Asked]:
        ids = self._records(row)
        if not ids:
            return
        module = self.tx.schema.module(row.module)
        next_at = answers.iso(next_due(self.tx, row.id))
        try:
            live, verdicts = self._verdicts(row, ids)
        except Invalid:  # a draft that is not sound yet
            verdicts = []
            faulty = "it is a draft with problems, and starts nothing"
            yield self._line(row, self._named(module, ids[0]), False, faulty, [faulty], next_at)
        for verdict in verdicts:
            blocked = [*self._stands(row, live), *verdict.blocked]
            would = verdict.fits.holds and not blocked
            named = self._named(module, verdict.record)
            yield self._line(row, named, would, _why(verdict, blocked), blocked, next_at)

    def _line(
        self,
        row: Stored,
        record: NamedRecord,
        would: bool,
        why: str,
        blocked: list[str],
        next_at: str | None,
    ) -> Asked:
        return {
            "workflow": row.id,
            "name": row.name,
            "module": row.module,
            "record": record,
            "would_run": would,
            "why": why,
            "blocked_by": blocked,
            "next_at": next_at,
        }

    def _records(self, row: Stored) -> list[int]:
        """The records of the workflow's module that are asked about: this one, or the customer's.

        Those made last come first.
        """
        if row.module == self.module.name:
            return [self.id]
        if self.module.purpose != Purpose.CUSTOMER:
            return []
        ids = dict(belonging(self.tx.schema, self.id)).get(row.module)
        if ids is None:
            return []
        table = self.tx.schema.tables[row.module]
        mine = (table.c.id.in_(ids), table.c.deleted_at.is_(None))
        newest = select(table.c.id).where(*mine).order_by(table.c.id.desc()).limit(MOST)
        return list(self.tx.db.scalars(newest))

    # --- the judge ---

    def _verdicts(self, row: Stored, ids: Sequence[int]) -> tuple[Live, list[Verdict]]:
        live = self._live(row)
        return live, Judge(self.tx, live, ids, self.at, as_it_was=True).verdicts()

    def _live(self, row: Stored) -> Live:
        """The version that runs; the draft, where there is none. Raises `Invalid`."""
        if row.active_version is not None:
            return self.desk.installation.library.version(self.tx, row.id, row.active_version)
        parsed = trials.parsed_of(self.desk, self.tx, row.id, None)
        return Live(row.id, row.name, 0, "", {}, parsed)

    def _stands(self, row: Stored, live: Live) -> Iterator[str]:
        """What keeps the workflow from starting for anything at all."""
        if row.state != "active":
            yield f"the workflow is {answers.stands(row.state)}, not active"
        if live.hash and changed_since_approval(self.desk, live):
            yield "what it uses has changed since it was approved"

    # --- what is told ---

    def _named(self, module: Module, id: int) -> NamedRecord:
        row = Reader(self.tx).row(module, id) or {}
        return {"id": id, "number": str(row.get("number") or ""), "name": name_of(module, row)}

    def _runs(self, among: tuple[int, ...]) -> list[RunOfWorkflow]:
        wanted = Wanted(among, record=(self.module.name, self.id))
        return [
            {
                "run": row.id,
                "version": row.version,
                "state": row.state,
                "standing": runs.standing(row),
                "step": row.step,
                "started_at": answers.iso(row.started_at),
                "ended_at": answers.iso(row.ended_at),
                "reason": runs.reason(row),
            }
            for row in runs.newest(self.tx, wanted, 5)
        ]


def _why(verdict: Verdict, blocked: Sequence[str]) -> str:
    return ("; ".join(blocked) if verdict.fits.holds else "") or verdict.fits.said


def _not_sent(one: Rehearsed) -> list[str]:
    """The steps that would come to nothing now, each with why."""
    return [
        f"{told.step}: {told.why or told.does}" for told in one.effects if told.outcome in NOT_SENT
    ]


def _advised(live: Live, would: bool, matches: bool) -> str:
    if would and live.parsed.trigger.repeats:
        return "It starts at its next time, or now with run_workflow."
    if would:
        return "It starts with the next change its trigger waits for, or now with run_workflow."
    if matches:
        return "The conditions hold; see blocked_by."
    return "Change the record, or the conditions with edit_workflow."
