"""A workflow as the blocks of its diagram: one version, two compared, or with what a run did."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from engine.blocks.control.stop import Stop
from engine.blocks.step import Step
from engine.conditions import Binder
from engine.conditions.words import describe
from engine.workflows.diff import DiagramNode, Difference, merged
from engine.workflows.workflow import Workflow
from server.pages.frame.views import Block, Branch, Change

Marks = Mapping[str, Mapping[str, Any]]
Sign = Literal["", "added", "changed", "removed"]
SIGNS: dict[str | None, Sign] = {
    "added": "added", "changed": "changed", "removed": "removed", "moved": "changed",
}  # fmt: skip
WAYS: tuple[tuple[str, str, Literal["ok", ""]], ...] = (("then", "Yes", "ok"), ("else", "No", ""))
START = "start"


def blocks(
    workflow: Workflow,
    binder: Binder,
    *,
    old: Workflow | None = None,
    marks: Marks | None = None,
    link: Callable[[str], str] = lambda step: "",
) -> list[Block]:
    """The diagram. `old` adds what changed since; `marks` add to each block by its step's id."""
    nodes = merged(old, workflow, binder)
    start = _start(workflow, binder, old)
    return [_marked(start, marks), *(_block(node, binder, marks, link) for node in nodes)]


def changes(found: Iterable[Difference]) -> list[Change]:
    """Differences as lines of a review."""
    return [
        {
            "sign": SIGNS[each.sign] or "changed",
            "title": each.title,
            "note": " ".join(filter(None, ["moved" if each.sign == "moved" else "", each.place])),
            "fields": [
                {
                    "label": edit.name,
                    "before": None if each.sign == "added" else edit.before or "",
                    "after": edit.after or "",
                }
                for edit in each.edits
            ],
        }
        for each in found
    ]


def _start(workflow: Workflow, binder: Binder, old: Workflow | None) -> Block:
    said, asked = workflow.trigger.say(binder), describe(workflow.conditions, binder)
    block: Block = {
        "id": START, "type": workflow.trigger.kind, "kind": "start",
        "icon": workflow.trigger.icon, "title": said,
        "detail": "" if asked == "always" else f"if {asked}",
    }  # fmt: skip
    if old:
        was, had = old.trigger.say(binder), describe(old.conditions, binder)
        if (was, had) != (said, asked):
            block["change"] = "changed"
            block["was"] = was if was != said else f"if {had}"
    return block


def _block(
    node: DiagramNode, binder: Binder, marks: Marks | None, link: Callable[[str], str]
) -> Block:
    step = node.step
    block: Block = {
        "id": step.id, "type": step.kind, "kind": step.look, "icon": step.icon,
        "title": short(step, binder)[0], "detail": short(step, binder)[1], "label": step.label,
        "change": SIGNS.get(node.sign, ""), "was": node.was, "href": link(step.id),
    }  # fmt: skip
    if node.branches:
        found = [(label, tone, node.branches.get(name, ())) for name, label, tone in WAYS]
        ways: list[Branch] = [
            {
                "label": label,
                "tone": tone,
                "blocks": [_block(each, binder, marks, link) for each in inside],
            }
            for label, tone, inside in found
        ]
        for way in ways if marks else []:
            if marks and marks.get(f"{step.id}/{way['label']}"):
                way["tone"] = "off"
        block["branches"] = ways
    return _marked(block, marks)


def _marked(block: Block, marks: Marks | None) -> Block:
    found: Any = {**block, **((marks or {}).get(block["id"]) or {})}
    marked: Block = found
    return marked


def short(step: Step, binder: Binder) -> tuple[str, str]:
    """What the step does, parted after its quotation: "Create the task “Call them”", "for its
    owner"."""
    told = step.sentence(binder)
    said, quote, rest = told.partition("” ")
    return (f"{said}”", rest) if step.quotes and quote else (told, "")


def titled(step: Step, binder: Binder) -> str:
    """What the step does, in short, then what its author calls it."""
    return short(step, binder)[0] + (f" (“{step.label}”)" if step.label else "")


def ended(reason: str) -> Block:
    """The last block of a run that came to its end."""
    return {"id": "end", "type": "end", "kind": Stop.look, "icon": Stop.icon, "title": reason}
