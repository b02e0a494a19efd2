"""The workflow document: the one shape that is stored, sent, edited and run, and its route."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

import engine.blocks.actions
import engine.blocks.control
import engine.blocks.triggers
from engine.blocks import words
from engine.blocks.control.if_ import If
from engine.blocks.control.wait import Wait
from engine.blocks.in_full import InFull, in_full
from engine.blocks.step import Action, Step
from engine.blocks.triggers import Trigger
from engine.company.windows import Window
from engine.conditions import ALWAYS, AllOf, Binder, Condition
from engine.conditions.words import describe
from engine.phrases import mark, say
from engine.problems import KnownAs
from engine.schema.english import article
from engine.templates import paths_in
from engine.templates.wording import Wording
from engine.workflows.recurrence import AnyRecurrence, Every

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


@dataclass(frozen=True)
class Sentence:
    """One sentence about a workflow, as far in as its step is held by others; None for no step."""

    text: str
    step: Step | None = None


class Workflow(BaseModel):
    """What a person approves: when it starts, for which records, how often, and what it does."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_: Literal[1] = Field(1, alias="schema")
    name: str = Field(min_length=1, max_length=120)
    description: str = ""
    category: str = ""
    module: str
    trigger: Annotated[AnyTrigger, KnownAs(("when", "on", "start"))]
    conditions: Annotated[Condition, KnownAs(("condition", "where", "filter"))] = ALWAYS
    recurrence: AnyRecurrence = Every()
    everyone: bool = False
    group_by: str | None = None
    stop_when: Condition | None = None
    pause_when: Condition | None = None
    window: Window | None = None
    steps: Annotated[tuple[AnyStep, ...], KnownAs(("actions", "do"))] = ()

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

    def way_to(self, step: str) -> dict[str, str]:
        """The arms that lead to a step: by the id of the step that holds each, its branch."""
        return _way(self.steps, step) or {}

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
        settings = [list(step.templates().values()) for step in self.every_step]
        worded = [wording.parts for wordings in self._texts.values() for wording in wordings]
        return paths_in([*settings, *worded])

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
        each = "" if self.group_by == TOGETHER else subject
        return self.recurrence.words(each, repeats=self.trigger.repeats)

    def one_at_a_time(self, binder: Binder) -> str:
        """That a run keeps others from starting, in words."""
        subject = "" if self.group_by == TOGETHER else self._subject(binder)
        return self.recurrence.one_at_a_time(subject, repeats=self.trigger.repeats)

    def _subject(self, binder: Binder) -> str:
        """What a run is for: an invoice, or the account of several."""
        if self.group_by and self.group_by != TOGETHER:
            return words.path(self.group_by, binder)
        return binder.module.singular.lower()

    def next_dates(self, binder: Binder) -> list[datetime]:
        """When the clock starts it next, in UTC: three times at most."""
        return self.trigger.next_dates(self.window, binder)

    def _open(self, window: Window) -> str:
        """When the window lets it write to people, in a sentence."""
        if self.trigger.repeats:
            told = mark("It looks for records, and writes to people, only {window}.")
            return say(told, window=window.words())
        return say("It writes to people only {window}.", window=window.words())

    def _together(self, subject: str, label: str, binder: Binder) -> list[str]:
        """Which records one run takes, and how many of them are asked; none, if it takes one."""
        if not self.group_by:
            return []
        such = mark("All such {records} are taken together, in one run, and asked one by one.")
        if self.group_by != TOGETHER:
            such = mark(
                "All such {records} of {subject} are taken together, in one run, and asked one by "
                "one."
            )
        told = [say(such, records=label, subject=article(subject))]
        actions = (step for step in self.every_step if isinstance(step, Action))
        if not all(step.several or step.channel for step in actions):
            told.append(
                say("Where a step says “it” and not “each of them”, the first of them is meant.")
            )
        if any(isinstance(step, Wait) and step.until_conditions for step in self.every_step):
            told.append(
                say("A wait for something to be true ends when it is true of each of them.")
            )
        asks = (step for step in self.every_step if isinstance(step, If) and not step.of_group)
        if any(step.differs(binder, self.group_by) for step in asks):
            told.append(
                say("Where it goes one way or the other, it is enough that one of them fits.")
            )
        return told

    def in_full(self, step: Step | None, binder: Binder) -> list[InFull]:
        """The texts of one of its steps word by word, those of the template it names among them."""
        return list(in_full(step, binder, self._texts)) if step else []

    def words(self, binder: Binder) -> list[str]:
        """The workflow in sentences: when, for which, how often, and step by step what it does."""
        return [sentence.text for sentence in self.told(binder)]

    def told(self, binder: Binder) -> list[Sentence]:
        """The same sentences, each of a step with that step."""
        one, label = article(binder.module.singular), binder.module.label.lower()
        subject = self._subject(binder)
        said = [self._starting(binder)]
        if self.everyone:
            said.append(say("It is meant for all {records} there are.", records=label))
        said += self._together(subject, label, binder)
        said.append(say("It runs {recurrence}.", recurrence=self.recurs(subject)))
        if self.stop_when:
            stop = describe(self.stop_when, binder)
            said.append(
                say("It stops for {record} as soon as {condition}.", record=one, condition=stop)
            )
        if self.pause_when:
            pause = describe(self.pause_when, binder)
            told = mark("It does not write about {record} while {condition}.")
            said.append(say(told, record=one, condition=pause))
        if self.window:
            said.append(self._open(self.window))
        steps = _say(self.steps, binder, several=bool(self.group_by))
        return [*map(Sentence, said), *steps]

    def _starting(self, binder: Binder) -> str:
        """When it starts, and for which records alone, in a sentence."""
        start, asked = self.trigger.say(binder), describe(self.conditions, binder)
        start = f"{start[:1].lower()}{start[1:]}"
        if asked == say("always"):
            return say("It starts {start}.", start=start)
        return say("It starts {start}, if {condition}.", start=start, condition=asked)


def _way(steps: tuple[Step, ...], wanted: str) -> dict[str, str] | None:
    for step in steps:
        if step.id == wanted:
            return {}
        for name, inside in step.branches().items():
            if (way := _way(inside, wanted)) is not None:
                return {step.id: name, **way}
    return None


def follow(steps: tuple[Step, ...], rejoin: str | None) -> Iterator[tuple[Step, str | None]]:
    """Pair every step with its successor; a branch rejoins after the step that holds it."""
    successors = [*(later.id for later in steps[1:]), rejoin]
    for step, successor in zip(steps, successors, strict=False):  # no step, no successor
        yield step, successor
        for inside in step.branches().values():
            yield from follow(inside, successor)


def _say(
    steps: tuple[Step, ...], binder: Binder, indent: str = "", *, several: bool
) -> Iterator[Sentence]:
    """The steps in sentences; `several` records are taken together."""
    for step in steps:
        yield Sentence(f"{indent}{_sentence(step, binder, several=several)}", step)
        for name, inside in step.branches().items():
            if inside:
                way = say("If so:") if name == "then" else say("Otherwise:")
                yield Sentence(f"{indent}{way}")
                yield from _say(inside, binder, indent + "\u2003", several=several)


def _sentence(step: Step, binder: Binder, *, several: bool) -> str:
    """What a step does, to how many of several records, and what comes of its failure."""
    told = step.sentence(binder)
    if step.branches():
        return say("{step}:", step=told)
    if several and isinstance(step, Action) and step.several:
        told = say("{step}, for each of them", step=told)
    if step.on_error == "continue":
        told = say("{step}, and go on should that fail", step=told)
    return say("{step}.", step=told)
