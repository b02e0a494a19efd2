"""What is different between two versions of a workflow, in words, and both as one diagram."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Literal

from engine.blocks import words
from engine.blocks.control.if_ import If
from engine.blocks.step import Step
from engine.conditions import ALWAYS, Binder, results
from engine.conditions.words import describe
from engine.templates.wording import Wording
from engine.workflows.workflow import Workflow

Sign = Literal["added", "changed", "removed", "moved"]
BRANCHES = {"then": "Yes", "else": "No"}
NOT_SHOWN = {"id", "type", "label", "then", "otherwise", "conditions"}


@dataclass(frozen=True)
class Edit:
    """One setting before and after, in words; None where there was, or is, nothing."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Difference:
    """One thing that is different. `step` is empty for what belongs to the workflow as a whole."""

    sign: Sign
    step: str
    title: str
    place: str = ""
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a step stands: in which branch of which step."""

    inside: str = ""
    branch: str = ""


@dataclass(frozen=True)
class DiagramNode:
    """A step in the diagram of both versions; `step` is the new one, or the old one if removed."""

    step: Step
    sign: Sign | None = None
    was: str = ""
    branches: dict[str, "tuple[DiagramNode, ...]"] = field(default_factory=dict)


def differences(old: Workflow, new: Workflow, binder: Binder) -> list[Difference]:
    """Everything that is different, in the order of reading: first the workflow, then its steps."""
    before, after = dict(_places(old.steps)), dict(_places(new.steps))
    moved = _moved(old, new)
    found = [*_head(old, new, binder), *_texts(old, new)]
    for id, (step, _) in new.route.items():
        place = _where(after[id], new, binder)
        if id not in before:
            found.append(Difference("added", id, step.heading(binder), place, _all(step, binder)))
            continue
        edits = tuple(_edits(old.route[id][0], step, binder))
        if id in moved:
            was = _where(before[id], old, binder)
            came = (Edit("place", was, place),) if was != place else ()
            found.append(Difference("moved", id, step.heading(binder), place, (*came, *edits)))
        elif edits:
            found.append(Difference("changed", id, step.heading(binder), place, edits))
    for id, (step, _) in old.route.items():
        if id not in after:
            place = _where(before[id], old, binder)
            found.append(Difference("removed", id, step.heading(binder), place))
    return found


def merged(old: Workflow | None, new: Workflow, binder: Binder) -> tuple[DiagramNode, ...]:
    """Both versions in one diagram: removed steps stay where they stood."""
    if old is None:
        return _nodes(new.steps, Place(), {}, {}, {})
    found = {each.step: each for each in differences(old, new, binder) if each.step}
    signs = {id: each.sign for id, each in found.items()}
    was = {
        id: _was(old.route[id][0], each, binder) for id, each in found.items() if id in old.route
    }
    gone: dict[Place, list[Step]] = {}
    for id, place in _places(old.steps):
        gone.setdefault(place, []).append(old.route[id][0])
    return _nodes(new.steps, Place(), signs, was, gone)


def _nodes(
    steps: Sequence[Step],
    place: Place,
    signs: dict[str, Sign],
    was: dict[str, str],
    before: dict[Place, list[Step]],
) -> tuple[DiagramNode, ...]:
    """The new steps of one branch, each removed one after the step it stood behind."""
    order = list(steps)
    last = -1
    for step in before.get(place, ()):
        standing = next((n for n, each in enumerate(order) if each.id == step.id), None)
        if standing is not None:
            last = standing
        elif signs.get(step.id) == "removed":
            last += 1
            order.insert(last, step)
    return tuple(
        DiagramNode(
            step,
            signs.get(step.id),
            was.get(step.id, ""),
            {
                name: _nodes(
                    () if signs.get(step.id) == "removed" else inside,
                    Place(step.id, name),
                    signs,
                    was,
                    before,
                )
                for name, inside in step.branches().items()
            },
        )
        for step in order
    )


def _was(step: Step, found: Difference, binder: Binder) -> str:
    heading = step.heading(binder)
    return heading if found.sign in ("changed", "moved") and heading != found.title else ""


# --- the workflow as a whole ---


def _head(old: Workflow, new: Workflow, binder: Binder) -> Iterator[Difference]:
    """Its settings, each in words."""
    before, after = _settings(old, binder), _settings(new, binder)
    for name, now in after.items():
        if before[name] != now:
            title = name[:1].upper() + name[1:]
            yield Difference("changed", "", title, "", (Edit("", before[name], now),))


def _texts(old: Workflow, new: Workflow) -> Iterator[Difference]:
    """What the templates say that both use."""
    for name, now in new.texts.items():
        before = {wording.language: wording for wording in old.texts.get(name, ())}
        edits = [
            Edit(wording.called(part), getattr(was, part) or None, getattr(wording, part) or None)
            for wording in now
            for was in [before.get(wording.language, Wording())]
            for part in ("subject", "body", "html")
            if getattr(was, part) != getattr(wording, part)
        ]
        if before and edits:
            yield Difference("changed", "", f"The template “{name}”", "", tuple(edits))


def _settings(workflow: Workflow, binder: Binder) -> dict[str, str | None]:
    module = binder.schema.modules.get(workflow.module, binder.module)
    here = binder.of(module)
    stop, pause = workflow.stop_when, workflow.pause_when
    return {
        "name": workflow.name,
        "module": module.label,
        "start": workflow.trigger.say(here),
        "conditions": describe(workflow.conditions, here),
        "how often": workflow.recurs(),
        "taken together by": words.path(workflow.group_by, here) if workflow.group_by else None,
        "stops as soon as": describe(stop, here) if stop else None,
        "does not write while": describe(pause, here) if pause else None,
        "hours": workflow.window.words() if workflow.window else None,
        "description": workflow.description or None,
        "category": workflow.category or None,
    }


# --- steps ---


def _places(steps: Sequence[Step], place: Place | None = None) -> Iterator[tuple[str, Place]]:
    here = place or Place()
    for step in steps:
        yield step.id, here
        for name, inside in step.branches().items():
            yield from _places(inside, Place(step.id, name))


def _moved(old: Workflow, new: Workflow) -> set[str]:
    """Steps that stand in another branch, or in another order among those that stayed."""
    before, after = dict(_places(old.steps)), dict(_places(new.steps))
    both = [id for id in after if id in before]
    found = {id for id in both if before[id] != after[id]}
    for place in {after[id] for id in both}:
        was = [id for id in before if before[id] == after.get(id) == place]
        now = [id for id in both if id not in found and after[id] == place]
        kept = SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks()
        found |= set(now) - {id for block in kept for id in now[block.b : block.b + block.size]}
    return found


def _where(place: Place, workflow: Workflow, binder: Binder) -> str:
    """Where a step stands, in words: "in “Is it a large sum?”, Yes"."""
    if not place.inside:
        return ""
    holder = workflow.route[place.inside][0]
    return f"in “{holder.sentence(binder)}”, {BRANCHES.get(place.branch, place.branch)}"


def _edits(old: Step, new: Step, binder: Binder) -> Iterator[Edit]:
    """Setting by setting; a step of another type is all new."""
    if old.kind != new.kind:
        yield Edit("kind of step", old.kind.replace("_", " "), new.kind.replace("_", " "))
    before, after = _shown(old, binder), _shown(new, binder)
    for name in [*after, *(name for name in before if name not in after)]:
        if before.get(name) != after.get(name):
            yield Edit(name, before.get(name), after.get(name))


def _all(step: Step, binder: Binder) -> tuple[Edit, ...]:
    return tuple(Edit(name, None, value) for name, value in _shown(step, binder).items())


def _shown(step: Step, binder: Binder) -> dict[str, str]:
    """The settings that say something, in words."""
    told = {"name": step.label} if step.label else {}
    if isinstance(step, If):
        told["conditions"] = results.told(step.conditions, binder)
    for name, setting in type(step).model_fields.items():
        value = getattr(step, name)
        if name in NOT_SHOWN or value in ((), {}, "", None, ALWAYS) or value == setting.default:
            continue
        told[(setting.alias or name).replace("_", " ")] = _word(value)
    return told


def _word(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case tuple() | list() if all(isinstance(part, str) for part in value):
            return ", ".join(value)
        case dict() | tuple() | list():
            return json.dumps(value, ensure_ascii=False, indent=1)
    return str(value)
