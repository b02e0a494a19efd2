"""One workflow as its page shows it: the flow with who is where, who is inside, runs, versions."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.conditions import Binder
from engine.problems import Problem
from engine.records.states import GOING_ON
from engine.records.transaction import Transaction
from engine.workflows.reading import read
from engine.workflows.workflow import Workflow
from server.access.session import Visit
from server.operations.answers import workflow_row
from server.operations.queries import Stored, records, runs, versions
from server.operations.queries.runs import Wanted
from server.operations.workflows import kept_back
from server.pages.frame.charts import first_moment
from server.pages.frame.diagram import blocks, titled
from server.pages.frame.field_values import size
from server.pages.frame.lists import ROWS, choice, fitting, paging, place
from server.pages.frame.moments import coming, moment
from server.pages.frame.names import Names
from server.pages.frame.rows import run_rows
from server.pages.frame.views import Action, Block, Fact, Link, Stat, Tab, Way
from server.pages.workflows.enrolled import inside_rows
from server.pages.workflows.views import Comparing, StepPanel, VersionRow, WorkflowView

TABS = ("flow", "inside", "runs", "versions", "document")
TITLES = {
    "flow": "Flow", "inside": "Records inside", "runs": "Runs", "versions": "Versions",
    "document": "Document",
}  # fmt: skip


class Shown:
    """A workflow, and the version its page is about: the live one, or else the newest."""

    def __init__(self, visit: Visit, tx: Transaction, id: int) -> None:
        self.visit, self.tx, self.row = visit, tx, workflow_row(tx, id)
        self.mine = Wanted((id,))
        self.inside = replace(self.mine, states=GOING_ON)
        self.names = Names(tx)
        self.versions = versions.of_workflow(tx, id)
        self.document = self._document()
        parsed, problems = read(self.document)
        known = parsed is not None and parsed.module in tx.schema.modules
        self.parsed: Workflow | None = parsed if known else None
        self.problems: list[Problem] = problems

    def _document(self) -> Any:
        live = next((v for v in self.versions if v.version == self.row.active_version), None)
        return dict(live.document) if live else versions.newest_document(self.tx, self.row)

    def view(self, tab: Any) -> WorkflowView:
        row, tx = self.row, self.tx
        step = self.visit.asked("step") if tab == "flow" else ""
        module = tx.schema.modules.get(row.module)
        shown = self._runs() if tab == "runs" else []
        inside = inside_rows(self.visit, self.names, row, self.parsed) if tab == "inside" else []
        total = self._count(tab)
        return {
            "name": row.name,
            "description": str(self.document.get("description") or ""),
            "module": {
                "text": module.label if module else row.module,
                "href": f"/records/{row.module}" if module else "",
            },
            "state": row.state,
            "version": row.active_version or 0,
            "meta": self._meta(),
            "waiting": self._waiting(),
            "ways": self._ways(),
            "actions": self._actions(),
            "compare": self._compare() if tab == "versions" else None,
            "tab": tab,
            "tabs": [self._tab(name) for name in TABS],
            "words": self._words(),
            "keeps_back": self._kept_back(),
            "facts": self._facts(),
            "stats": self._stats() if tab == "flow" else [],
            "blocks": self._blocks() if tab == "flow" else [],
            "step": self._panel(step) if step else None,
            "inside": inside,
            "inside_actions": [],
            "runs": run_rows(self.names, shown),
            "versions": self._versions() if tab == "versions" else [],
            "document": json.dumps(self.document, indent=2, ensure_ascii=False),
            "paging": paging(self.visit, len(shown) + len(inside), total),
            "live": self._live(tab),
        }  # fmt: skip

    def _live(self, tab: str) -> str:
        if tab not in ("flow", "runs") or self.visit.asked("page") not in ("", "1"):
            return ""
        return f"/workflows/{self.row.id}?tab={tab}"

    def _count(self, tab: str) -> int:
        wanted = {"runs": self.mine, "inside": self.inside}.get(tab)
        return runs.count(self.tx, wanted) if wanted else 0

    def _tab(self, name: str) -> Tab:
        counts = {
            "inside": lambda: runs.count(self.tx, self.inside),
            "runs": lambda: runs.count(self.tx, self.mine),
            "versions": lambda: len(self.versions),
        }
        href = f"/workflows/{self.row.id}?tab={name}"
        count = counts[name]() if name in counts else None
        return {"name": name, "label": TITLES[name], "href": href, "count": count}

    def _meta(self) -> list[str]:
        live = next((v for v in self.versions if v.version == self.row.active_version), None)
        if live is None:
            return ["nothing of it is live yet"]
        when = moment(self.tx, live.decided_at)["text"]
        told = [f"version {live.version}"]
        if live.decided_by:
            told.append(f"approved by {self.names.person(live.decided_by)} on {when}")
        newer = self.row.draft and self._waiting() is None
        return [*told, "a newer draft exists"] if newer else told

    def _waiting(self) -> Link | None:
        found = next((v for v in self.versions if v.state == "in_review"), None)
        return (
            {"text": f"version {found.version}", "href": f"/reviews/{found.id}"} if found else None
        )

    def _ways(self) -> list[Way]:
        """Where it can be switched off, and run by hand: both ask something first."""
        here = f"/workflows/{self.row.id}"
        active = self.row.state == "active"
        by_hand = self.parsed is not None and getattr(self.parsed.trigger, "type", "") == "manual"
        found: list[Way] = []
        if active and by_hand and self.visit.desk.may("workflows:run"):
            found.append({"label": "Run now", "icon": "play", "href": f"{here}/run"})
        if active and self.visit.desk.may("workflows:toggle"):
            found.append({"label": "Pause", "icon": "pause", "href": f"{here}/pause"})
        return found

    def _actions(self) -> list[Action]:
        desk, here = self.visit.desk, f"/workflows/{self.row.id}"
        found: list[Action] = []
        if self.row.state == "paused" and desk.may("workflows:toggle"):
            held = "Records that were held go on where they were. Resume it?"
            found.append(_action("Resume", "play", f"{here}/resume", "main", held))
        drafted = self.row.draft is not None or self.row.state == "in_review"
        if drafted and self.row.state != "archived" and desk.may("workflows:write"):
            gone = "What runs goes on as it is." if self.row.active_version else "It is archived."
            told = f"The draft is let go for good. {gone} Discard it?"
            found.append(_action("Discard draft", "trash-2", f"{here}/discard", "danger", told))
        return found

    def _words(self) -> list[str]:
        if self.parsed is None:
            return [str(problem) for problem in self.problems]
        return self.parsed.words(self._binder(self.parsed))

    def _kept_back(self) -> list[str]:
        return kept_back(self.tx, self.parsed) if self.parsed and not self.problems else []

    def _binder(self, parsed: Workflow) -> Binder:
        return self.tx.binder(self.tx.schema.module(parsed.module))

    def _facts(self) -> list[Fact]:
        made = self.names.person(self.row.created_by)
        dates = self.parsed.next_dates(self._binder(self.parsed)) if self.parsed else []
        pairs = (
            ("Next", coming(self.tx, dates)),
            ("Category", self.row.category),
            ("Made by", f"{made}, {moment(self.tx, self.row.created_at)['text']}"),
        )
        facts: list[Fact] = [
            {"label": label, "text": text, "href": ""} for label, text in pairs if text
        ]
        return [*facts, *self._fitting()]

    def _fitting(self) -> Iterator[Fact]:
        """How many records fit it now, and which."""
        module = self.tx.schema.modules.get(self.row.module)
        if self.parsed and module and self.visit.desk.may("records:read"):
            count = records.count(self.tx, module, records.fitting(self.parsed))
            text = size(count, module.singular.lower(), module.label.lower())
            yield {"label": "Fit now", "text": text, "href": fitting(self.parsed)}

    def _stats(self) -> list[Stat]:
        recent = replace(self.mine, since=first_moment(self.tx))
        counts = runs.by_state(self.tx, recent).get(self.row.id, Counter())
        failed = runs.failures(self.tx, first_moment(self.tx), (self.row.id,)).total()
        shown = (("Runs", sum(counts.values()), ""), ("Done", counts.get("done", 0), ""),
                 ("Failed", failed, "bad"))  # fmt: skip
        return [_stat(label, count, tone if count else "") for label, count, tone in shown]

    # --- who is where ---

    def _blocks(self) -> list[Block]:
        if self.parsed is None:
            return []
        marks: dict[str, dict[str, Any]] = {
            step: {"count": count} for (_, step), count in runs.at_steps(self.tx, self.mine).items()
        }
        if (chosen := self.visit.asked("step")) in self.parsed.route:
            marks.setdefault(chosen, {})["state"] = "here"
        return blocks(
            self.parsed,
            self.tx.binder(self.tx.schema.module(self.parsed.module), event=True),
            marks=marks,
            link=lambda step: f"/workflows/{self.row.id}?step={step}",
        )

    def _panel(self, step: str) -> StepPanel | None:
        if self.parsed is None or step not in self.parsed.route:
            return None
        block = self.parsed.route[step][0]
        binder = self.tx.binder(self.tx.schema.module(self.parsed.module))
        return {
            "id": step,
            "icon": block.icon,
            "title": titled(block, binder),
            "rows": inside_rows(self.visit, self.names, self.row, self.parsed, step),
            "actions": [],
        }

    # --- runs and versions ---

    def _runs(self) -> Sequence[Stored]:
        return runs.newest(self.tx, self.mine, ROWS, (place(self.visit) - 1) * ROWS)

    def _versions(self) -> list[VersionRow]:
        return [self._version(row) for row in self.versions]

    def _version(self, row: Stored) -> VersionRow:
        here = f"/workflows/{self.row.id}/compare"
        older = [each.version for each in self.versions if each.version < row.version]
        return {
            "version": row.version,
            "href": f"/reviews/{row.id}",
            "state": row.state,
            "author": self.names.author(row.submitted_by, row.by_agent),
            "decided_by": self.names.person(row.decided_by),
            "when": moment(self.tx, row.decided_at or row.submitted_at),
            "note": row.comment or row.note,
            "hash": row.hash[:12],
            "compare": f"{here}?old={max(older)}&new={row.version}" if older else "",
            "actions": [],
        }

    def _compare(self) -> Comparing | None:
        """The choice of two versions; at first the live one with the newest."""
        numbers = [row.version for row in self.versions]
        if len(numbers) < 2:
            return None
        old = self.row.active_version if self.row.active_version != numbers[0] else numbers[1]
        return {
            "action": f"/workflows/{self.row.id}/compare",
            "old": [choice(str(n), f"version {n}", n == (old or numbers[1])) for n in numbers],
            "new": [choice(str(n), f"version {n}", n == numbers[0]) for n in numbers],
        }


def _stat(label: str, count: int, tone: Any) -> Stat:
    return {"label": label, "text": f"{count:,}", "was": "", "tone": tone}


def _action(label: str, icon: str, href: str, tone: Any, confirm: str) -> Action:
    return {"label": label, "icon": icon, "href": href, "tone": tone, "confirm": confirm}
