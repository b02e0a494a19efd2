"""What of a well-formed document does not fit the records, fields and steps that there are."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.blocks.checking import Checking
from engine.blocks.step import Step
from engine.blocks.triggers.schedule import Schedule
from engine.company.windows import next_inside
from engine.conditions import asks_nothing
from engine.problems import Invalid, Problem, suggest
from engine.templates.placeholders import placeholders
from engine.workflows.workflow import TOGETHER, Workflow

SHARED = ("reference", "owner")


def check(workflow: Workflow, checking: Checking) -> list[Problem]:
    """Everything about a well-formed document that does not fit what there is."""
    event = bool(workflow.trigger.listens())
    problems = [problem.under("trigger") for problem in workflow.trigger.check(checking)]
    problems += checking.condition(workflow.conditions, "conditions", event=event)
    if workflow.stop_when:
        problems += checking.condition(workflow.stop_when, "stop_when", event=False)
    if workflow.pause_when:
        problems += checking.condition(workflow.pause_when, "pause_when", event=False)
    problems += _everyone(workflow, checking)
    problems += _group(workflow, checking)
    problems += _window(workflow, checking)
    if not workflow.steps:
        problems.append(Problem("steps", "the workflow does nothing yet.", "Add a step."))
    inside = replace(checking, window=workflow.window)
    problems += _steps(workflow.steps, "steps", inside, set())
    return list(dict.fromkeys(problems))


def _window(workflow: Workflow, checking: Checking) -> Iterator[Problem]:
    """What is wrong with its hours: also that no occasion of its schedule ever falls inside."""
    window, trigger = workflow.window, workflow.trigger
    if window is None:
        return
    found = list(window.problems())
    yield from (problem.under("window") for problem in found)
    if found or not isinstance(trigger, Schedule) or any(trigger.problems()):
        return
    now, calendar = checking.binder.now, checking.binder.calendar
    if not trigger.never(now, calendar) and next_inside(trigger, window, now, calendar) is None:
        message = f"it never starts: {trigger.words(calendar)} is never {window.words()}."
        yield Problem("window", message, "Choose a time of the schedule inside the window.")


def _everyone(workflow: Workflow, checking: Checking) -> Iterator[Problem]:
    """A schedule that acts outside for every record there is must say that it means to."""
    unasked = asks_nothing(workflow.conditions)
    if workflow.everyone and not unasked:
        message = "it has conditions, so not everyone is meant."
        yield Problem("everyone", message, "Leave it out, or the conditions.")
    outward = any(step.outward for step in workflow.every_step)
    if workflow.trigger.repeats and unasked and outward and not workflow.everyone:
        label, size = checking.module.label.lower(), checking.size()
        meant = f"all {size:,} {label} are meant" if size != 1 else f"all {label} are meant (1 now)"
        remedy = 'Say which records it is for, or confirm that you mean all: "everyone": true.'
        yield Problem("conditions", f"there are none, so {meant}.", remedy)


def _group(workflow: Workflow, checking: Checking) -> Iterator[Problem]:
    if workflow.group_by and not workflow.trigger.repeats:
        message = "only a scheduled workflow can take records together."
        yield Problem("group_by", message, "Leave it out, or use a schedule.")
    if workflow.group_by and workflow.group_by != TOGETHER:
        try:
            path = checking.binder.schema.path(checking.module, workflow.group_by, "group_by")
        except Invalid as invalid:
            yield invalid.problems[0]
            return
        through = any(hop.field.type != "reference" for hop in path.hops)
        if through or path.field.type not in SHARED:
            known = [field.name for field in checking.module.fields if field.type in SHARED]
            message = f"`{workflow.group_by}` is no reference."
            remedy = suggest(workflow.group_by, [*known, TOGETHER], "References")
            yield Problem("group_by", message, remedy)


def _steps(
    steps: tuple[Step, ...], path: str, checking: Checking, seen: set[str]
) -> Iterator[Problem]:
    for place, step in enumerate(steps):
        here = f"{path}.{place}"
        if step.id in seen:
            yield Problem(
                f"{here}.id",
                f"there are two steps `{step.id}`.",
                "Give each step an id of its own.",
            )
        seen.add(step.id)
        for problem in step.check(checking):
            yield problem.under(here)
        for name, source in step.templates().items():
            if name != "values":  # values are checked with the fields they are meant for
                yield from checking.text(source, f"{here}.{_alias(step, name)}")
        yield from _literal(step, here)
        if step.outward:
            yield from _unfinished(step, here, checking)
        checking.results[step.id] = (*step.keys(), "outcome")
        checking.answered[step.id] = step.answered()
        for branch, inside in step.branches().items():
            yield from _steps(inside, f"{here}.{branch}", checking, seen)


def _literal(step: Step, path: str) -> Iterator[Problem]:
    """Settings that are written as templates, and are none."""
    templates = step.templates()
    for name in type(step).model_fields:
        given = getattr(step, name)
        for text in given if isinstance(given, tuple) else [given]:
            if name not in templates and isinstance(text, str) and "{{" in text:
                told = f"`{text}` would be taken literally: there is nothing to fill in here."
                yield Problem(f"{path}.{_alias(step, name)}", told, "Write it out.")


def _unfinished(step: Step, path: str, checking: Checking) -> Iterator[Problem]:
    """Placeholders in what leaves the house."""
    texts = [
        (_alias(step, name), source, step.channel == "" or form == "html")
        for name, form in step.forms().items()
        for source in _sources(getattr(step, name))
    ]
    for wording in checking.templates.get(getattr(step, "template", ""), ()):
        plain = (wording.subject, wording.body)
        texts += [("template", source, False) for source in plain]
        texts.append(("template", wording.html, True))
    for key, source, markup in texts:
        for word in placeholders(source, markup=markup):
            remedy = "Write what belongs there, or the field that has it."
            yield Problem(f"{path}.{key}", f"“{word}” would go out as it stands.", remedy)


def _sources(given: Any) -> Iterator[str]:
    """The texts in a setting."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        for part in given.values():
            yield from _sources(part)
    elif isinstance(given, (list, tuple)):
        for part in given:
            yield from _sources(part)


def _alias(step: Step, name: str) -> str:
    return type(step).model_fields[name].alias or name
