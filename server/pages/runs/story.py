"""One run as its page tells it: the path on the flow, what happened and why, what it changed."""

import json
from typing import Any

from engine.blocks.step import Step
from engine.records.states import DRIVEN, Phase, Result, RunState
from engine.records.transaction import Transaction
from server.access.session import Visit
from server.operations.queries import Stored, runs, versions
from server.operations.queries.stories import Happened, entries, story
from server.pages.frame.diagram import START, titled
from server.pages.frame.effects import effect
from server.pages.frame.field_values import changed, sentence, size
from server.pages.frame.moments import moment, took
from server.pages.frame.names import Names
from server.pages.frame.rows import STUCK, number, skipped, waits_for_time
from server.pages.frame.views import Action, Change, Effect, Fact, Tab
from server.pages.runs.path import path
from server.pages.runs.views import Event, RunView

TITLES = {"story": "What happened", "data": "Data", "raw": "Raw"}
INNER = ("owner", "before", "chain")
WORDS: dict[str, str] = {
    Phase.SLEEPING: "waiting", Phase.PLANNED: "running", Phase.PERFORMING: "running",
}  # fmt: skip


class Story:
    """A listed run, its entries, and the version it runs on."""

    def __init__(self, visit: Visit, tx: Transaction, row: Stored) -> None:
        self.visit, self.tx, self.row = visit, tx, row
        self.entries = entries(tx, row.id)
        self.names = Names(tx)
        key = (row.workflow, row.version)
        self.workflow = versions.parsed(tx, [key])[key]
        self.module = tx.schema.module(row.module)
        self.binder = tx.binder(self.module, event=True)

    def view(self, tab: Any) -> RunView:
        """The page, with what the open tab shows."""
        row, tx = self.row, self.tx
        record, about = self.names.record(row.module, row.record)
        members = len(row.members or ())
        going = row.state in DRIVEN
        return {
            "id": number(row.id),
            "record": record,
            "record_name": f"{about} and {members - 1} more" if members > 1 else about,
            "workflow": {
                "text": self.names.workflow(row.workflow), "href": f"/workflows/{row.workflow}",
            },
            "version": row.version,
            "state": runs.standing(row),
            "skipped": skipped(row),
            "started": moment(tx, row.started_at),
            "summary": self._summary(),
            "problem": sentence(runs.reason(row)) if runs.standing(row) in STUCK else "",
            "actions": self._actions(),
            "tab": tab,
            "tabs": [self._tab(name) for name in TITLES],
            "blocks": path(self.tx, self.row, self.entries, self.workflow, self.binder),
            "events": self._events() if tab == "story" else [],
            "changes": self._changes() if tab == "data" else [],
            "facts": self._facts() if tab == "data" else [],
            "raw": self._raw() if tab == "raw" else "",
            "live": f"/runs/{row.id}?tab={tab}" if going else "",
        }  # fmt: skip

    def _tab(self, name: str) -> Tab:
        href = f"/runs/{self.row.id}?tab={name}"
        return {"name": name, "label": TITLES[name], "href": href, "count": None}

    def _summary(self) -> str:
        row = self.row
        if waits_for_time(row):
            verb = "looked at again" if runs.standing(row) == runs.HELD else "goes on"
            return f"{verb} {moment(self.tx, row.due)['text']}"
        span = took(row.started_at, row.ended_at, self.tx.now)
        after = "" if span == "at once" else f", after {span}"
        if row.state in (RunState.DONE, RunState.STOPPED):
            return f"{row.reason or 'finished'}{after}"
        if row.state == RunState.FAILED and row.step in self.workflow.position:
            at = self.workflow.position[row.step]
            return f"failed at step {at} of {len(self.workflow.route)}{after}"
        return "just started" if span == "at once" else f"for {span}"

    def _actions(self) -> list[Action]:
        """What a person can do: try again what failed, say what became of a mail."""
        last = next((entry for entry in self.entries if entry.step == self.row.step), None)
        unknown = last is not None and last.outcome == Result.UNKNOWN
        lost = self.row.state == RunState.PAUSED and unknown
        if not self.visit.desk.may("runs:control"):
            return []
        if self.row.state == RunState.FAILED and last is not None:
            here = f"/runs/{self.row.id}"
            never = "Close it? It is not tried again, and nothing more of it is sent."
            return [
                {"label": "Try again", "icon": "play", "href": f"{here}/again", "tone": "main",
                 "confirm": ""},
                {"label": "Close", "icon": "circle-x", "href": f"{here}/close", "tone": "",
                 "confirm": never},
            ]  # fmt: skip
        if not lost:
            return []
        href = f"/runs/{self.row.id}/decide"
        again = "Send it again? If the first one did arrive, it arrives twice."
        return [
            {"label": "Mark as delivered", "icon": "check", "href": href, "tone": "main",
             "confirm": "", "fields": {"arrived": "yes"}},
            {"label": "Send again", "icon": "send", "href": href, "tone": "", "confirm": again,
             "fields": {"arrived": "no"}},
        ]  # fmt: skip

    # --- what happened ---

    def _events(self) -> list[Event]:
        return [self._started(), *(self._event(part) for part in story(self.tx, self.row))]

    def _started(self) -> Event:
        said = self.workflow.trigger.say(self.binder)
        return {
            "step": START, "outcome": Result.DONE, "title": said, "why": self._cause(),
            "when": moment(self.tx, self.row.started_at), "took": "", "effects": [],
        }  # fmt: skip

    def _cause(self) -> str:
        who = self.row.actor
        if who == "schedule":
            return "its schedule came due, and the record matched"
        return (
            f"a change by {self.names.person(who)}"
            if self.row.event
            else f"started by {self.names.person(who)}"
        )

    def _event(self, part: Happened) -> Event:
        step = part.step or ""
        known = self.workflow.route.get(step)
        tries = f"try {part.tries}" if part.tries > 1 else ""
        by = f"by {self.names.person(part.by)}" if part.by else ""
        warned = part.entry.warned if part.entry else ""
        return {
            "step": step if known else START,
            "outcome": WORDS.get(part.what, part.what),
            "title": titled(known[0], self.binder) if known else "The run",
            "why": "; ".join(filter(None, (part.said, self._until(part), warned))),
            "when": moment(self.tx, part.at),
            "took": " · ".join(filter(None, [by, tries, self._span(part)])),
            "effects": self._effects(part.entry, known[0]) if part.entry and known else [],
        }

    def _span(self, part: Happened) -> str:
        """How long a step took that is over."""
        if part.entry is None or part.entry.ended_at is None:
            return ""
        span = took(part.entry.at, part.entry.ended_at, self.tx.now)
        return span if span != "at once" else ""

    def _until(self, part: Happened) -> str:
        return f"until {moment(self.tx, part.until)['text']}" if part.until else ""

    def _effects(self, entry: Stored, step: Step) -> list[Effect]:
        if entry.move["move"] != "do":
            return []
        pairs = (entry.result or {}).get("changes") or {}
        before = {name: pair[0] for name, pair in pairs.items()}
        title = self._does(entry)
        planned = entry.move["effect"]
        return [effect(planned, self.names, icon=step.icon, title=title, before=before)]

    def _does(self, entry: Stored) -> str:
        planned = entry.move["effect"]
        kinds = {"mail": "E-mail", "http": f"{planned.get('method', '')} {planned.get('url', '')}"}
        return kinds.get(str(planned.get("kind")), str(planned.get("title") or entry.said))

    # --- data ---

    def _changes(self) -> list[Change]:
        """Every record that this run wrote, before and after."""
        return [self._change(event) for event in runs.changes_by(self.tx, self.row.id)]

    def _change(self, event: Stored) -> Change:
        module = self.tx.schema.module(event.module)
        link, about = self.names.record(event.module, event.record)
        born = event.kind == "created"
        return {
            "sign": "added" if born else "removed" if event.kind == "deleted" else "changed",
            "title": f"{module.singular} {link['text']}",
            "note": about,
            "fields": changed(module, event.changes, self.names, born=born),
        }

    def _facts(self) -> list[Fact]:
        row = self.row
        chain = [self.names.workflow(link[0]) for link in row.chain or ()]
        members = [self.names.record(row.module, id)[0]["text"] for id in (row.members or ())[:20]]
        pairs = (
            ("Started", self._cause()),
            ("Records together", ", ".join(members)),
            ("Chain of causes", " → ".join(chain) or "it is the first"),
            ("Steps taken", self._taken()),
        )
        return [{"label": label, "text": text, "href": ""} for label, text in pairs if text]

    def _taken(self) -> str:
        if self.row.ended_at and not self.entries:
            return "none, or what they did is not kept any longer"
        return size(len(self.entries), "step")

    def _raw(self) -> str:
        """The ledger as it is kept."""
        told = {name: value for name, value in self.row._mapping.items() if name not in INNER}
        entries = [dict(entry._mapping) for entry in self.entries]
        return json.dumps({**told, "entries": entries}, indent=2, default=str, ensure_ascii=False)
