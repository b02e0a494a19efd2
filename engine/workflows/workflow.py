"""The workflow document: the one shape that is stored, sent, edited and run, and its route."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

import engine.blocks.actions
import engine.blocks.control
import engine.blocks.triggers
from engine.blocks import words
from engine.blocks.checking import Checking
from engine.blocks.step import Step
from engine.blocks.triggers import Trigger
from engine.blocks.triggers.schedule import Schedule
from engine.company.windows import Window, next_inside
from engine.conditions import ALWAYS, SHAPES, AllOf, Binder, Condition, asks_nothing, shape
from engine.conditions.words import describe
from engine.problems import Invalid, Problem, join, suggest
from engine.schema.english import article, count
from engine.templates import parse
from engine.templates.wording import Wording
from engine.workflows.size_limits import too_many_steps, unreadable

for package in (engine.blocks.triggers, engine.blocks.control, engine.blocks.actions):
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(found.name)

if TYPE_CHECKING:
    AnyStep: TypeAlias = Step
    AnyTrigger: TypeAlias = Trigger
else:
    AnyTrigger = Annotated[reduce(or_, Trigger.types.values()), Field(discriminator="type")]
    AnyStep = Annotated[reduce(or_, Step.types.values()), Field(discriminator="type")]
    for step_type in Step.types.values():
        step_type.model_rebuild(_types_namespace={"AnyStep": AnyStep, "Condition": Condition})


TOGETHER = "all"  # in `group_by`: every record that matches, in one run
SHARED = ("reference", "owner")


class EveryDays(BaseModel):
    """At most once in so many days for one record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_days: int = Field(ge=1, le=3650)


class AfterFinish(BaseModel):
    """Again for one record, so many days after its last run ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after_finish_days: int = Field(ge=0, le=3650)


Recurrence = Literal["every", "once", "episode"] | EveryDays | AfterFinish


class Workflow(BaseModel):
    """What a person approves: when it starts, for which records, how often, and what it does."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_: Literal[1] = Field(1, alias="schema")
    name: str = Field(min_length=1, max_length=120)
    description: str = ""
    category: str = ""
    module: str
    trigger: AnyTrigger
    conditions: Condition = ALWAYS
    recurrence: Recurrence = "every"
    everyone: bool = False
    group_by: str | None = None
    stop_when: Condition | None = None
    pause_when: Condition | None = None
    window: Window | None = None
    steps: tuple[AnyStep, ...] = ()

    # Not of the document: what the templates it names said when it was read or submitted.
    _texts: Mapping[str, tuple[Wording, ...]] = PrivateAttr(default_factory=dict)

    @property
    def texts(self) -> Mapping[str, tuple[Wording, ...]]:
        """What the templates of the library say that its steps name."""
        return self._texts

    def with_texts(self, texts: Mapping[str, tuple[Wording, ...]]) -> "Workflow":
        """The same workflow, its templates saying this; those it does not name are left out."""
        copy = self.model_copy()
        copy.__dict__.pop("paths", None)
        copy._texts = {name: texts[name] for name in self.templates_used if name in texts}
        return copy

    @property
    def templates_used(self) -> list[str]:
        """The templates of the library that its steps name."""
        named = [getattr(step, "template", "") for step in self.every_step]
        return sorted({name for name in named if name})

    @cached_property
    def entry(self) -> Condition:
        """What must hold to start: the conditions, and what the trigger asks of the change."""
        asked = self.trigger.condition()
        return AllOf(all=(asked, self.conditions)) if asked else self.conditions

    @cached_property
    def route(self) -> dict[str, tuple[Step, str | None]]:
        """Each step by id, with the id that follows it."""
        return {step.id: (step, successor) for step, successor in follow(self.steps, None)}

    @property
    def every_step(self) -> list[Step]:
        """Each step in the order of reading, those of both branches among them."""
        return [step for step, _ in self.route.values()]

    @cached_property
    def position(self) -> dict[str, int]:
        """Each step's place in the order of reading, from 1."""
        return {id: place for place, id in enumerate(self.route, 1)}

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every path that some template of the workflow reads."""
        return frozenset(
            path
            for step, _ in self.route.values()
            for path in _paths(list(step.templates().values()))
        ) | frozenset(
            path
            for wordings in self._texts.values()
            for wording in wordings
            for path in _paths(wording.parts)
        )

    @cached_property
    def waits(self) -> bool:
        return any(step.look == "wait" for step in self.every_step)

    def start(self) -> str | None:
        return self.steps[0].id if self.steps else None

    def after(self, step: Step, branch: str = "") -> str | None:
        """Where to go when this step is done, or where the branch it chose begins."""
        inside = step.branches().get(branch)
        return inside[0].id if inside else self.route[step.id][1]

    def recurs(self, subject: str = "record") -> str:
        """How often for one subject (an invoice, or the account of several), in words."""
        if self.group_by == TOGETHER:
            return self._recurs_for_all()
        match self.recurrence:
            case "every":
                if self.trigger.repeats:
                    return f"every time, also for {article(subject)} that it ran for before"
                return "each time this happens"
            case "once":
                return f"only once for each {subject}"
            case "episode":
                return (
                    f"once for each {subject}, and once more each time the conditions "
                    "have stopped being true and become true again"
                )
            case EveryDays(every_days=days):
                return f"at most once in {count(days, 'day')} for each {subject}"
            case AfterFinish(after_finish_days=days):
                later = f"{count(days, 'day')} after" if days else "once"
                return f"again for the same {subject} {later} its last run has ended"

    def _recurs_for_all(self) -> str:
        match self.recurrence:
            case "once":
                return "only once"
            case "episode":
                return "once, and once more each time there are such records again"
            case EveryDays(every_days=days):
                return f"at most once in {count(days, 'day')}"
            case AfterFinish(after_finish_days=days):
                return f"again {count(days, 'day')} after its last run has ended"
        return "every time that there are any"

    def _open(self) -> str:
        if self.trigger.repeats:
            return "It looks for records, and writes to people, only"
        return "It writes to people only"

    def words(self, binder: Binder) -> list[str]:
        """The workflow in sentences: when, for which, how often, and step by step what it does."""
        asked = describe(self.conditions, binder)
        singular, label = binder.module.singular.lower(), binder.module.label.lower()
        subject = words.path(self.group_by, binder) if self.group_by else singular
        start = self.trigger.say(binder)
        only = "" if asked == "always" else f", if {asked}"
        said = [f"It starts {start[:1].lower()}{start[1:]}{only}."]
        if self.group_by == TOGETHER:
            said.append(f"All such {label} are taken together, in one run.")
        elif self.group_by:
            said.append(f"All such {label} of {article(subject)} are taken together.")
        said.append(f"It runs {self.recurs(subject)}.")
        if self.stop_when:
            stop = describe(self.stop_when, binder)
            said.append(f"It stops for {article(singular)} as soon as {stop}.")
        if self.pause_when:
            pause = describe(self.pause_when, binder)
            said.append(f"It does not write about {article(singular)} while {pause}.")
        if self.window:
            said.append(f"{self._open()} {self.window.words()}.")
        return [*said, *_say(self.steps, binder)]


def follow(steps: tuple[Step, ...], rejoin: str | None) -> Iterator[tuple[Step, str | None]]:
    """Pair every step with its successor; a branch rejoins after the step that holds it."""
    successors = [*(later.id for later in steps[1:]), rejoin]
    for step, successor in zip(steps, successors, strict=False):  # no step, no successor
        yield step, successor
        for inside in step.branches().values():
            yield from follow(inside, successor)


def _paths(source: Any) -> Iterator[str]:
    if isinstance(source, str):
        yield from parse(source).paths
    elif isinstance(source, dict):
        for part in source.values():
            yield from _paths(part)
    elif isinstance(source, (list, tuple)):
        for part in source:
            yield from _paths(part)


def _say(steps: tuple[Step, ...], binder: Binder, indent: str = "") -> list[str]:
    said = []
    for step in steps:
        heading = step.say(binder)
        carry_on = ", and go on should that fail" if step.on_error == "continue" else ""
        end = ":" if step.branches() else f"{carry_on}."
        said.append(f"{indent}{heading[:1].upper()}{heading[1:]}{end}")
        for name, inside in step.branches().items():
            if inside:
                said.append(f"{indent}{'If so:' if name == 'then' else 'Otherwise:'}")
                said += _say(inside, binder, indent + "\u2003")
    return said


# --- checking what somebody wrote ---


def read(document: Mapping[str, Any]) -> tuple[Workflow | None, list[Problem]]:
    """The document as a workflow, or what keeps it from being one."""
    if problem := unreadable(document) or too_many_steps(dict(document)):
        return None, [problem]
    try:
        return Workflow.model_validate(document), []
    except ValidationError as invalid:
        found = [_teach(error, document) for error in invalid.errors(include_url=False)]
        return None, list(dict.fromkeys(found))


def read_condition(module: str, written: Any, at: str = "where") -> Condition:
    """A condition as somebody wrote it, about records of a module. Raises `Invalid` with all."""
    if not written:
        return ALWAYS
    document = {"name": "search", "module": module, "trigger": {"type": "manual"}}
    parsed, problems = read({**document, "conditions": written})
    if parsed is None:
        moved = (replace(p, path=p.path.replace("conditions", at, 1)) for p in problems)
        raise Invalid(*moved)
    return parsed.conditions


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
    problems += _steps(workflow.steps, "steps", checking, set())
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
    if not trigger.past(now, calendar) and next_inside(trigger, window, now, calendar) is None:
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
        checking.results[step.id] = (*step.keys(), "outcome")
        for branch, inside in step.branches().items():
            yield from _steps(inside, f"{here}.{branch}", checking, seen)


def _alias(step: Step, name: str) -> str:
    return type(step).model_fields[name].alias or name


def _teach(error: Any, document: Mapping[str, Any]) -> Problem:
    """A fault of shape, in words: where, what, and the nearest right thing."""
    loc = [str(part) for part in error["loc"]]
    path = ".".join(_place(loc, document))
    if loc and loc[0] == "recurrence":
        remedy = 'Write "every", "once", "episode", {"every_days": 7} or {"after_finish_days": 4}.'
        return Problem(
            "recurrence", f"`{_named(document['recurrence'])}` is no recurrence.", remedy
        )
    if "when_nothing_matches" in loc:
        key = loc.index("when_nothing_matches")
        remedy = 'Write "stop", "skip" or {"wait_days": 5}, with 1 day or more.'
        said = "this is no way to go on when nothing matches."
        return Problem(".".join(_place(loc[: key + 1], document)), said, remedy)
    match error["type"]:
        case "extra_forbidden":
            return Problem(
                path,
                f"there is no key `{loc[-1]}` here.",
                suggest(loc[-1], _keys(loc[:-1]), "Keys"),
            )
        case "union_tag_invalid":
            known = Trigger.types if loc[0] == "trigger" else Step.types
            tag = str(error["ctx"]["tag"])
            return Problem(
                join(path, "type"), f"there is no type `{tag}`.", suggest(tag, known, "Types")
            )
        case "union_tag_not_found":
            example = "record_created" if loc[0] == "trigger" else "send_email"
            remedy = f'Name one, like "type": "{example}".'
            return Problem(join(path, "type"), "it has no `type`.", remedy)
        case "missing":
            return Problem(path, f"`{loc[-1]}` is missing.", "Give it a value.")
        case "condition":
            remedy = 'Write {"field": "status", "op": "equals", "value": "Sent"}.'
            if isinstance(error["input"], list):
                remedy = 'Put the list into {"all": [...]} or {"any": [...]}.'
            return Problem(path, "this is no condition.", remedy)
        case "literal_error":
            possible = [
                word.strip(" '")
                for word in str(error["ctx"]["expected"]).replace(" or ", ",").split(",")
            ]
            said = f"`{_named(error['input'])}` is not possible here."
            return Problem(path, said, suggest(str(error["input"]), possible, "Possible"))
        case "tuple_type" | "list_type":
            return Problem(
                path, f"`{_named(error['input'])}` is not a list.", "Put it in brackets: [ ... ]."
            )
        case "string_pattern_mismatch" if loc[-1] == "id":
            return Problem(
                path,
                f"`{_named(error['input'])}` cannot name a step.",
                "Use a-z, 0-9 and _, a letter first.",
            )
    return Problem(path, f"it {_asked(error)}.", f"It is {_brief(error.get('input'))} now.")


def _asked(error: Any) -> str:
    """What a value of the wrong type or size should be."""
    kind, facts = error["type"], error.get("ctx", {})
    known = {
        "greater_than_equal": f"must be {facts.get('ge')} or more",
        "less_than_equal": f"must be {facts.get('le')} or less",
        "string_too_short": "must not be empty",
        "string_too_long": f"must have {facts.get('max_length')} characters at most",
        "too_short": "must not be empty",
        "string_pattern_mismatch": "must be written like 09:00",
    }
    kinds = {
        "string": "text",
        "int": "a whole number",
        "bool": "true or false",
        "float": "a number",
    }
    types = next(
        (named for name, named in kinds.items() if kind.startswith(f"{name}_")), "an object"
    )
    return known.get(kind, f"must be {types}")


def _brief(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case str():
            return f"“{_named(value)}”"
    return _named(value)


def _named(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _place(loc: list[str], document: Any) -> Iterator[str]:
    """The path as it is in the document, without the names of types that the reader adds."""
    node, named = document, True
    for part in loc:
        tag = None if named or not isinstance(node, dict) else node.get("type") or shape(node)
        if tag == part:
            named = True
            continue
        yield part
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and part.isdigit():
            node = node[int(part)]
        named = False


def _keys(loc: list[str]) -> list[str]:
    """The keys that are possible at a place: those of the class that was being read there."""
    if loc == ["window"]:
        return ["from", "to", "days"]
    for part in reversed(loc):
        if kind := Step.types.get(part) or Trigger.types.get(part) or SHAPES.get(part):
            return [field.alias or name for name, field in kind.model_fields.items()]
    return [field.alias or name for name, field in Workflow.model_fields.items()]
