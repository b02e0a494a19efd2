"""A version under review as its page shows it: what it says, changes, would do, and may do."""

import json
from collections.abc import Sequence
from typing import Any

from engine.records.transaction import Transaction
from engine.runs.rehearsal import Rehearsed
from engine.schema.modules import Module
from engine.workflows.rights import of_steps
from server.operations.queries import Stored
from server.operations.reviews import Proposal
from server.operations.workflows import kept_back
from server.pages.frame.diagram import blocks, changes
from server.pages.frame.field_values import size
from server.pages.frame.moments import coming, moment
from server.pages.frame.names import Names
from server.pages.frame.views import Fact, Link
from server.pages.reviews.audience import audience
from server.pages.reviews.checks import AT_ONCE, allowed, checks
from server.pages.reviews.dry_run import dry_runs
from server.pages.reviews.outcomes import came_to, summary
from server.pages.reviews.sentences import told
from server.pages.reviews.views import Decision, Quoted, Remark, ReviewView

DECIDED = {"approved": "approved", "rejected": "rejected", "superseded": "replaced"}


class Review:
    """The page about one version."""

    def __init__(self, tx: Transaction, it: Proposal, tried: Sequence[Rehearsed]) -> None:
        self.tx, self.it, self.tried = tx, it, tried
        self.row, self.parsed = it.row, it.parsed
        self.names = Names(tx)
        self.module: Module = tx.schema.module(self.parsed.module)
        self.binder = tx.binder(self.module, event=bool(self.parsed.trigger.listens()))

    def view(self, decision: Decision) -> ReviewView:
        """The page."""
        row, tx = self.row, self.tx
        it = self.it
        came = [came_to(found) for found in self.tried]
        advice = checks(it, came)
        return {
            "id": str(row.id),
            "workflow": {"text": self.parsed.name, "href": f"/workflows/{row.workflow}"},
            "version": row.version,
            "state": row.state,
            "author": self.names.author(row.submitted_by, row.by_agent),
            "sent": moment(tx, row.submitted_at),
            "live": self._live(),
            "base": f"version {it.base.version}" if it.base else "",
            "quoted": self._quoted(),
            "told": told(self.parsed, self.binder),
            "keeps_back": kept_back(tx, self.parsed),
            "facts": self._facts(),
            "changes": changes(it.differences),
            "blocks": blocks(self.parsed, self.binder, old=it.before, marks=self._marks()),
            "audience": audience(self.names, it),
            "dry_runs": dry_runs(self.names, self.parsed, self.tried),
            "dry_summary": summary(came),
            "trying": None,
            "replay": None,
            "checks": advice[:AT_ONCE],
            "more_checks": advice[AT_ONCE:],
            "rights": allowed(it),
            "inside": self._inside(),
            "decision": decision,
            "story": self._story(),
            "seen": "",
            "document": json.dumps(row.document, indent=2, ensure_ascii=False),
        }

    def _live(self) -> Link | None:
        if self.row.active_version is None:
            return None
        text = f"version {self.row.active_version}"
        return {"text": text, "href": f"/workflows/{self.row.workflow}"}

    def _quoted(self) -> list[Quoted]:
        """What its author says of it: nobody has checked that."""
        who = self.names.person(self.row.submitted_by)
        gave = f"its assistant gave, for {who}" if self.row.by_agent else f"{who} gave"
        filed = f"; filed under “{self.parsed.category}”" if self.parsed.category else ""
        pairs = (
            (self.parsed.description, f"what it is for, as its author describes it{filed}"),
            (self.row.note, f"the reason {gave}"),
        )
        return [{"text": text, "by": by} for text, by in pairs if text]

    def _facts(self) -> list[Fact]:
        pairs = (
            ("Acts on", self.module.label),
            ("Next", coming(self.tx, self.parsed.next_dates(self.binder))),
        )
        return [{"label": label, "text": text, "href": ""} for label, text in pairs if text]

    def _marks(self) -> dict[str, dict[str, Any]]:
        """The steps that may do something new and grave, with what that is."""
        asked = {right.key for right in self.it.to_tick}
        found = {}
        for step in self.parsed.every_step:
            own = of_steps([step], self.binder, self.parsed.texts)
            if grave := dict.fromkeys(right.risk for right in own if right.key in asked):
                found[step.id] = {"risk": "; ".join(grave)}
        return found

    # --- what happened to it ---

    def _inside(self) -> str:
        """Who is on the way through the version that this one replaces."""
        base, count = self.it.base, self.it.inside
        if base is None or self.row.state != "in_review":
            return ""
        if not count:
            return f"Nobody is inside version {base.version} now."
        verb = "is" if count == 1 else "are"
        finish = "finishes" if count == 1 else "finish"
        inside = f"{size(count, 'record')} {verb} inside version {base.version}"
        return f"{inside} and {finish} on it. New ones start on version {self.row.version}."

    def _story(self) -> list[Remark]:
        """What happened to this version, and to those before it, the newest first."""
        told = []
        for each in self.it.versions:
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

    def _decided(self, row: Stored) -> Remark:
        did = "approved" if row.state == "superseded" and row.decided_by else DECIDED[row.state]
        own = ", alone (four eyes was off)" if row.self_approved else ""
        who = self.names.person(row.decided_by) or "A newer draft"
        when = moment(self.tx, row.decided_at)
        return _remark(who, f"{did} version {row.version}{own}", when, row.comment or "")


def _remark(who: str, did: str, when: Any, text: str = "") -> Remark:
    return {"who": who, "did": did, "when": when, "text": text}
