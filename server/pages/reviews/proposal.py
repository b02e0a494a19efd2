"""A version under review as its page shows it: what it says, changes, would do, and may do."""

import json
from typing import Any

from sqlalchemy import Row, select

from engine.records.states import GOING_ON
from engine.records.tables import RUNS, SCHEDULES, VERSIONS, WORKFLOWS
from engine.records.transaction import Transaction
from engine.runs.rehearsal import audience
from engine.schema.modules import Module
from engine.workflows.diff import differences
from engine.workflows.library import parsed_of, versions
from engine.workflows.rights import NEW_HOST, hosts, new_hosts
from engine.workflows.workflow import TOGETHER
from server.access.session import Visit
from server.pages.frame.diagram import blocks, changes
from server.pages.frame.field_values import size
from server.pages.frame.moments import moment
from server.pages.frame.names import Names
from server.pages.frame.views import Fact, Link
from server.pages.reviews.checks import allowed, checks
from server.pages.reviews.dry_run import dry_runs
from server.pages.reviews.views import (
    Audience,
    AudienceGroup,
    Decision,
    NextStep,
    Person,
    Remark,
    ReviewView,
    Wordings,
)

SAMPLE, SHOWN, CHECKED = 5, 8, 50
DECIDED = {"approved": "approved", "rejected": "rejected", "superseded": "replaced"}


class Proposal:
    """One version, what it would replace, and all that a reviewer needs to know of it."""

    def __init__(self, visit: Visit, tx: Transaction, row: Row[Any]) -> None:
        self.visit, self.tx, self.row = visit, tx, row
        self.names = Names(tx)
        self.parsed = parsed_of(row)
        self.module: Module = tx.schema.module(self.parsed.module)
        self.binder = tx.binder(self.module, event=bool(self.parsed.trigger.listens()))
        self.all = versions(tx, row.workflow)
        self.active: int | None = tx.db.scalar(
            select(WORKFLOWS.c.active_version).where(WORKFLOWS.c.id == row.workflow)
        )
        self.base = self._base()
        self.before = parsed_of(self.base) if self.base else None
        self.found = audience(tx, self.parsed, limit=CHECKED)

    def _base(self) -> Row[Any] | None:
        """The version that this one replaces, or replaced."""
        if self.row.state != "in_review":
            decided = [v for v in self.all if v.version < self.row.version and v.decided_at]
            return next((v for v in decided if v.state in ("approved", "superseded")), None)
        return next((v for v in self.all if v.version == self.active), None)

    def view(self, decision: Decision) -> ReviewView:
        """The page."""
        row, tx = self.row, self.tx
        found = differences(self.before, self.parsed, self.binder) if self.before else []
        base = f"version {self.base.version}" if self.base else ""
        runs = dry_runs(self.names, self.parsed, self._sample())
        return {
            "id": str(row.id),
            "workflow": {"text": self.parsed.name, "href": f"/workflows/{row.workflow}"},
            "version": row.version,
            "state": row.state,
            "author": self.names.author(row.submitted_by, row.by_agent),
            "sent": moment(tx, row.submitted_at),
            "live": self._live(),
            "base": base,
            "ask": row.note,
            "asked_by": self._asked_by(),
            "words": self.parsed.words(self.binder),
            "facts": self._facts(),
            "texts": self._texts(),
            "changes": changes(found),
            "blocks": blocks(self.parsed, self.binder, old=self.before, marks=self._marks()),
            "audience": self._audience(),
            "dry_runs": runs,
            "dry_note": "nothing was written or sent",
            "replay": None,
            "checks": checks(
                self.visit.installation, tx, row, self.parsed, self.before, runs, self.found.count
            ),
            "rights": allowed(tx, self.parsed),
            "inside": self._inside(),
            "decision": decision,
            "story": self._story(),
            "document": json.dumps(row.document, indent=2, ensure_ascii=False),
        }

    def new_hosts(self) -> list[str]:
        """Machines outside that only this version calls."""
        return new_hosts(self.parsed.every_step, self.before.every_step if self.before else ())

    def next_step(self) -> NextStep | None:
        """What this version waits for, now that it is live; None for any other."""
        if self.row.version != self.active or self.row.state != "approved":
            return None
        id, module = self.row.workflow, self.module
        links: list[Link] = [
            {"text": "Its runs", "href": f"/runs?workflow={id}"},
            {"text": module.label, "href": f"/records/{module.name}"},
            {"text": "The workflow", "href": f"/workflows/{id}"},
        ]
        if waiting := self.tx.count(VERSIONS, VERSIONS.c.state == "in_review"):
            links.append({"text": f"{size(waiting, 'review')} left", "href": "/reviews"})
        return {"text": self._waits_for(), "links": links}

    def _waits_for(self) -> str:
        next_at = self.tx.db.scalar(
            select(SCHEDULES.c.next_at).where(SCHEDULES.c.workflow == self.row.workflow)
        )
        if next_at:
            return f"It is live. It looks for the first time on {moment(self.tx, next_at)['text']}."
        started = self.parsed.words(self.binder)[0]
        return f"It is live. {started}"

    def _live(self) -> Link | None:
        if self.active is None:
            return None
        return {"text": f"version {self.active}", "href": f"/workflows/{self.row.workflow}"}

    def _asked_by(self) -> str:
        who = self.names.person(self.row.submitted_by)
        if self.row.by_agent:
            return f"the reason its assistant gave, for {who}"
        return f"the reason {who} gave"

    def _facts(self) -> list[Fact]:
        pairs = (
            ("What for", self.parsed.description),
            ("Category", self.parsed.category),
            ("Acts on", self.module.label),
        )
        return [{"label": label, "text": text, "href": ""} for label, text in pairs if text]

    def _texts(self) -> list[Wordings]:
        """What the templates of the library say that it uses."""
        return [
            {
                "name": name,
                "parts": [
                    {"label": wording.called(part), "text": getattr(wording, part), "href": ""}
                    for wording in wordings
                    for part in ("subject", "body", "html")
                    if getattr(wording, part)
                ],
            }
            for name, wordings in self.parsed.texts.items()
        ]

    def _marks(self) -> dict[str, dict[str, Any]]:
        new = set(self.new_hosts())
        calls = [step.id for step in self.parsed.every_step if new & hosts([step])]
        return {id: {"risk": NEW_HOST} for id in calls}

    # --- whom it would take ---

    def _audience(self) -> Audience:
        found, label = self.found, self.module.label.lower()
        held = {each["id"]: each["why"] for each in found.suppressed}
        inside = [each for each in found.records if each["id"] not in held]
        table = self.tx.schema.tables[self.module.name]
        every = self.tx.count(table, table.c.deleted_at.is_(None))
        return {
            "text": self._headline(label),
            "as_of": moment(self.tx, self.tx.now),
            "note": self._note(len(held)),
            "inside": self._crowd(found.count - len(held), inside[:SHOWN]),
            "suppressed": self._crowd(
                len(held), [each for each in found.records if each["id"] in held]
            ),
            "outside": self._crowd(max(every - found.count, 0), found.out[: 2 * SHOWN]),
        }

    def _headline(self, label: str) -> str:
        count = self.found.count
        one = self.module.singular.lower()
        if self.parsed.trigger.repeats:
            return f"{size(count, f'{one} matches', f'{label} match')} now."
        fit = size(count, f"{one} fits", f"{label} fit")
        return f"It starts with changes from now on. {fit} its conditions today."

    def _note(self, held: int) -> str:
        told = []
        if self.parsed.group_by:
            together = self.parsed.group_by.split(".")[-1].replace("_", " ")
            each = "" if together == TOGETHER else f" for each {together}"
            told.append(f"Taken together{each}: {size(self.found.runs, 'run')}.")
        if held:
            first = f" of the first {CHECKED}" if self.found.count > CHECKED else ""
            told.append(f"{held}{first} would get no mail.")
        return " ".join(told)

    def _crowd(self, count: int, people: list[dict[str, Any]]) -> AudienceGroup:
        return {"count": count, "people": [self._person(each) for each in people]}

    def _person(self, each: dict[str, Any]) -> Person:
        record, about = self.names.record(self.module.name, each["id"])
        why = {held["id"]: held["why"] for held in self.found.suppressed}.get(each["id"], "")
        return {"record": record, "name": about, "why": each.get("why", why)}

    def _sample(self) -> list[int]:
        """Records to try it on: some that match, one that is held back, one that does not match."""
        held = [each["id"] for each in self.found.suppressed]
        inside = [each["id"] for each in self.found.records if each["id"] not in held]
        outside = [each["id"] for each in self.found.out]
        chosen = [*inside[:3], *held[:1], *outside[:1], *inside[3:], *held[1:], *outside[1:]]
        return list(dict.fromkeys(chosen))[:SAMPLE]

    # --- what happened to it ---

    def _inside(self) -> str:
        """Who is on the way through the version that this one replaces."""
        if self.base is None or self.row.state != "in_review":
            return ""
        going = (
            RUNS.c.workflow == self.row.workflow,
            RUNS.c.version == self.base.version,
            RUNS.c.state.in_(GOING_ON),
        )
        count = self.tx.count(RUNS, *going)
        if not count:
            return f"Nobody is inside version {self.base.version} now."
        verb = "is" if count == 1 else "are"
        finish = "finishes" if count == 1 else "finish"
        inside = f"{size(count, 'record')} {verb} inside version {self.base.version}"
        return f"{inside} and {finish} on it. New ones start on version {self.row.version}."

    def _story(self) -> list[Remark]:
        """What happened to this version, and to those before it, the newest first."""
        told = []
        for each in self.all:
            if each.version > self.row.version:
                continue
            if each.decided_at and each.state in DECIDED:
                told.append(self._decided(each))
            told.append(
                _remark(
                    self.names.author(each.submitted_by, each.by_agent),
                    f"sent version {each.version} for review",
                    moment(self.tx, each.submitted_at),
                )
            )
        return told[:12]

    def _decided(self, row: Row[Any]) -> Remark:
        did = "approved" if row.state == "superseded" and row.decided_by else DECIDED[row.state]
        own = ", alone (four eyes was off)" if row.self_approved else ""
        who = self.names.person(row.decided_by) or "A newer draft"
        when = moment(self.tx, row.decided_at)
        return _remark(who, f"{did} version {row.version}{own}", when, row.comment or "")


def row_of_review(tx: Transaction, id: int) -> Row[Any] | None:
    """The version behind a review's address."""
    return tx.db.execute(select(VERSIONS).where(VERSIONS.c.id == id)).first()


def _remark(who: str, did: str, when: Any, text: str = "") -> Remark:
    return {"who": who, "did": did, "when": when, "text": text}
